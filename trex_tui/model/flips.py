"""Two results row by row: what became right, what became wrong, and whether that can be luck. Pure.

Results of the validation split only. The engine's own paired interval is `trex_tui.model.pairing`.
"""

from __future__ import annotations

from typing import NamedTuple

from engine.executor.job import Item, Result


class Flip(NamedTuple):
    """One row that the two do not answer equally well."""

    ours: Item
    theirs: Item


class Flips(NamedTuple):
    """Rows that became right and wrong against the other, and those where both are alike."""

    right: tuple[Flip, ...]
    wrong: tuple[Flip, ...]
    both_right: int
    both_wrong: int

    @property
    def luck(self) -> float:
        """How likely so one-sided a change would be if each changed row were a toss of a coin."""
        return sign_test(len(self.right), len(self.wrong))


def unlike(ours: Result, theirs: Result) -> str:
    """Why two results cannot be held against each other row by row; "" where they can."""
    if {ours.split, theirs.split} != {"validation"}:
        return "they were judged on another split than validation"
    if ours.metric != theirs.metric:
        return f"they were judged by {ours.metric} and {theirs.metric}"
    golds = {item.id: item.gold for item in theirs.items}
    if len(golds) != len(ours.items) or any(golds.get(item.id) != item.gold for item in ours.items):
        return "they were judged on different rows"
    return ""


def flips(ours: Result, theirs: Result) -> Flips:
    """Raises ValueError where they are not alike (`unlike`)."""
    if reason := unlike(ours, theirs):
        raise ValueError(reason)
    others = {item.id: item for item in theirs.items}
    pairs = [Flip(item, others[item.id]) for item in ours.items]
    same = [pair.ours.correct for pair in pairs if pair.ours.correct == pair.theirs.correct]
    return Flips(
        right=tuple(pair for pair in pairs if pair.ours.correct > pair.theirs.correct),
        wrong=tuple(pair for pair in pairs if pair.ours.correct < pair.theirs.correct),
        both_right=sum(correct >= 1.0 for correct in same),
        both_wrong=sum(correct < 1.0 for correct in same),
    )


def sign_test(one: int, other: int) -> float:
    """The two-sided exact sign test: the chance that heads and tails are split at least so unevenly."""
    count, few = one + other, min(one, other)
    if count == 0:
        return 1.0
    term = tail = 1
    for k in range(1, few + 1):
        term = term * (count - k + 1) // k
        tail += term
    return min(1.0, tail / (1 << (count - 1)))


def chance(luck: float) -> str:
    """`p = 0.031`, `p < 0.001`."""
    return "p < 0.001" if luck < 0.001 else f"p = {luck:.3f}"
