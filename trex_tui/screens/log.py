"""Logs: the run's events, what its processes wrote, what the engine wrote. Real files, followed while they grow."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from rich.cells import cell_len
from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Input, Static

from trex_tui.actions import Selection
from trex_tui.host import Host
from trex_tui.keymap import CLOSE, FIND, LOGS, bindings
from trex_tui.model import event_bytes
from trex_tui.model import format as fmt
from trex_tui.model.event_bytes import EventBytes
from trex_tui.model.file_bytes import FileBytes
from trex_tui.model.log_sources import LogSource, sources
from trex_tui.model.store import Part
from trex_tui.widgets import file_view
from trex_tui.widgets.file_log import FileLog
from trex_tui.widgets.key_bar import KeyBar
from trex_tui.widgets.notice import Notice

PAUSE = 0.15  # seconds without a letter until a text is looked for


class FindLine(Input):
    """The text that is looked for."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(FIND)


def make(host: Host, words: tuple[str, ...]) -> LogScreen:
    return LogScreen(host, " ".join(words))


class LogScreen(Screen[None]):
    """One log at a time; it opens at the trial on show, or at the log that is named."""

    CSS_PATH = "log.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings((*LOGS, *CLOSE))

    def __init__(self, host: Host, name: str = "") -> None:
        super().__init__()
        self._host = host
        self._name = name
        self._sources: list[LogSource] = []
        self._at = _place_of(host, name)
        self._wait: Timer | None = None
        self._second = 0  # of the last look for logs
        self._tabs = Static(id="log-tabs", markup=False)
        self._log = FileLog(id="file-log")
        self._line = FindLine(placeholder="a text", id="find-line", compact=True, select_on_focus=False)
        self._count = Static(id="find-count", markup=False)

    def compose(self) -> ComposeResult:
        yield self._tabs
        yield self._log
        yield Horizontal(Static("/", id="find-sign"), self._line, self._count, id="find-row")
        yield Notice(classes="notice")
        yield KeyBar()

    def on_mount(self) -> None:
        self._log.focus()
        self._find_sources()

    def on_resize(self) -> None:
        self._draw_tabs()

    def pull(self, parts: frozenset[Part], _touched: frozenset[tuple[str, str]]) -> None:
        second = int(self._host.live.heard)
        if "tree" in parts and self.is_attached and second != self._second:
            self._second = second
            self._find_sources()

    @work(exclusive=True, group="sources")
    async def _find_sources(self) -> None:
        """What logs there are now: a process that has just begun has one more."""
        run, node, trial = self._at
        found = await asyncio.to_thread(sources, self._host.workspace, self._host.store, run, node)
        first = not self._sources
        if found != self._sources:
            self._sources = found
            self._draw_tabs()
        if first:
            names = [source.name for source in found]
            wanted = next((name for name in (self._name, trial) if name in names), names[0])
            if self._name and wanted != self._name:
                self._host.say(f"no log is called {self._name}; there are {', '.join(names)}", warning=True)
            self._show(names.index(wanted))

    @property
    def _place(self) -> int:
        return next((at for at, source in enumerate(self._sources) if source.name == self._name), 0)

    def _show(self, place: int) -> None:
        source = self._sources[place]
        self._name = source.name
        run = self._at.run
        opened = FileBytes(source.path) if source.path else EventBytes(lambda: self._host.store.runs.get(run))
        only = self._log.file is not None and self._log.file.only
        self._log.show(opened, source.about, file_view.BAD if source.path else event_bytes.BAD)
        self._log.find(self._line.value)
        self._log.fold(only)
        self._draw_tabs()

    def _draw_tabs(self) -> None:
        self._tabs.update(tab_line([source.name for source in self._sources], self._place, self.size.width - 2))

    # --- what a person does --------------------------------------------------------------------------------------

    def action_tab(self, by: int) -> None:
        if self._sources:
            self._show((self._place + by) % len(self._sources))

    def action_log(self, number: int) -> None:
        if number <= len(self._sources):
            self._show(number - 1)
        else:
            self._host.say(f"there are {len(self._sources)} logs here", warning=True)

    def action_find(self) -> None:
        self.add_class("-finding")
        self._line.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self._wait is not None:
            self._wait.stop()
        self._wait = self.set_timer(PAUSE, self._look_for)

    def _look_for(self) -> None:
        """Mark what stands in the line now."""
        if self._wait is not None:
            self._wait.stop()
            self._wait = None
            self._log.find(self._line.value)

    def action_hunt(self, forward: bool) -> None:
        self._look_for()
        self._log.action_hunt(forward)

    def action_only(self) -> None:
        self._look_for()
        file = self._log.file
        if file is None or file.needle is None:
            self._host.say("nothing is looked for; / asks for a text", warning=True)
            return
        self._log.fold(not file.only)
        self.refresh_bindings()

    def action_follow(self) -> None:
        self._log.follow()
        self.refresh_bindings()

    def action_copy_lines(self, page: bool) -> None:
        """To the terminal's clipboard (OSC 52)."""
        lines = self._log.file.copied(page) if self._log.file else []
        if lines:
            self.app.copy_to_clipboard(fmt.storable("\n".join(lines)))
            self._host.say(f"copied: {fmt.plural(len(lines), 'line')}")
        else:
            self._host.say("there is no line to copy", warning=True)

    def action_close(self) -> None:
        """One step out: out of a search that takes long, out of the line, out of the marks, out of the log."""
        if self._log.stop():
            self._host.say("the search was given up")
        elif self.focused is self._line and self._line.value:
            self._log.focus()
        elif self.has_class("-finding"):
            self._line.value = ""
            self._look_for()
            self._log.fold(False)
            self.remove_class("-finding")
            self._log.focus()
        else:
            self.dismiss()

    def on_file_log_said(self, event: FileLog.Said) -> None:
        self._host.say(event.text, event.warning)

    def on_file_view_changed(self) -> None:
        file, hunt = self._log.file, self._log.hunting
        said = file.found() if file else ""
        if hunt is not None and hunt.share < 1:
            said = f"searching, {hunt.share:.0%} (esc stops)"
        self._count.update(said)

    def label_of(self, action: str) -> str:
        file = self._log.file
        if file is None:
            return ""
        exact = {
            "only": "all lines" if file.only else "",
            "follow": "stop following" if file.window.following else "",
        }
        return exact.get(action, "")

    def works(self, action: str) -> bool:
        """Keys of the search stand in the key bar only while there is one."""
        if action == "find":
            return self.focused is not self._line
        searching = self._log.file is not None and self._log.file.needle is not None
        return searching or action not in ("only", "hunt(True)", "hunt(False)")


def _place_of(host: Host, name: str) -> Selection:
    """The node whose logs are shown: the selected one, or that of a trial or node that is named."""
    at = host.selection
    view, node = host.store.runs.get(at.run), name.split(".")[0].split(" ")[0].split("t")[0]
    return at._replace(node=node, trial="") if view is not None and node in view.tree.nodes else at


def tab_line(names: list[str], current: int, width: int) -> Content:
    """The logs with their numbers, the one on show marked; where there is little room, those next to it."""
    parts = [
        Content.styled(f"[{at} {name}]", "bold $accent") if at == current + 1 else Content.styled(f" {at} {name} ")
        for at, name in enumerate(names, 1)
    ]
    first, last = current, current + 1
    while (first > 0 or last < len(parts)) and parts:
        wider = (first, last + 1) if last < len(parts) else (first - 1, last)
        if sum(cell_len(part.plain) for part in parts[wider[0] : wider[1]]) > width - 4:
            wider = (first - 1, last) if first > 0 else wider
            if sum(cell_len(part.plain) for part in parts[wider[0] : wider[1]]) > width - 4:
                break
        first, last = wider
    shown = Content("").join(parts[first:last])
    return Content.assemble("‹ " if first > 0 else "", shown, " ›" if last < len(parts) else "")
