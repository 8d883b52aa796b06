"""All searches of the workspace, the newest first, and a few lines about the one under the cursor."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Input, Static

from trex_tui import actions
from trex_tui.host import Host
from trex_tui.keymap import CLOSE, LIST_FILTER, RUNS, bindings
from trex_tui.model import run_table
from trex_tui.model.format import plural
from trex_tui.model.store import Part
from trex_tui.pages import run_about
from trex_tui.widgets.about import About
from trex_tui.widgets.key_bar import KeyBar
from trex_tui.widgets.line_list import LineList
from trex_tui.widgets.notice import Notice

EMPTY = "No search yet in this workspace; n starts one."


class RunFilter(Input):
    """Words that a run must have."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(LIST_FILTER)


def make(host: Host, words: tuple[str, ...]) -> Runs:
    return Runs(host, " ".join(words))


class Runs(Screen[None]):
    """Steering works on the run under the cursor, as it does on the search screen."""

    CSS_PATH = "runs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings((*RUNS, *CLOSE))
    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (16, "-low"), (30, "-tall")]  # noqa: RUF012 - so declared by Textual

    def __init__(self, host: Host, text: str = "") -> None:
        super().__init__()
        self._host = host
        self._second = 0
        self._rows: dict[str, run_table.Cells] = {}
        self._over: dict[str, tuple[int, run_table.Cells]] = {}
        self._columns: list[tuple[run_table.Column, int]] = []
        self._head = Static(id="runs-head", markup=False)
        self._columns_head = Static(id="runs-columns", markup=False)
        self._list = LineList(self._paint, id="runs-list")
        self._about = Static(id="run-about", markup=False)
        self._pane = About(self._about, id="about-scroll")
        self._line = RunFilter(text, placeholder="words: running, a task, a policy", id="list-filter", compact=True)

    def compose(self) -> ComposeResult:
        yield self._head
        yield self._columns_head
        yield self._list
        yield self._pane
        yield Horizontal(Static("/", id="filter-mark"), self._line, id="list-filter-row")
        yield Notice(classes="notice")
        yield KeyBar()

    def on_mount(self) -> None:
        self.set_class(bool(self._line.value), "-filtering")
        self._list.focus()
        self._fill(self._host.selection.run)

    def on_resize(self) -> None:
        self.call_after_refresh(self._fill)

    def pull(self, parts: frozenset[Part], _touched: frozenset[tuple[str, str]]) -> None:
        second = int(self._host.now())
        if self.is_attached and (second != self._second or ("runs" in parts and not self._rows)):
            self._second = second
            self._fill()

    def _fill(self, choose: str = "") -> None:
        """The table anew, at most once a second: a search under way changes all the time."""
        if not self.is_attached:
            return
        store, now = self._host.live, self._host.now()
        text = self._line.value
        names = [name for name in reversed(store.runs) if run_table.searched(name, store.runs[name], text)]
        self._rows = {name: self._cells(name, now) for name in names}
        self._columns = run_table.layout(list(self._rows.values()), self._list.scrollable_content_region.width - 2)
        self._columns_head.update("  " + run_table.head(self._columns) if names else "")
        self._list.fill(names, choose)
        self._head.update(self._said(len(names)))
        self._tell()

    def _cells(self, name: str, now: float) -> run_table.Cells:
        """Those of a run that is over stay as they are: its tree is not walked again."""
        view = self._host.live.runs[name]
        known, row = self._over.get(name, (-1, {}))
        if known != view.tree.last_seq:
            row = run_table.cells(name, view, self._host.live.pulse, now)
        if view.over:
            self._over[name] = (view.tree.last_seq, row)
        return row

    def _said(self, shown: int) -> str:
        store = self._host.live
        whole = plural(len(store.runs), "search").replace("searchs", "searches")
        queue = store.pulse.queued if store.pulse else ()
        held = {name for name, view in store.runs.items() if view.paused}  # a queue may name runs that are not here yet
        waiting = [name for name in queue if name not in held] if store.pulse and store.pulse.run else []
        parts = [whole if shown == len(store.runs) else f"{shown} of {whole}"]
        parts += [f"at work: {store.pulse.run}"] if store.pulse and store.pulse.run else []
        parts += [f"{len(waiting)} waiting"] if waiting else []
        return "  ".join(parts)

    def _tell(self) -> None:
        """What there is to say of the run under the cursor."""
        run, store = self._list.selected, self._host.live
        if run in store.runs:
            report, width = self._host.workspace.report(run), self.size.width - 4
            self._about.update(run_about.page(store, run, self._host.now(), report, width))
        else:
            self._about.update("no search has these words" if store.runs else EMPTY)
        self.refresh_bindings()

    def _paint(self, name: str, _width: int) -> list[Segment]:
        return [Segment(run_table.line(self._rows[name], self._columns))]

    @property
    def selection(self) -> actions.Selection:
        return actions.Selection(self._list.selected)

    def works(self, action: str) -> bool:
        """A key that would do nothing is left out of the key bar, and says why when it is pressed."""
        if action == "find":
            return self.focused is not self._line
        decide = actions.STEERING.get(action.removeprefix("steer('").removesuffix("')"))
        return decide is None or not isinstance(decide(self._host.live, self.selection), actions.Refusal)

    def label_of(self, action: str) -> str:
        view = self._host.live.runs.get(self._list.selected)
        if view is None:
            return {"like": "new"}.get(action, "")
        exact = {
            "steer('pause_run')": "go on" if view.paused else "",
            "steer('stop')": "take out" if run_table.word(view) == "queued" else "",
            "open": "look",
        }
        return exact.get(action, "")

    # --- what a person does --------------------------------------------------------------------------------------

    def on_line_list_moved(self) -> None:
        self._tell()

    def on_line_list_opened(self) -> None:
        run = self._list.selected
        self.dismiss()
        self._host.look_at(run)

    def on_input_changed(self) -> None:
        self._fill()

    def action_find(self) -> None:
        self.add_class("-filtering")
        self._line.focus()

    def action_to_list(self) -> None:
        self._list.focus()

    def action_pane(self) -> None:
        (self._list if self.focused is self._pane else self._pane).focus()

    def action_like(self) -> None:
        """A new search with the settings of the one under the cursor."""
        self._host.action_new_run(like=self._list.selected)

    def action_steer(self, name: str) -> None:
        self._host.decide(actions.STEERING[name](self._host.live, self.selection))

    def action_close(self) -> None:
        """One step out: of the lines about a run, of the filter, back to the search."""
        if self.focused is self._pane:
            self._list.focus()
        elif self.has_class("-filtering"):
            self.remove_class("-filtering")
            self._line.value = ""
            self._list.focus()
        else:
            self.dismiss()
