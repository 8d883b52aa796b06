"""Starts the engine again where it has died: by itself after some seconds, or when a person asks.

Never one that somebody has ended, and not more than once a minute. Starting it blocks, so it is done in a thread.
"""

from __future__ import annotations

from collections.abc import Callable

from trex_tui.model.store import Link

DOWN = 4.0  # seconds without an engine before one is started
AGAIN = 60.0  # seconds between two starts by itself


class Keeper:
    """Only whether to start one now; `start` is what does it, None = this interface starts none."""

    def __init__(self, start: Callable[[], None] | None) -> None:
        self.start = start
        self.busy = False  # one is being started
        self._seen = False  # an engine was there
        self._down = 0.0  # since when there is none
        self._tried = -AGAIN

    def due(self, link: Link, now: float) -> bool:
        """Whether the engine has died and one should be started. `now`: seconds of a clock that never jumps."""
        if link.kind == "live":
            self._seen, self._down = True, 0.0
        if link.kind != "down":
            return False
        self._down = self._down or now
        died = self._seen and not link.told and now - self._down >= DOWN
        if self.start is None or self.busy or not died or now - self._tried < AGAIN:
            return False
        self._tried = now
        return True
