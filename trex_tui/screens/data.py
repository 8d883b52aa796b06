"""The data of the search on show: the task's splits as a whole, and the rows of the selected node, step by step.

What is slow is done in another process, once for a data set; rows of confirm and test are nowhere on this screen.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from engine.errors import TrexError
from engine.search.tree import Node
from engine.taskdata.profile import DataProfile
from trex_tui.actions import NO_RUN
from trex_tui.host import Host
from trex_tui.keymap import CLOSE, DATA, DATA_PAGE, bindings
from trex_tui.model.format import clean
from trex_tui.model.profile import Prepared, data_profile, prepared
from trex_tui.model.store import Part, RunView
from trex_tui.pages import data as pages
from trex_tui.widgets.key_bar import KeyBar
from trex_tui.widgets.notice import Notice

COUNTING = "The rows are being counted; this is done once for a data set."


class DataPage(VerticalScroll, can_focus=True, inherit_bindings=False):
    """One of the two pages."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(DATA_PAGE)

    def __init__(self, title: str, *, id: str) -> None:
        self._text = Static(id=f"{id}-text", markup=False)
        super().__init__(self._text, id=id)
        self.border_title = title

    def show(self, page: Content | str) -> None:
        self._text.update(page)

    def action_scroll_by(self, by: int) -> None:
        self.scroll_relative(y=by, animate=False)

    def action_scroll_page(self, by: int) -> None:
        self.scroll_relative(y=by * max(1, self.size.height - 1), animate=False)

    def action_scroll_edge(self, end: bool) -> None:
        self.scroll_end(animate=False) if end else self.scroll_home(animate=False)


def make(host: Host, _words: tuple[str, ...]) -> DataScreen:
    return DataScreen(host)


class DataScreen(Screen[None]):
    """Of the run and the node that are selected on the search screen."""

    CSS_PATH = "data.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings((*DATA, *CLOSE))
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - so declared by Textual

    def __init__(self, host: Host) -> None:
        super().__init__()
        self._host = host
        self._run, self._node, _ = host.selection
        self._data: DataProfile | None = None
        self._found = Prepared()
        self._seen: object = None  # how far the node's data was when its folder was read
        self._head = Static(id="data-head", markup=False)
        self._splits_page = DataPage("the task's data", id="data-task")
        self._recipe_page = DataPage("", id="data-recipe")

    def compose(self) -> ComposeResult:
        yield self._head
        yield Horizontal(self._splits_page, self._recipe_page, id="data-body")
        yield Notice(classes="notice")
        yield KeyBar()

    def on_mount(self) -> None:
        self._splits_page.focus()
        view = self._view
        if view is None or view.tree.created is None:
            self._head.update("data")
            self._splits_page.show(NO_RUN)
            return
        setup = view.tree.created
        self._say_where()
        self._splits_page.show(COUNTING if setup.splits else f"{self._run} was asked for before its splits were kept.")
        if setup.splits:
            self._count(Path(setup.splits))
        self._follow()

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    @property
    def _view(self) -> RunView | None:
        return self._host.store.runs.get(self._run)

    @property
    def _selected(self) -> Node | None:
        return self._view.tree.nodes.get(self._node) if self._view else None

    def pull(self, _parts: frozenset[Part], _touched: frozenset[tuple[str, str]]) -> None:
        if self.is_attached:
            self._follow()

    def _say_where(self) -> None:
        task = self._view.tree.setup.task if self._view else ""
        self._head.update(clean(f"data of {task}, for {self._run} and its {self._node}"))
        self._recipe_page.border_title = f"the rows of {self._node}"

    def _follow(self) -> None:
        """Read the node's folder when its recipe has run, or has run again."""
        node = self._selected
        stamp = (node.plan is None, node.rows, node.data_sha256) if node else None
        if stamp != self._seen:
            self._seen = stamp
            self._read()

    @work(exclusive=True, group="count")
    async def _count(self, splits: Path) -> None:
        try:
            self._data = await data_profile(splits, self._host.workspace.cache)
        except (TrexError, OSError) as problem:
            self._splits_page.show(f"! {clean(str(problem))}")
            return
        self._draw()

    @work(exclusive=True, group="read")
    async def _read(self) -> None:
        self._found = await prepared(self._host.workspace.node(self._run, self._node))
        self._draw()

    def _draw(self) -> None:
        view, node = self._view, self._selected
        if view is None or not self.is_attached:
            return
        if self._data is not None:
            width = max(20, self._splits_page.scrollable_content_region.width - 2)
            self._splits_page.show(pages.task_page(self._data, view.tree, width))
        if node is not None:
            rows = (
                next((split.rows for split in self._data.splits if split.name == "train"), None) if self._data else None
            )
            self._recipe_page.show(pages.recipe_page(node, rows, self._found))

    def action_other_page(self) -> None:
        other = self._recipe_page if self.focused is self._splits_page else self._splits_page
        self.set_class(other is self._recipe_page, "-recipe")
        other.focus()

    def action_node(self, by: int) -> None:
        """Another node's rows, in the order in which the nodes came."""
        if (view := self._view) is None or self._node not in view.order:
            return
        place = view.order.index(self._node) + by
        if not 0 <= place < len(view.order):
            self._host.say(f"{self._node} is the {'last' if by > 0 else 'first'} node", warning=True)
            return
        self._node, self._found, self._seen = view.order[place], Prepared(), None
        self._say_where()
        self._follow()

    def action_close(self) -> None:
        self.dismiss()
