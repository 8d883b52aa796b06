"""Guards: what recipes may know of the held-out splits, namely whether a row overlaps them.

Hashes only. A row overlaps a held-out one when its prompt or its answer (or both, read as one)
- says the same letters, or one of its sentences (or some in a row) does: another case, spacing or punctuation;
- shares runs of words with it;
- has the same words but one, in whatever order: one changed, dropped, added, any moved (not where held-out rows are
  that to one another: then that is how the rows were made);
- where it is asked for, and the guards were made with an embedding model: means the same (`engine.aidp.meaning`).

Words are taken from the columns a prompt is made of, not from the prompt: a task's fixed wording is in every row and
must not make every row look like a copy. For the same reason words that many held-out rows share (an instruction
written into a column, say) count as fixed wording too. How a row is asked about: `engine.aidp.guard`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from engine.aidp.guard import LONGEST, SENTENCE, WIDTH, Guard, Index, bags, near_enough, sieved, sieved_bags
from engine.aidp.text import digest, letters, ngrams, words
from engine.errors import IdeaFailure, MachineFailure
from engine.files import write_atomic

if TYPE_CHECKING:
    from engine.aidp.services import Embedder

SIZES = (6, 8, 13)  # words; `decontaminate` chooses among them
SHARED_BY = 10  # a run of words in more held-out rows than this is fixed wording, not a leak
ALIKE = 0.05  # of the held-out rows may be each other's words but one; where more are, that is how rows are made
VERSION = 2
REMAKE = "remove the task's folder below `tasks` in the workspace; it is made anew"


class _Stored(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`guards.json`: joined hashes (base64), sorted within each text; n-grams by size and held-out row."""

    version: int
    prompts: bytes = b""
    ngrams: dict[int, list[bytes]] = {}
    sieves: dict[int, bytes] = {}
    bags: bytes = b""
    bags_sieve: bytes = b""
    signs: bytes = b""
    wording: bytes = b""


class _Version(msgspec.Struct, frozen=True):
    version: int


@dataclass(frozen=True)
class Guards:
    """Hashes of all held-out rows, sorted and joined. `ngrams`: by size, one text of hashes for each row.

    `sieves` and `bags_sieve` are the short hashes that `engine.aidp.guard` looks at first.
    """

    prompts: bytes
    ngrams: Mapping[int, tuple[bytes, ...]]
    sieves: Mapping[int, bytes]
    bags: bytes
    bags_sieve: bytes
    signs: bytes = b""
    wording: bytes = b""

    @cached_property
    def _indices(self) -> dict[int, Index]:
        """By runs of so many words, those that were asked for: what is shown and what stays is asked of the same."""
        return {}

    @cached_property
    def fingerprint(self) -> str:
        """Names what is held out."""
        named = blake2b(self.prompts + self.bags + self.signs)
        for size, rows in sorted(self.ngrams.items()):
            named.update(size.to_bytes(2, "big") + b"".join(rows))
        return named.hexdigest()

    def at(self, ngram: int, meaning: float = 0.0, embedder: Embedder | None = None) -> Guard:
        """The guard for runs of `ngram` words (one of SIZES), or for equal prompts only (0); with `meaning`, also for
        texts whose cosine is about that or more. Raises IdeaFailure where the guards know no meanings.
        """
        if not ngram:
            return Guard(self.prompts)
        if ngram not in self._indices:
            self._indices[ngram] = Index(ngram, self.ngrams[ngram], self.sieves[ngram], self.bags, self.bags_sieve)
        index = self._indices[ngram]
        if not meaning:
            return Guard(self.prompts, index)
        if embedder is None or not self.signs:
            what = "`decontaminate` cannot compare meanings here: the held-out rows were taken in without embeddings"
            raise IdeaFailure(what, hint="leave out `semantic`")
        from engine.aidp.meaning import Meanings

        return Guard(self.prompts, index, Meanings(self.signs, self.wording, meaning, embedder))


def build(rows: Iterable[tuple[str, tuple[str, ...]]], embedder: Embedder | None = None) -> Guards:
    """Guards over held-out rows, each given as its prompt and the columns the prompt was made from.

    With an `embedder` they can be asked for meanings too.
    """
    held = list(rows)
    fixed = _fixed_wording(columns for _, columns in held)
    prompts = {digest(letters(text)) for prompt, columns in held for text in (prompt, " ".join(columns))}
    own = [[word for text in columns for word in _own_words(text, fixed)] for _, columns in held]
    telling = _telling([columns for _, columns in held], own)
    found_bags: set[bytes] = set()
    bags_sieve: set[bytes] = set()
    for (prompt, columns), left in zip(held, own, strict=True):
        near = telling and near_enough(left)
        for found in {tuple(words(prompt)), tuple(words(" ".join(columns)))}:
            if SENTENCE <= len(found) <= LONGEST:
                bags_sieve.update(sieved_bags(found, spare=near))
                found_bags.update(bags(found, range(len(found))) if near else ())
    grams: dict[int, tuple[bytes, ...]] = {}
    sieves: dict[int, bytes] = {}
    for size in SIZES:
        runs = [[run for text in columns for run in _own_runs(text, size, fixed)] for _, columns in held]
        grams[size] = tuple(_joined(digest(" ".join(run)) for run in row) for row in runs)
        sieves[size] = _joined(sieved(run) for row in runs for run in row)
    signed, wording = _signs([prompt for prompt, _ in held], embedder)
    return Guards(_joined(prompts), grams, sieves, _joined(found_bags), _joined(bags_sieve), signed, wording)


