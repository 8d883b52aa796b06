"""Keys one at a time: each is given out when the one before has had its effect.

Textual gives a key to whoever has the focus when it arrives. Typed ahead (a slow line brings several at once), the `p`
of `/pruned` would pause the search before the filter's line is there. Not for paste, which comes as one event.
"""

from __future__ import annotations

import time
from collections import deque
from functools import partial
from typing import Any, NamedTuple

from textual import events
from textual.app import App
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.worker import Worker

FRESH = 0.05  # seconds after a key in which its effect is being painted
STUCK = 1.0  # seconds after which a key is no longer waited for
OPENING = 0.3  # seconds at most until what a key has opened is ready for the next
TURN = 0.005


class Opened(NamedTuple):
    """What changes when a key opens something."""

    screen: Screen[Any]
    workers: frozenset[Worker[Any]]


class Typed(App[int]):
    """A key that comes alone is given out at once, as always."""

    def __init__(self) -> None:
        super().__init__()
        self._ahead: deque[events.Key] = deque()
        self._given: float | None = None  # when the key that is being handled was given out
        self._latest = 0.0  # when a key was given out last
        self._acted = False  # it has risen to the application: it did something, or nobody wanted it

    async def on_event(self, event: events.Event) -> None:
        if not isinstance(event, events.Key) or event.is_forwarded:
            await super().on_event(event)
            return
        self._ahead.append(event)
        if self._given is None or time.monotonic() - self._given > STUCK:
            await self._give()

    @property
    def typing(self) -> bool:
        """Whether a key has just been pressed: what is not its effect can wait."""
        return time.monotonic() - self._latest < FRESH

    def on_key(self) -> None:
        self._acted = True

    async def _give(self) -> None:
        """Give the next key to whoever has the focus, and follow it on its way up."""
        self._given, self._acted = time.monotonic(), False
        self._latest = self._given
        target: MessagePump = self.focused or self.screen
        before = self._opened
        await super().on_event(self._ahead.popleft())
        self._follow(target, before)

    @property
    def _opened(self) -> Opened:
        return Opened(self.screen, frozenset(self.workers))

    def _follow(self, node: MessagePump | None, before: Opened) -> None:
        """A key rises from queue to queue up to the application; what is posted behind it arrives after it."""
        if node is not None:
            if not node.call_later(self._follow, node._parent, before):  # it is closing
                self.call_later(self._follow, None, before)
        elif self._acted and self._ahead:
            self.screen.call_after_refresh(self.call_later, self._handled, before)
        else:
            self.call_later(self._handled, before)  # behind a change of focus

    async def _handled(self, before: Opened, since: float = 0.0) -> None:
        if not self._running:
            return
        since = since or time.monotonic()
        if self._ahead and self._opening(before) and time.monotonic() - since < OPENING:
            self.set_timer(TURN, partial(self._handled, before, since))
            return
        self._given = None
        if self._ahead:
            await self._give()

    def _opening(self, before: Opened) -> bool:
        """Whether something that the key has asked for is not there yet: a screen, its line, a form."""
        if self.screen is before.screen:
            return any(not worker.is_finished for worker in self.workers if worker not in before.workers)
        return self.focused is None or not self.focused.is_mounted
