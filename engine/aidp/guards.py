"""Guards: what recipes may know of the held-out splits, namely whether a row overlaps them.

Hashes only: of whole normalised prompts and of word n-grams. N-grams come from the columns a prompt is made of, not
from the prompt: a task's fixed wording is in every row and must not make every row look like a copy. For the same
reason an n-gram that many held-out rows share (an instruction column, say) guards nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from engine.aidp.text import digest, ngrams, normalise
from engine.errors import MachineFailure
from engine.files import write_atomic

SIZES = (6, 8, 13)  # words; `decontaminate` chooses among them
SHARED_BY = 10  # an n-gram in more held-out rows than this is a fixed phrase, not a leak
_WIDTH = 8  # bytes of one hash


class _Stored(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`guards.json`: sorted hashes, joined (base64)."""

    version: int
    prompts: bytes
    ngrams: dict[int, bytes]


@dataclass(frozen=True)
class Guard:
    """The question recipes may ask. `ngram` 0: equal prompts only."""

    prompts: frozenset[bytes]
    ngrams: frozenset[bytes]
    ngram: int

    def overlaps(self, row: Mapping[str, str]) -> bool:
        """Whether the row's prompt equals a held-out one or shares `ngram` words in a row with one."""
        prompt = row["prompt"]
        if digest(normalise(prompt)) in self.prompts:
            return True
        return self.ngram > 0 and any(gram in self.ngrams for gram in ngrams(prompt, self.ngram))


@dataclass(frozen=True)
class Guards:
    """Hashes of all held-out rows."""

    prompts: frozenset[bytes]
    ngrams: Mapping[int, frozenset[bytes]]

    def at(self, ngram: int) -> Guard:
        """The guard for runs of `ngram` words (one of SIZES), or for equal prompts only (0)."""
        return Guard(self.prompts, self.ngrams[ngram] if ngram else frozenset(), ngram)


def build(rows: Iterable[tuple[str, tuple[str, ...]]]) -> Guards:
    """Guards over held-out rows, each given as its prompt and the columns the prompt was made from."""
    prompts: set[bytes] = set()
    shared: dict[int, Counter[bytes]] = {size: Counter() for size in SIZES}
    for prompt, columns in rows:
        prompts.update(digest(normalise(text)) for text in (prompt, " ".join(columns)))
        for size, counts in shared.items():
            counts.update({gram for text in columns for gram in ngrams(text, size)})
    return Guards(
        frozenset(prompts),
        {
            size: frozenset(g for g, rows_with in counts.items() if rows_with <= SHARED_BY)
            for size, counts in shared.items()
        },
    )


def save(guards: Guards, path: Path) -> None:
    """Write `guards.json`, the same bytes for the same guards."""
    grams = {size: b"".join(sorted(found)) for size, found in sorted(guards.ngrams.items())}
    write_atomic(path, msgspec.json.encode(_Stored(version=1, prompts=b"".join(sorted(guards.prompts)), ngrams=grams)))


def load(path: Path) -> Guards:
    """Read `guards.json`. Raises MachineFailure where it is missing or damaged."""
    try:
        stored = msgspec.json.decode(path.read_bytes(), type=_Stored)
    except (OSError, msgspec.MsgspecError):
        raise MachineFailure("the guards of the held-out splits cannot be read", where=str(path), hint=REMAKE) from None
    if stored.version != 1 or set(stored.ngrams) != set(SIZES):
        raise MachineFailure("the guards were made by another version", where=str(path), hint=REMAKE)
    return Guards(_split(stored.prompts), {size: _split(joined) for size, joined in stored.ngrams.items()})


REMAKE = "remove the task's folder below `tasks` in the workspace; it is made anew"


def _split(joined: bytes) -> frozenset[bytes]:
    return frozenset(joined[at : at + _WIDTH] for at in range(0, len(joined), _WIDTH))
