"""Whether a text says again what another one says: equal when normalised, or much the same set of words.

Exact: two sets of words whose overlap (of all words of both) reaches a bound share one of their rarest words, so only
those are indexed (prefix filtering: Bayardo, Ma and Srikant 2007). Some thousand new texts against many old ones; not
for a whole data set against itself (`engine.aidp.operators.duplicates`).
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Callable, Collection, Sequence

from engine.aidp.context import silent
from engine.aidp.text import digest, normalise, words

EVERY = 5_000  # texts between two words of progress


class Known:
    """Texts, and the question whether another is like one of them. `near`: the overlap that counts, in (0, 1]."""

    def __init__(self, texts: Sequence[str], near: float, progress: Callable[[int, int], None] = silent) -> None:
        self._near = near
        self._counts: Counter[str] = Counter()
        for at, text in enumerate(texts):
            if not at % EVERY:
                progress(at, len(texts))
            self._counts.update(set(words(text)))
        self._texts: list[str] = []
        self._equal: set[bytes] = set()
        self._holding: dict[str, array[int]] = {}  # texts by those of their words that are looked for
        for at, text in enumerate(texts):
            if not at % EVERY:
                progress(at, len(texts))
            self.add(text)

    def add(self, text: str) -> None:
        self._equal.add(digest(normalise(text)))
        for word in self._rarest(set(words(text))):
            self._holding.setdefault(word, array("I")).append(len(self._texts))
        self._texts.append(text)

    def like(self, text: str) -> bool:
        """Whether one of the texts says the same."""
        if digest(normalise(text)) in self._equal:
            return True
        own = set(words(text))
        candidates = {at for word in self._rarest(own) for at in self._holding.get(word, ())}
        return any(overlap(own, set(words(self._texts[at]))) >= self._near for at in candidates)

    def _rarest(self, own: Collection[str]) -> list[str]:
        """So many that two sets with enough in common share one."""
        size = len(own) - math.ceil(self._near * len(own) - 1e-9) + 1 if own else 0
        return sorted(own, key=lambda word: (self._counts[word], word))[:size]


def overlap(one: Collection[str], other: Collection[str]) -> float:
    """Common words as a share of all words of both; 0 where there are none."""
    common = len(set(one) & set(other))
    return common / (len(one) + len(other) - common) if common else 0.0
