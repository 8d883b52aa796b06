"""Being asked to stop: SIGTERM sets a flag, and the work looks at it where it can stop cleanly.

Not a kill: between two looks (an optimiser step, a batch of judged rows) the process goes on.
"""

from __future__ import annotations

import signal
import time
from types import FrameType

from engine.errors import ResourceFailure


class Interrupted(Exception):
    """The trial was asked to stop, and its state is saved."""


class Stop:
    """The request, and the trial's time limit in seconds (0 = none)."""

    def __init__(self) -> None:
        self.asked = False
        self._limit = 0.0
        self._started = time.monotonic()

    def listen(self) -> None:
        """From now on SIGTERM and SIGINT ask instead of ending the process."""
        signal.signal(signal.SIGTERM, self._hear)
        signal.signal(signal.SIGINT, self._hear)

    def allow(self, seconds: float) -> None:
        """Start the clock of the time limit."""
        self._limit, self._started = seconds, time.monotonic()

    def check(self) -> None:
        """Raises Interrupted where a stop was asked for, ResourceFailure where the time is over."""
        if self.asked:
            raise Interrupted
        self.check_time()

    def check_time(self) -> None:
        """Raises ResourceFailure where the time is over."""
        if self._limit and time.monotonic() - self._started > self._limit:
            raise ResourceFailure(f"the trial took longer than its limit of {self._limit:g} s")

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True
