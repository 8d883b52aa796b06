"""Guards: what recipes may know of the held-out splits, namely whether a row overlaps them.

Hashes only: of whole normalised prompts and of word n-grams. N-grams come from the columns a prompt is made of, not
from the prompt: a task's fixed wording is in every row and must not make every row look like a copy. For the same
reason words that many held-out rows share (an instruction written into a column, say) count as fixed wording too.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from itertools import accumulate
from pathlib import Path

import msgspec

from engine.aidp.text import digest, ngrams, normalise
from engine.errors import MachineFailure
from engine.files import write_atomic

SIZES = (6, 8, 13)  # words; `decontaminate` chooses among them
ENOUGH = 0.1  # of a held-out row's n-grams: one for a sentence; long dialogues share a run or two by chance
SHARED_BY = 10  # a run of words in more held-out rows than this is fixed wording, not a leak
_WIDTH = 8  # bytes of one hash


class _Stored(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`guards.json`: sorted hashes, joined (base64); n-grams by size and held-out row."""

    version: int
    prompts: bytes
    ngrams: dict[int, list[bytes]]


class Guard:
    """The question recipes may ask, for runs of `ngram` words; 0: equal prompts only."""

    def __init__(self, prompts: frozenset[bytes], rows: Sequence[frozenset[bytes]], ngram: int) -> None:
        self._prompts, self._ngram = prompts, ngram
        self._enough = [max(1, math.ceil(len(grams) * ENOUGH)) for grams in rows]
        self._owners: dict[bytes, list[int]] = {}
        for owner, grams in enumerate(rows):
            for gram in grams:
                self._owners.setdefault(gram, []).append(owner)

    def overlaps(self, row: Mapping[str, str]) -> bool:
        """Whether the row's prompt equals a held-out one or shares enough runs of words with one."""
        prompt = row["prompt"]
        if digest(normalise(prompt)) in self._prompts:
            return True
        if not self._ngram:
            return False
        shared = Counter(owner for gram in set(ngrams(prompt, self._ngram)) for owner in self._owners.get(gram, ()))
        return any(count >= self._enough[owner] for owner, count in shared.items())


@dataclass(frozen=True)
class Guards:
    """Hashes of all held-out rows: of their prompts, and of each row's n-grams by size."""

    prompts: frozenset[bytes]
    ngrams: Mapping[int, tuple[frozenset[bytes], ...]]

    @cached_property
    def fingerprint(self) -> str:
        """Names what is held out."""
        digest = blake2b(b"".join(sorted(self.prompts)))
        for size, rows in sorted(self.ngrams.items()):
            digest.update(size.to_bytes(2, "big") + b"".join(b"".join(sorted(row)) for row in rows))
        return digest.hexdigest()

    def at(self, ngram: int) -> Guard:
        """The guard for runs of `ngram` words (one of SIZES), or for equal prompts only (0)."""
        return Guard(self.prompts, self.ngrams[ngram] if ngram else (), ngram)


def build(rows: Iterable[tuple[str, tuple[str, ...]]]) -> Guards:
    """Guards over held-out rows, each given as its prompt and the columns the prompt was made from."""
    held = list(rows)
    fixed = _fixed_wording(columns for _, columns in held)
    prompts = {digest(normalise(text)) for prompt, columns in held for text in (prompt, " ".join(columns))}
    grams = {
        size: tuple(frozenset(gram for text in columns for gram in _own(text, size, fixed)) for _, columns in held)
        for size in SIZES
    }
    return Guards(frozenset(prompts), grams)


def _fixed_wording(rows: Iterable[tuple[str, ...]]) -> frozenset[bytes]:
    """Runs of the smallest size that more than SHARED_BY rows have."""
    counts: Counter[bytes] = Counter()
    for columns in rows:
        counts.update({gram for text in columns for gram in ngrams(text, SIZES[0])})
    return frozenset(gram for gram, rows_with in counts.items() if rows_with > SHARED_BY)


def _own(text: str, size: int, fixed: frozenset[bytes]) -> Iterator[bytes]:
    """N-grams of which at least half of the words are the row's own, not fixed wording."""
    shared = [0] * (len(text) + 1)  # one for each word, and no text has more words than characters
    for start, gram in enumerate(ngrams(text, SIZES[0])):
        if gram in fixed:
            shared[start : start + SIZES[0]] = [1] * SIZES[0]
    before = [0, *accumulate(shared)]
    for start, gram in enumerate(ngrams(text, size)):
        if 2 * (before[start + size] - before[start]) <= size:
            yield gram


def save(guards: Guards, path: Path) -> None:
    """Write `guards.json`, the same bytes for the same guards."""
    grams = {size: [b"".join(sorted(row)) for row in rows] for size, rows in sorted(guards.ngrams.items())}
    write_atomic(path, msgspec.json.encode(_Stored(version=1, prompts=b"".join(sorted(guards.prompts)), ngrams=grams)))


def load(path: Path) -> Guards:
    """Read `guards.json`. Raises MachineFailure where it is missing or damaged."""
    try:
        stored = msgspec.json.decode(path.read_bytes(), type=_Stored)
    except (OSError, msgspec.MsgspecError):
        raise MachineFailure("the guards of the held-out splits cannot be read", where=str(path), hint=REMAKE) from None
    if stored.version != 1 or set(stored.ngrams) != set(SIZES):
        raise MachineFailure("the guards were made by another version", where=str(path), hint=REMAKE)
    return Guards(_split(stored.prompts), {size: tuple(map(_split, rows)) for size, rows in stored.ngrams.items()})


REMAKE = "remove the task's folder below `tasks` in the workspace; it is made anew"


def _split(joined: bytes) -> frozenset[bytes]:
    return frozenset(joined[at : at + _WIDTH] for at in range(0, len(joined), _WIDTH))
