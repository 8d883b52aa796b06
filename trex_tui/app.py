"""The application: joins the store, the link to the engine and the screens. It decides nothing about a search.

`run_interface` is what the command line calls. The engine is another process: leaving the interface, or losing the
terminal, changes nothing in it.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import work
from textual.app import App
from textual.binding import BindingType
from textual.command import Provider
from textual.screen import Screen

from engine.control import protocol as p
from engine.errors import TrexError
from engine.workspace import Workspace
from trex_tui import actions, host
from trex_tui.client.link import SocketLink
from trex_tui.client.source import Source
from trex_tui.client.watcher import Watcher
from trex_tui.forms.sheet import Sheet
from trex_tui.keymap import APP, bindings
from trex_tui.model.store import Store
from trex_tui.screens.search import SearchScreen
from trex_tui.theme import DARK, DARK_ROLES, LIGHT
from trex_tui.widgets.notice import Notice

INTERRUPTED = 3  # exit code
TICKS = 10  # a second
TICKS_REMOTE = 5  # over SSH
FREEZE_EVERY = 10_000  # records; history only grows, and the collector must not walk all of it while keys wait

NewRun = Callable[[p.StartRun], p.Reply]
"""Sees to it that an engine runs, sends it the message, returns its reply. Blocks. Raises TrexError."""


def _palette() -> type[Provider]:
    from trex_tui.palette import Actions  # only when it is opened: it is not needed for the first paint

    return Actions


class TrexApp(App[int]):
    """The interface on one workspace, fed by `source`."""

    TITLE = "TREX"
    CSS_PATH = "screens/search.tcss"  # of the first screen, for which Textual reads no sheet of its own
    BINDINGS: ClassVar[list[BindingType]] = bindings(APP)
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_palette}

    def __init__(
        self,
        workspace: Workspace,
        source: Source,
        *,
        run: str | None = None,
        new_run: NewRun | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = DARK.name
        self.workspace, self.live = workspace, Store()
        self.past: Store | None = None  # a moment that a person has gone back to
        self._source, self._new_run, self._clock = source, new_run, clock
        self._search = SearchScreen(self, run or "")
        self._watcher = Watcher(self.live, workspace, self._search.wanted)
        self._frozen = 0
        self._tasks: list[asyncio.Task[None]] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return DARK_ROLES

    def get_default_screen(self) -> Screen[None]:
        return self._search

    def on_mount(self) -> None:
        self._tasks = [asyncio.create_task(self._feed()), asyncio.create_task(self._watcher.watch())]
        self.set_interval(1 / (TICKS_REMOTE if os.environ.get("SSH_CONNECTION") else TICKS), self.tick)

    async def on_unmount(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _feed(self) -> None:
        await self._source.feed(self.live)

    @property
    def store(self) -> Store:
        """What is on show: the live store, or the one of a moment in the past."""
        return self.past or self.live

    @property
    def selection(self) -> actions.Selection:
        """What is selected on the search screen."""
        return self._search.selection

    def now(self) -> float:
        return self._clock()

    def tick(self) -> None:
        """Let every screen take over what has changed. Ten times a second, and at once after a key that changed it."""
        if self.live.last_seq >= self._frozen + FREEZE_EVERY:
            self._frozen = self.live.last_seq
            gc.freeze()
        parts, touched = self.store.take_dirty()
        for screen in self.screen_stack:
            pull = getattr(screen, "pull", None)
            if pull is not None:
                pull(parts, touched)

    async def settle(self) -> None:
        """Read what is on show and draw it: for pictures, where no time passes."""
        await asyncio.sleep(0)
        self.tick()
        await self._watcher.once()
        self.tick()

    def look_closer(self) -> None:
        """Another trial is on show: read its directory now."""
        self._watcher.poke()

    def look_at(self, run: str, node: str = "") -> None:
        """Show a run on the search screen, and a node of it."""
        self._search.look_at(run, node)

    def decide(self, decision: actions.Decision) -> None:
        """Say why not, ask first, open a form, or send."""
        match decision:
            case actions.Refusal():
                self.say(decision.text, warning=True)
            case actions.Ask():
                self._ask(decision)
            case actions.Open(what="clean"):
                self._offer_cleaning(decision.at)
            case actions.Open():
                self._fill_in(decision)
            case _:
                self._send(decision)

    def say(self, text: str, warning: bool = False) -> None:
        """One sentence, on whatever screen is on top and has a place for it."""
        places = (screen.query(Notice) for screen in reversed(self.screen_stack))
        if place := next((found.first() for found in places if found), None):
            place.say(text, warning)

    @work
    async def _ask(self, ask: actions.Ask) -> None:
        from trex_tui.screens.confirm import Confirm

        if await self.push_screen_wait(Confirm(ask)):
            self._send(ask.command)

    @work
    async def _send(self, command: p.Command) -> None:
        self._answered(await self.send(command))

    async def send(self, command: p.Command) -> p.Reply:
        """Send one command; whatever goes wrong comes back as a refusal."""
        return await self._source.command(command)

    @work
    async def _fill_in(self, asked: actions.Open) -> None:
        from trex_tui.opening import sheet

        try:
            filled = sheet(asked, self.live, self.workspace, self.now)
        except TrexError as problem:
            self.say(str(problem), warning=True)
            return
        await self._show_form(filled, self.send)

    async def _show_form(self, filled: Sheet, send: Callable[[p.Command], Awaitable[p.Reply]]) -> None:
        from trex_tui.screens.form import Form

        reply = await self.push_screen_wait(Form(filled, send))
        if reply is not None:
            self._answered(reply)

    @work
    async def _offer_cleaning(self, at: actions.Selection) -> None:
        from trex_tui.opening import cleaning

        self.say("looking at the disk")
        self.decide(await cleaning(at, self.live, self.workspace))

    def _answered(self, reply: p.Reply) -> None:
        self.say(reply.text or ("done" if reply.ok else "the engine refused, without a reason"), warning=not reply.ok)
        if reply.ok and reply.run and reply.run != self._search.run:
            self._search.look_at(reply.run)
        self.tick()

    @work
    async def action_new_run(self) -> None:
        from trex_tui.forms.new_run import NewRunSheet

        if self.screen is not self._search:
            return
        view = self.live.runs.get(self._search.run)
        await self._show_form(NewRunSheet(view.tree.created if view else None), self._start)

    async def _start(self, asked: p.Command) -> p.Reply:
        """Send what starts a search, to an engine that may have to be started first."""
        if self._new_run is None or not isinstance(asked, p.StartRun):
            return await self.send(asked)
        try:
            return await asyncio.to_thread(self._new_run, asked)
        except TrexError as error:
            return p.Reply(id=0, ok=False, text=str(error))

    def action_show(self, name: str, *words: str) -> None:
        """Open a screen by its name (`trex_tui.host`). One over the search screen at a time; the same one closes."""
        if self.screen.id == name:
            self.pop_screen()
            return
        try:
            screen = host.make(self, name, words)
        except TrexError as problem:
            self.say(str(problem), warning=True)
            return
        screen.id = name
        while self.screen is not self._search:
            self.pop_screen()
        self.push_screen(screen)

    def action_help(self) -> None:
        from trex_tui.screens.help import Help

        if not isinstance(self.screen, Help):
            self.push_screen(Help(self.screen))

    def action_leave(self) -> None:
        """Leave; the last words say that the engine works on."""
        self.exit(0, message=farewell(self.live))


def farewell(store: Store) -> str:
    """What is said on the terminal when the interface is left."""
    if store.link.kind == "live":
        at_work = store.pulse.run if store.pulse else ""
        doing = f"goes on with {at_work}" if at_work else "goes on running"
        return f"The engine {doing}; `trex` looks at it again."
    return "`trex` opens the interface again."


def run_interface(workspace: Workspace, run: str | None = None, new_run: NewRun | None = None) -> int:
    """Show the interface until the person leaves it; the exit code. `run`: the one to show, None = the one at work."""
    app = TrexApp(workspace, SocketLink(workspace.door), run=run, new_run=new_run)
    _leave_on_signals(app)
    code = app.run()
    # textual shows its own defects and leaves by itself; they must not look like a person who left.
    return code if code is not None else app.return_code or 0


def _leave_on_signals(app: TrexApp) -> None:
    """Leave when the terminal goes away or somebody asks; a terminal that is gone must not keep us busy."""

    def leave(_number: int, _frame: object) -> None:
        deadline = threading.Timer(2.0, os._exit, (INTERRUPTED,))
        deadline.daemon = True
        deadline.start()
        app.exit(INTERRUPTED)

    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
