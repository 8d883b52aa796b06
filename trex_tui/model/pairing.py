"""Paired differences of two results with the engine's own interval, reckoned in a thread, once for each pair.

The arithmetic is `engine.report.scoring`: the same as in the report. It needs numpy, which is loaded there and then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from engine.executor.job import Result
from trex_tui.model.flips import Flips, flips
from trex_tui.model.format import number

KEPT = 64  # pairs


class Difference(NamedTuple):
    """`ours` minus `theirs` on the same rows, with its 95% interval."""

    value: float
    low: float
    high: float

    def said(self, maximize: bool) -> str:
        """`+0.040 [0.004, 0.076], better`: signs as the metric has them, and what they mean."""
        sure = self.low > 0 or self.high < 0
        better = (self.value > 0) == maximize
        word = ("better" if better else "worse") if sure else "within the noise"
        return f"{self.value:+.3f} [{number(self.low)}, {number(self.high)}], {word}"


def difference(ours: Result, theirs: Result, maximize: bool) -> Difference | None:
    """None where they were not judged on the same rows. Takes a while: numpy, and 2,000 draws."""
    from engine.report.scoring import compare

    found = compare(ours, theirs, maximize=maximize)
    return Difference(found.difference, found.low, found.high) if found else None


class Reckoning(Protocol):
    """Who knows differences."""

    def of(self, ours: Result, theirs: Result, maximize: bool) -> Difference | None: ...
    def flips(self, ours: Result, theirs: Result) -> Flips: ...


class Pairing:
    """`done` is called in the event loop when a difference has been reckoned."""

    def __init__(self, done: Callable[[], None]) -> None:
        self._done = done
        self._known: dict[tuple[int, int], tuple[Result, Result, Difference | None]] = {}
        self._flips: dict[tuple[int, int], tuple[Result, Result, Flips]] = {}
        self._tasks: dict[tuple[int, int], asyncio.Task[None]] = {}

    def of(self, ours: Result, theirs: Result, maximize: bool) -> Difference | None:
        """The difference; None while it is being reckoned, and where there is none."""
        key = (id(ours), id(theirs))
        if key in self._known:  # the results are kept with it, so their ids stay theirs
            return self._known[key][2]
        if key not in self._tasks:
            self._tasks[key] = asyncio.create_task(self._reckon(key, ours, theirs, maximize))
        return None

    def flips(self, ours: Result, theirs: Result) -> Flips:
        """Row by row, once for each pair: pages are drawn anew at every step of a training."""
        key = (id(ours), id(theirs))
        if key not in self._flips:
            self._flips[key] = (ours, theirs, flips(ours, theirs))
            _shorten(self._flips)
        return self._flips[key][2]

    async def _reckon(self, key: tuple[int, int], ours: Result, theirs: Result, maximize: bool) -> None:
        found = await asyncio.to_thread(difference, ours, theirs, maximize)
        self._known[key] = (ours, theirs, found)
        del self._tasks[key]
        _shorten(self._known)
        self._done()


def _shorten(kept: dict[Any, Any]) -> None:
    """The oldest go first."""
    while len(kept) > KEPT:
        del kept[next(iter(kept))]
