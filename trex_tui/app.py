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
from collections.abc import Callable
from functools import partial
from typing import ClassVar

from textual.binding import BindingType
from textual.command import Provider
from textual.screen import Screen

from engine.control import protocol as p
from engine.errors import TrexError
from engine.workspace import Workspace
from trex_tui import actions, host, settings
from trex_tui.acting import NewRun
from trex_tui.around import Around
from trex_tui.client.link import SocketLink
from trex_tui.client.replay import journalled, recalled
from trex_tui.client.source import Source
from trex_tui.client.watcher import Watcher
from trex_tui.everyday import Everyday
from trex_tui.keymap import APP, bindings
from trex_tui.model.store import Store
from trex_tui.screens.search import SearchScreen
from trex_tui.theme import DARK_ROLES
from trex_tui.travel import Archive
from trex_tui.tty import give_size
from trex_tui.visit import Visit

INTERRUPTED = 3  # exit code
TICKS = 10  # a second
TICKS_REMOTE = 5  # over SSH
WAIVED = 2  # ticks in a row that may make way for keys
FREEZE_EVERY = 10_000  # records; history only grows, and the collector must not walk all of it while keys wait


def _palette() -> type[Provider]:
    from trex_tui.palette import Actions  # only when it is opened: it is not needed for the first paint

    return Actions


class TrexApp(Everyday):
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
        archive: Archive | None = None,
        around: Around | None = None,
    ) -> None:
        archive = archive or partial(journalled, workspace.journal)
        super().__init__(workspace, source, new_run, archive, around or Around())
        self._clock = clock
        self.live.recall = partial(recalled, workspace.journal)
        self._search = SearchScreen(self, run or "")
        shown = (partial(self._shown, what) for what in ("wanted", "listed", "glanced"))
        self._watcher = Watcher(self.live, workspace, *shown)
        self._frozen = 0
        self._waived = 0  # ticks that have made way for keys
        self._tasks: list[asyncio.Task[None]] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return DARK_ROLES

    def get_default_screen(self) -> Screen[None]:
        return self._search

    def on_mount(self) -> None:
        self._tasks = [asyncio.create_task(self._feed()), asyncio.create_task(self._watcher.watch())]
        self.begin()
        self.set_interval(1 / (TICKS_REMOTE if os.environ.get("SSH_CONNECTION") else TICKS), self._beat)

    async def on_unmount(self) -> None:
        self.finish()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _feed(self) -> None:
        await self._source.feed(self.live)

    @property
    def selection(self) -> actions.Selection:
        """What is selected on the search screen."""
        return self._search.selection

    @property
    def marked(self) -> tuple[str, ...]:
        """The nodes that are marked there, in the order of marking."""
        return self._search.marked

    def present(self) -> float:
        return self._clock()

    def _beat(self) -> None:
        """A tick, unless a key is being shown: that comes first. Not for long, or holding a key would stop the rest."""
        self._waived = self._waived + 1 if self.typing else 0
        if self._waived % (WAIVED + 1) == 0:
            self.tick()

    def tick(self) -> None:
        """Let every screen take over what has changed. Ten times a second, and at once after a key that changed it."""
        if self.live.last_seq >= self._frozen + FREEZE_EVERY:
            self._frozen = self.live.last_seq
            gc.freeze()
        parts, touched = self.news()
        for screen in self.screen_stack:
            pull = getattr(screen, "pull", None)
            if pull is not None and screen.is_mounted:
                pull(parts, touched)

    async def settle(self) -> None:
        """Read what is on show and draw it: for pictures, where no time passes."""
        await asyncio.sleep(0)
        self.tick()
        await self._watcher.once()
        self.tick()

    def _shown(self, what: str) -> frozenset[tuple[str, str]]:
        """What the screens show of the disk: (run, trial) pairs; for `listed`, also (run, node)."""
        asked = (getattr(screen, what, None) for screen in self.screen_stack)
        return frozenset(pair for names in asked if names is not None for pair in names())

    def look_closer(self) -> None:
        """Another trial is on show: read its directory now."""
        self._watcher.poke()

    def look_at(self, run: str, node: str = "") -> None:
        """Show a run on the search screen, and a node of it."""
        if self.past is not None and run not in self.past.runs:
            self.travel.leave()  # it began later
        self.travel.turn_to(run)
        self._search.look_at(run, node)

    def action_show(self, name: str, *words: str) -> None:
        """Open a screen by its name (`trex_tui.host`). One over the search screen at a time; the same one closes."""
        if self.screen.id == name and not words:
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


def run_interface(
    workspace: Workspace, run: str | None = None, new_run: NewRun | None = None, around: Around | None = None
) -> int:
    """Show the interface until the person leaves it; the exit code. `run`: the one to show, None = the one at work."""
    link = SocketLink(lambda: workspace.door)
    new_run = new_run or partial(_start_run, workspace)
    app = TrexApp(workspace, link, run=run, new_run=new_run, around=around or everyday(workspace))
    return present(app)


def present(app: TrexApp) -> int:
    """Show an application until the person leaves it; the exit code."""
    give_size(1)  # standard output
    _leave_on_signals(app)
    code = app.run()
    # textual shows its own defects and leaves by itself; they must not look like a person who left.
    return code if code is not None else app.return_code or 0


def everyday(workspace: Workspace, *, read_only: bool = False) -> Around:
    """What stands around the interface of a person at a terminal."""
    from trex_tui.commands.engine import ensure

    kept = settings.place()
    liked, complaint = settings.load(kept)
    return Around(
        settings=liked,
        complaint=complaint,
        kept_at=kept,
        sampling=True,
        visit=Visit(workspace.home / "interface.json"),
        terminal=dict(os.environ),
        start_engine=partial(ensure, workspace),
        read_only=read_only,
    )


def _start_run(workspace: Workspace, asked: p.StartRun) -> p.Reply:
    """Have the engine begin a search, and an engine where there is none. Blocks; raises TrexError."""
    from trex_tui.commands.engine import ask, ensure

    ensure(workspace)
    return ask(workspace, asked)


def _leave_on_signals(app: TrexApp) -> None:
    """Leave when the terminal goes away or somebody asks; a terminal that is gone must not keep us busy."""

    def leave(_number: int, _frame: object) -> None:
        deadline = threading.Timer(2.0, os._exit, (INTERRUPTED,))
        deadline.daemon = True
        deadline.start()
        app.exit(INTERRUPTED)

    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
