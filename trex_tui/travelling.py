"""The part of the application that goes back in time and returns: its actions, and what they refuse meanwhile.

Where one goes is decided elsewhere (`trex_tui.travel`); what it looks like is the screens' affair.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Awaitable

from textual import work

from engine.control import protocol as p
from engine.errors import TrexError
from engine.workspace import Workspace
from trex_tui import actions
from trex_tui.acting import Acting, NewRun
from trex_tui.client.source import Source
from trex_tui.model.store import Store
from trex_tui.travel import Archive, Dirty, Travel
from trex_tui.widgets.notice import Notice
from trex_tui.widgets.scrubber import Scrubber


class Travelling(Acting):
    """An application that shows `live`, or the past."""

    def __init__(self, workspace: Workspace, source: Source, new_run: NewRun | None, archive: Archive) -> None:
        super().__init__(workspace, source, new_run)
        self.travel = Travel(self.live, archive, self.present)
        self._to_play = False

    @abstractmethod
    def present(self) -> float:
        """What time it is, whatever moment is on show; Unix seconds."""

    @abstractmethod
    def look_closer(self) -> None:
        """Another trial is on show: read its directory now."""

    def now(self) -> float:
        return self.travel.moment if self.past is not None else self.present()

    def play_at(self, speed: float) -> None:
        """Play the search as soon as it is there; 0 = do not."""
        self._to_play, self.travel.speed = speed > 0, speed or 1.0

    def news(self) -> Dirty:
        """What is to be drawn since the last time, of the moment on show."""
        if self._to_play and self.selection.run:
            self._to_play = False
            self.action_play()
        return self.travel.take(self.live.take_dirty(), time.monotonic())

    @property
    def past(self) -> Store | None:
        """The store of the moment that a person has gone back to."""
        return self.travel.past

    @property
    def store(self) -> Store:
        """What is on show: the live store, or the one of a moment in the past."""
        return self.past or self.live

    def decide(self, decision: actions.Decision) -> None:
        """Nobody steers what has been."""
        if self.past is not None and not isinstance(decision, actions.Refusal):
            decision = actions.Refusal(self.travel.refusal)
        super().decide(decision)

    async def send(self, command: p.Command) -> p.Reply:
        if self.past is not None:
            return p.Reply(id=command.id, ok=False, text=self.travel.refusal)
        return await super().send(command)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """`now` takes its key from the tree and the log only while there is somewhere to return from."""
        return self.past is not None if action == "now" else super().check_action(action, parameters)

    def action_step(self, by: int) -> None:
        self._travel(self.travel.step(self.selection.run, by))

    def action_step_node(self, by: int) -> None:
        self._travel(self.travel.step_node(self.selection.run, by))

    def action_play(self) -> None:
        self._travel(self.travel.play(self.selection.run))

    def action_now(self) -> None:
        self.travel.leave()
        self.moved()

    def on_scrubber_sought(self, sought: Scrubber.Sought) -> None:
        self._travel(self.travel.seek(self.selection.run, sought.moment))

    def moved(self) -> None:
        """Another moment is on show, of which what was said of the one before is not true."""
        for notice in self.screen.query(Notice):
            notice.hide()
        self.look_closer()
        self.screen.refresh_bindings()
        self.tick()

    @work
    async def _travel(self, going: Awaitable[str]) -> None:
        try:
            told, wrong = await going, False
        except TrexError as problem:
            told, wrong = str(problem), True
        self.moved()
        if told:
            self.say(told, wrong)
