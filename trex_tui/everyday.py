"""The part of the application that people live with: settings, themes, notifications, the machine, the engine's life.

What each of these is stands in a file of its own; here they are joined to the application, once a second.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from textual import events, work
from textual.filter import LineFilter

from engine.control import protocol as p
from engine.errors import TrexError
from engine.workspace import Workspace
from trex_tui import actions
from trex_tui.acting import NewRun
from trex_tui.around import READ_ONLY, Around
from trex_tui.attention import Attention
from trex_tui.client.keeper import Keeper
from trex_tui.client.source import Source
from trex_tui.model.format import duration
from trex_tui.model.machine import Reading
from trex_tui.seal import Seal
from trex_tui.theme import THEMES, after, named
from trex_tui.travel import Archive
from trex_tui.travelling import Travelling
from trex_tui.visit import AWAY

GLANCE = 1.0  # seconds


class Everyday(Travelling):
    """An application with what stands around it."""

    _seal = Seal()

    def __init__(
        self, workspace: Workspace, source: Source, new_run: NewRun | None, archive: Archive, around: Around
    ) -> None:
        super().__init__(workspace, source, None if around.read_only else new_run, archive)
        self.around = around
        for theme in THEMES.values():
            self.register_theme(theme)
        self.theme = around.settings.theme
        self.set_keymap(around.settings.keys)
        self.live.read_only = READ_ONLY if around.read_only else ""
        self._keeper = Keeper(None if around.read_only else around.start_engine)
        self._greeted = False
        self._left, self._touched = around.visit.before if around.visit else 0.0, time.time()
        self._version_said = False
        self._said: list[str] = []  # in the command line, where no visit keeps it
        quiet = around.terminal is None or around.settings.notify == "off"
        self._attention = Attention(self.live, self._to_terminal, around.terminal or {}, on=not quiet)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Nothing reaches the terminal unsealed."""
        inner = tuple(super().get_line_filters())
        if inner != self._seal.inner:
            self._seal = Seal(inner)
        return (self._seal,)

    @property
    def machine(self) -> Reading | None:
        """The last look at the processor, the memory, the card; None before the first."""
        return self.around.machine.latest

    @property
    def left_at(self) -> float:
        """When this person last looked, before now; 0 where they never did. Unix seconds."""
        return self._left

    async def on_event(self, event: events.Event) -> None:
        """Who touches a key after hours is told how to see what has happened meanwhile."""
        if isinstance(event, events.InputEvent):
            now = time.time()
            if now - self._touched > AWAY:
                self._left = self._touched
                self.say(
                    f"A shows what has happened in the {duration(now - self._touched)} since you last touched a key"
                )
            self._touched = now
        await super().on_event(event)

    def works(self, action: str) -> bool:
        """Whether a key of the application would do something now."""
        return action != "start_engine" or self.live.link.kind == "down"

    def begin(self) -> None:
        """Look around, from now on once a second."""
        if self.around.sampling:
            self.around.machine.start()
        if self.around.complaint:
            self.call_after_refresh(self.say, self.around.complaint, True)
        self.set_interval(GLANCE, self.glance)

    def finish(self) -> None:
        """Leave everything around as it was."""
        self.around.machine.stop()
        self._attention.leave()
        if self.around.visit is not None:
            self.around.visit.note(time.time(), leaving=True)

    def _to_terminal(self, sequence: str) -> None:
        if self._driver is not None and self.around.terminal is not None and sequence:
            self._driver.write(sequence)

    def glance(self) -> None:
        """Once a second: tell what is new, greet who comes back, see that an engine lives."""
        self._attention.look(self.selection.run)
        link = self.live.link
        if link.kind == "live" and self.live.last_seq >= link.last_seq:
            self._greet()
        if link.kind == "live" and link.text and not self._version_said:
            self._version_said = True
            self.say(link.text, warning=True)
        if self._keeper.due(link, time.monotonic()):
            self._start_engine("the engine has died; starting it again")

    @work(group="visit", exclusive=True)
    async def _note_visit(self, now: float) -> None:
        if self.around.visit is not None:
            await asyncio.to_thread(self.around.visit.note, now)

    def _greet(self) -> None:
        """The morning report, once, for whoever was away; and a note that somebody looks now."""
        visit, now = self.around.visit, time.time()
        if visit is None:
            return
        if not self._greeted:
            self._greeted = True
            if visit.away(now) and any(view.tree.last_time > visit.before for view in self.live.runs.values()):
                self.action_show("digest")
        self._note_visit(now)

    async def send(self, command: p.Command) -> p.Reply:
        """Nothing is changed by an interface that only looks."""
        if self.live.read_only:
            return p.Reply(id=command.id, ok=False, text=self.live.read_only)
        return await super().send(command)

    def action_start_engine(self) -> None:
        """Start the engine where none is running."""
        if self.live.link.kind == "live":
            self.say("the engine is running already", warning=True)
        elif self.live.read_only:
            self.say(self.live.read_only, warning=True)
        elif self._keeper.start is None:
            self.say("this interface starts no engine; `trex engine start` does", warning=True)
        elif not self._keeper.busy:
            self._start_engine("starting the engine")

    @work(group="engine")
    async def _start_engine(self, said: str) -> None:
        assert self._keeper.start is not None
        self._keeper.busy = True
        self.say(said)
        try:
            await asyncio.to_thread(self._keeper.start)
            self.say("the engine is running again")
        except TrexError as problem:
            self.say(str(problem), warning=True)
        finally:
            self._keeper.busy = False

    @work(group="command", exclusive=True)
    async def action_command_line(self) -> None:
        """Say what to do in words."""
        from trex_tui import host
        from trex_tui.speaking import Speaker

        if not self.screen.is_modal or self.screen.id in host.SCREENS:  # else a question or a form is open
            await Speaker(self, self.around.visit.said if self.around.visit else self._said).listen()

    def action_theme(self, name: str = "") -> None:
        """The theme of that name, or the next one; it is kept."""
        try:
            self.theme = named(name) if name else after(self.theme)
        except TrexError as problem:
            self.say(str(problem), warning=True)
            return
        self.say(f"theme {self.theme.removeprefix('trex-')}")
        self._keep("theme", self.theme)

    def notify_by_terminal(self, on: bool) -> None:
        """Turn notifications on or off; it is kept."""
        self._attention.on = on
        self.say("notifications are on" if on else "notifications are off; `:notify on` brings them back")
        self._keep("notify", "on" if on else "off")

    @work(group="settings")
    async def _keep(self, name: str, value: str) -> None:
        from trex_tui.settings import keep

        if self.around.kept_at is None:
            return
        try:
            await asyncio.to_thread(keep, self.around.kept_at, name, value)
        except TrexError as problem:
            self.say(f"this holds for now only: {problem}", warning=True)

    @work(group="picture")
    async def action_picture(self, path: str = "") -> None:
        """The screen as an SVG file."""
        from engine.files import expanded, write_atomic

        svg = self.export_screenshot(title="TREX")
        name = time.strftime("trex-%Y%m%d-%H%M%S.svg")
        try:
            target = expanded(Path(path or name))
            target = (target / name if target.is_dir() else target).absolute()
            await asyncio.to_thread(write_atomic, target, svg.encode(), 0o644, "with `:screenshot PATH`")
            self.say(f"the screen is in {target}")
        except (TrexError, OSError) as problem:
            self.say(f"no screenshot: {problem}", warning=True)

    def decide(self, decision: actions.Decision) -> None:
        """An interface that only looks asks nothing that it would then refuse."""
        looks = isinstance(decision, actions.Refusal) or (
            isinstance(decision, actions.Open) and decision.what in ("export", "report", "chat")
        )
        if self.live.read_only and not looks:
            decision = actions.Refusal(self.live.read_only)
        super().decide(decision)
