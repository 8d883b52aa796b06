"""What many rows have in common: an instruction written into every prompt. It makes no two rows alike.

Rows alike by what is left are dropped in rounds: fewer rows may have other things in common, and doing it again must
change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import compress
from typing import NamedTuple

import numpy as np

from engine.aidp.likeness.shingles import BATCH, hashed, numbered, shingles, starts_of_runs
from engine.aidp.text import words

ASKED = 2_000  # rows that are asked
FEW = 100  # rows below which there is no telling
MOST = 0.5  # a word that so many rows have is wording
RUN = 6  # words; a run of so many
SOME, SHARED_BY = 0.01, 10  # is wording where so many rows have it: data is often mixed of many tasks


class Repeat(NamedTuple):
    """Row `at` is left out for the sake of the earlier row `first`."""

    at: int
    first: int
    similarity: float


Finder = Callable[[Sequence[str], frozenset[int]], list[Repeat]]
"""The repeats among texts, given their wording."""


def settled(texts: Sequence[str], find: Finder, again: bool = True) -> list[Repeat]:
    """All repeats, in order of their rows: after them `find` finds no more among those that stay.

    Not `again`: after one look, which is nearly all.
    """
    places, left, wording = list(range(len(texts))), texts, common(texts)
    repeats: list[Repeat] = []
    while found := find(left, wording):
        repeats += [Repeat(places[one.at], places[one.first], one.similarity) for one in found]
        gone = {one.at for one in found}
        stay = [at for at in range(len(left)) if at not in gone]
        places, left = [places[at] for at in stay], [left[at] for at in stay]
        before, wording = wording, common(left)
        if wording == before or not again:
            break
    return sorted(repeats)


def common(texts: Sequence[str]) -> frozenset[int]:
    """The numbers of words and runs of words that are wording, as rows spread evenly over all say."""
    if len(texts) < FEW:
        return frozenset()
    asked = [texts[at * len(texts) // ASKED] for at in range(ASKED)] if len(texts) > ASKED else texts
    found: set[int] = set()
    for size, least in ((1, MOST * len(asked)), (RUN, max(SHARED_BY, SOME * len(asked)))):
        batches = [shingles(asked[at : at + BATCH], "words", size).numbers for at in range(0, len(asked), BATCH)]
        numbers, rows = np.unique(np.concatenate(batches), return_counts=True)
        found.update(numbers[rows >= least].tolist())
    return frozenset(found)


def without(texts: Sequence[str], wording: frozenset[int]) -> Sequence[str]:
    """At most BATCH texts less what is wording, as words; a text where nothing else is in it stays."""
    if not wording:
        return texts
    found = [words(text) for text in texts]
    numbers, lengths = numbered(found)
    known = np.fromiter(wording, np.uint64)
    own = ~np.isin(hashed(numbers, np.arange(len(numbers)), 1), known)
    begins = starts_of_runs(lengths, RUN)
    shared = begins[np.isin(hashed(numbers, begins, RUN), known)]
    for at in range(RUN):
        own[shared + at] = False
    stay = np.split(own, np.cumsum(lengths)[:-1])
    return [" ".join(compress(parts, there)) or text for text, parts, there in zip(texts, found, stay, strict=True)]
