"""Scores from items again: the value, its interval, and the paired difference of two judgements.

The arithmetic is `engine.ftbench.metrics` and `engine.search.stats`, as in the evaluator; nothing is scored here
in another way. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from engine.errors import BadInput
from engine.executor.job import Item, Result
from engine.ftbench import metrics
from engine.report.model import Comparison
from engine.search import stats
from engine.search.events import Split
from engine.search.tree import Score

TOLERANCE = 1e-9  # scores are sums of the same numbers in the same order; only the last bit may differ
MEANS = frozenset({"accuracy", "exact_match"})  # metrics that are the mean of their items


def recompute(result: Result) -> Score | None:
    """The score and interval that the items give; None where there are no items or no such metric."""
    try:
        low, high = metrics.interval(result.metric, result.items)
        return Score(metrics.score(result.metric, result.items), low, high, len(result.items))
    except BadInput:
        return None


def disagreement(trial: str, split: Split, recorded: Score, again: Score | None) -> str:
    """In one sentence how the items contradict the journal; empty where they agree."""
    if again is None:
        return f"{trial} on {split}: its items give no score"
    pairs = [(recorded.value, again.value), (recorded.low, again.low), (recorded.high, again.high)]
    if recorded.items == again.items and all(math.isclose(a, b, rel_tol=0.0, abs_tol=TOLERANCE) for a, b in pairs):
        return ""
    return (
        f"{trial} on {split}: the journal says {recorded.value:.4f} [{recorded.low:.4f}, {recorded.high:.4f}] over "
        f"{recorded.items} rows, the items say {again.value:.4f} [{again.low:.4f}, {again.high:.4f}] over {again.items}"
    )


def compare(ours: Result | None, theirs: Result | None, *, maximize: bool) -> Comparison | None:
    """`ours` minus `theirs`, paired by row. None where one is missing or they were judged on different rows."""
    if ours is None or theirs is None or ours.metric != theirs.metric or ours.split != theirs.split:
        return None
    others = {item.id: item for item in theirs.items}
    if not ours.items or len(others) != len(theirs.items) or {i.id for i in ours.items} != set(others):
        return None
    paired = [others[item.id] for item in ours.items]
    if [i.gold for i in ours.items] != [i.gold for i in paired] or len(paired) != len(others):
        return None
    low, high = _paired_interval(ours.metric, ours.items, paired)
    return Comparison(
        challenger=ours.trial,
        against=theirs.trial,
        split=ours.split,  # type: ignore[arg-type]  # checked on reading: the split it was asked for
        difference=metrics.score(ours.metric, ours.items) - metrics.score(ours.metric, paired),
        low=low,
        high=high,
        items=len(paired),
        maximize=maximize,
    )


def _paired_interval(metric: str, ours: Sequence[Item], theirs: Sequence[Item]) -> stats.Interval:
    """The interval of the difference: the same rows are drawn for both."""
    if metric in MEANS:
        return stats.paired_interval([i.correct for i in ours], [i.correct for i in theirs])
    score = metrics.rule(metric).aggregate

    def differences(picks: stats.Indices) -> stats.Scores:
        return np.array([score([ours[i] for i in row]) - score([theirs[i] for i in row]) for row in picks.tolist()])

    return stats.resampled_interval(len(ours), differences)
