"""How sure a score is: bootstrap intervals over items, alone and paired. Pure and deterministic; numpy only.

Not the metrics themselves (`engine.ftbench.metrics`). Draws come from numpy's legacy generator, whose stream is
frozen for good (NEP 19): the same items give the same interval on every machine and version.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

DRAWS = 2000
LEVEL = 0.95
_BLOCK = 4_000_000  # indices drawn at once: bounds the memory for large splits

Indices = NDArray[np.int64]
Scores = NDArray[np.float64]


class Interval(NamedTuple):
    """Ends of an interval, low <= high."""

    low: float
    high: float

    def excludes(self, value: float) -> bool:
        """Whether `value` lies outside."""
        return value < self.low or value > self.high


def bootstrap_interval(values: Sequence[float], *, draws: int = DRAWS, seed: int = 0) -> Interval:
    """The 95% percentile interval of the mean of `values`. Raises ValueError for none."""
    items = np.asarray(values, dtype=np.float64)
    return resampled_interval(len(items), lambda picks: items[picks].mean(axis=1), draws=draws, seed=seed)


def paired_interval(ours: Sequence[float], theirs: Sequence[float], *, draws: int = DRAWS, seed: int = 0) -> Interval:
    """The interval of mean(ours) - mean(theirs) over the same items in the same order: items are drawn, not scores.

    Raises ValueError where the lengths differ: then the items are not the same.
    """
    if len(ours) != len(theirs):
        raise ValueError(f"paired scores need the same items: {len(ours)} and {len(theirs)} given")
    return bootstrap_interval([a - b for a, b in zip(ours, theirs, strict=True)], draws=draws, seed=seed)


def resampled_interval(
    items: int, statistic: Callable[[Indices], Scores], *, draws: int = DRAWS, seed: int = 0
) -> Interval:
    """The interval of any statistic. `statistic` maps picks [draws, items] (indices) to scores [draws]."""
    if items == 0:
        raise ValueError("no items: nothing to draw from")
    generator = np.random.RandomState(seed)
    block = max(1, _BLOCK // items)
    scores = [
        statistic(generator.randint(0, items, size=(min(block, draws - done), items)).astype(np.int64))
        for done in range(0, draws, block)
    ]
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(np.concatenate(scores), [tail, 1 - tail])
    return Interval(float(low), float(high))