def _telling(rows: list[tuple[str, ...]], own: list[list[str]]) -> bool:
    """Whether "the same words but one" says anything here: where held-out rows are that to each other (sums to work
    out, words to put in order), a train row that is it to one of them is nobody's copy."""
    texts = {
        letters(" ".join(columns)): words(" ".join(columns))
        for columns, left in zip(rows, own, strict=True)
        if near_enough(left)
    }
    found = [set(bags(text, range(len(text)))) for text in texts.values() if len(text) <= LONGEST]
    owners = Counter(bag for row in found for bag in row)
    alike = sum(any(owners[bag] > 1 for bag in row) for row in found)
    return alike <= max(1, len(found) * ALIKE)


def _signs(prompts: list[str], embedder: Embedder | None) -> tuple[bytes, bytes]:
    if embedder is None:
        return b"", b""
    from engine.aidp.meaning import signs  # numpy and more: not where guards are made without

    return signs(prompts, embedder)


def _fixed_wording(rows: Iterable[tuple[str, ...]]) -> frozenset[bytes]:
    """Runs of the smallest size that more than SHARED_BY rows have."""
    counts: Counter[bytes] = Counter()
    for columns in rows:
        counts.update({gram for text in columns for gram in ngrams(text, SIZES[0])})
    return frozenset(gram for gram, rows_with in counts.items() if rows_with > SHARED_BY)


def _own_words(text: str, fixed: frozenset[bytes]) -> list[str]:
    found = words(text)
    return [word for word, shared in zip(found, _shared(found, fixed), strict=True) if not shared]


def _own_runs(text: str, size: int, fixed: frozenset[bytes]) -> Iterator[list[str]]:
    """Runs of `size` words of which at least half are the row's own, not fixed wording."""
    found = words(text)
    before = list(accumulate(_shared(found, fixed), initial=0))
    for start in range(len(found) - size + 1):
        if 2 * (before[start + size] - before[start]) <= size:
            yield found[start : start + size]


def _shared(found: list[str], fixed: frozenset[bytes]) -> list[int]:
    """1 for each word that stands in fixed wording, 0 for the others."""
    shared = [0] * len(found)
    for start in range(len(found) - SIZES[0] + 1) if fixed else ():
        if digest(" ".join(found[start : start + SIZES[0]])) in fixed:
            shared[start : start + SIZES[0]] = [1] * SIZES[0]
    return shared


def _joined(hashes: Iterable[bytes]) -> bytes:
    return b"".join(sorted(set(hashes)))


def save(guards: Guards, path: Path) -> None:
    """Write `guards.json`, the same bytes for the same guards."""
    stored = _Stored(
        version=VERSION,
        prompts=guards.prompts,
        ngrams={size: list(rows) for size, rows in sorted(guards.ngrams.items())},
        sieves=dict(sorted(guards.sieves.items())),
        bags=guards.bags,
        bags_sieve=guards.bags_sieve,
        signs=guards.signs,
        wording=guards.wording,
    )
    write_atomic(path, msgspec.json.encode(stored))


def load(path: Path) -> Guards:
    """Read `guards.json`. Raises MachineFailure where it is missing, damaged or of another version."""
    try:
        written = path.read_bytes()
        version = msgspec.json.decode(written, type=_Version).version
        stored = msgspec.json.decode(written, type=_Stored) if version == VERSION else None
    except (OSError, msgspec.MsgspecError):
        raise MachineFailure("the guards of the held-out splits cannot be read", where=str(path), hint=REMAKE) from None
    if stored is None or not set(stored.ngrams) == set(stored.sieves) == set(SIZES):
        raise MachineFailure("the guards were made by another version", where=str(path), hint=REMAKE)
    if len(stored.prompts) % WIDTH or any(len(row) % WIDTH for rows in stored.ngrams.values() for row in rows):
        raise MachineFailure("the guards of the held-out splits cannot be read", where=str(path), hint=REMAKE)
    grams = {size: tuple(rows) for size, rows in stored.ngrams.items()}
    short = (stored.bags, stored.bags_sieve, stored.signs, stored.wording)
    return Guards(stored.prompts, grams, stored.sieves, *short)
