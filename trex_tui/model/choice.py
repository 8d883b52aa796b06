"""What would have changed a policy's choice, from the terms that it chose by. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from engine.search.events import Term

BY_TOTAL = frozenset({"uct"})  # policies that take the highest total; the others do not choose by these terms
MOST = 1.0  # a reward lies between 0 and 1


class Flip(NamedTuple):
    """`node` would have been chosen with a mean reward above `reward`, all else as it was; `had`: what it had."""

    node: str
    reward: float
    had: float

    @property
    def possible(self) -> bool:
        """Whether a reward can be that high."""
        return self.reward < MOST


def flips(terms: Sequence[Term], chosen: str) -> list[Flip]:
    """For each rival of the chosen one, the easiest first. Empty where the chosen one has not the highest total: then
    something else decided."""
    mine = next((term for term in terms if term.node == chosen), None)
    if mine is None or any(term.total > mine.total for term in terms):
        return []
    rivals = [term for term in terms if term.node != chosen]
    found = [Flip(term.node, mine.total - term.exploration, term.value) for term in rivals]
    return sorted(found, key=lambda flip: flip.reward - flip.had)


def holds_down_to(terms: Sequence[Term], chosen: str) -> float | None:
    """The mean reward of the chosen one below which its strongest rival would have been taken; None: no rival."""
    mine = next((term for term in terms if term.node == chosen), None)
    rivals = [term.total for term in terms if term.node != chosen]
    if mine is None or not rivals or max(rivals) > mine.total:
        return None
    return max(rivals) - mine.exploration
