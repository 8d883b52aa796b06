"""The engine's clock: Unix seconds that never go back and never stand still, whatever is done to the machine's clock.

Not a stopwatch for tests or figures. After a journal whose events lie in the future (the clock once ran ahead), time
goes on from its last event, or a budget would stand still until the day is reached.
"""

from __future__ import annotations

import time


class Clock:
    """`floor`: the last event's time."""

    def __init__(self, floor: float = 0.0) -> None:
        self._began = max(floor, time.time())
        self._zero = time.monotonic()

    def __call__(self) -> float:
        return max(self._began + time.monotonic() - self._zero, time.time())

    @property
    def ahead(self) -> float:
        """Seconds before the clock on the wall."""
        return max(0.0, self() - time.time())
