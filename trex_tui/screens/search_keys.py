"""What keys do to the view of the tree on the search screen: filter, order, marks, jumps, zoom, copying, the mouse.

Steering the search itself, and what is on show, is `search`.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from textual.screen import Screen
from textual.widget import Widget

from engine.search.tree import ROOT
from trex_tui.host import Host
from trex_tui.model import format as fmt
from trex_tui.model.outline import ORDERS
from trex_tui.model.rows import Order
from trex_tui.model.state import state_word
from trex_tui.model.store import RunView
from trex_tui.widgets.line_log import LineLog
from trex_tui.widgets.node_detail import NodeDetail
from trex_tui.widgets.node_pages import NodePages
from trex_tui.widgets.tree_pane import TreePane

if TYPE_CHECKING:  # imported at the first jump: it is not needed for the first paint
    from trex_tui.model.jumps import Goal

ZOOMS = ("-zoom-tree", "-zoom-node", "-zoom-log")


class SearchKeys(Screen[None]):
    """The screen's panes, and the keys that change how they look."""

    def __init__(self, host: Host) -> None:
        super().__init__()
        self._host = host
        self.following = True
        self._tree = TreePane(host, id="left")
        self._pages = NodePages(id="pages")
        self._log_view = LineLog(id="log")
        self._mouse = True

    @property
    @abstractmethod
    def view(self) -> RunView | None:
        """The run on show."""

    @property
    @abstractmethod
    def node(self) -> str:
        """The selected node."""

    @abstractmethod
    def say(self, text: str, warning: bool = False) -> None:
        """One sentence for the person."""

    @abstractmethod
    def show_selected(self) -> None:
        """A person has chosen another node: show it, and keep still."""

    def say_if(self, refusal: str) -> None:
        """Say why something was not done, where there is a reason."""
        if refusal:
            self.say(refusal, warning=True)

    # --- what stands in the tree ---

    async def action_filter(self) -> None:
        self._focus_pane(self._tree.rows_view)
        self.following = False
        self._tree.moved()
        await self._tree.write_filter()

    def on_tree_pane_filtered(self) -> None:
        self._tree.rows_view.focus()
        self.show_selected()

    def action_order(self) -> None:
        names: list[Order] = list(ORDERS)
        order = names[(names.index(self._tree.outline.rows.order) + 1) % len(names)]
        self._tree.sort(order)
        self.say(f"siblings: {ORDERS[order]}")

    def action_hide_pruned(self) -> None:
        outline = self._tree.outline
        self._tree.hide_pruned(not outline.hiding)
        branches = "1 pruned branch" if outline.hidden == 1 else f"{outline.hidden} pruned branches"
        hidden = f"{branches} hidden; v shows {'it' if outline.hidden == 1 else 'them'} again"
        nothing = "nothing is pruned; what will be is hidden" if outline.hiding else "pruned branches are shown"
        self.say(hidden if outline.hidden else nothing)

    def action_chains(self) -> None:
        rows = self._tree.outline.rows
        self._tree.draw_chains(not rows.chains)
        self.say("single children in a row as one line" if rows.chains else "every node has its line")

    def action_mark(self) -> None:
        self._tree.mark()
        self.refresh_bindings()

    # --- where the selection goes ---

    def action_jump(self, goal: Goal) -> None:
        if self.view is None:
            self.say("there is no search yet; n starts one", warning=True)
            return
        from trex_tui.model.jumps import Nowhere, target

        found = target(self.view, goal, self.node)
        refusal = found if isinstance(found, Nowhere) else self._tree.select(found)
        if refusal:
            self.say(refusal, warning=True)
        else:
            self.show_selected()

    # --- how much room a pane has ---

    def _focus_pane(self, pane: Widget) -> None:
        """Focus a pane; where there is room for one only, it takes the place of the others."""
        if self._zoomed:
            self._zoom(pane)
        if not isinstance(pane, LineLog):
            self.set_class(isinstance(pane, NodeDetail), "-node")
        pane.focus()

    def action_pane(self, by: int) -> None:
        panes: list[Widget] = [self._tree.rows_view, *self._pages.shown, self._log_view]
        here = panes.index(self.focused) if self.focused in panes else 0
        self._focus_pane(panes[(here + by) % len(panes)])

    @property
    def _zoomed(self) -> bool:
        return any(self.has_class(name) for name in ZOOMS)

    def _zoom(self, pane: Widget | None) -> None:
        """Give a pane the whole body; None: each its own place again."""
        place = None if pane is None else 1 if isinstance(pane, NodeDetail) else 2 if isinstance(pane, LineLog) else 0
        for index, name in enumerate(ZOOMS):
            self.set_class(index == place, name)

    def action_zoom(self) -> None:
        self._zoom(None if self._zoomed else self.focused)

    def action_back(self) -> None:
        """One layer out: the zoom, the page that covers the tree, the filter, the marks; then to the tree."""
        if self._zoomed:
            self._zoom(None)
        elif self.has_class("-narrow") and self.has_class("-node"):
            self._focus_pane(self._tree.rows_view)
        elif self._tree.filtered:
            self._tree.drop_filter()
            self.show_selected()
        elif self._tree.marked:
            self._tree.unmark()
            self.refresh_bindings()
        else:
            self._focus_pane(self._tree.rows_view)

    # --- taking text away ---

    def action_copy_node(self) -> None:
        if self.view is not None and self.node in self.view.tree.nodes:
            self._copy(node_line(self.view, self.node), "the node's line")

    def action_copy_page(self) -> None:
        text = self._pages.chosen.plain
        if text:
            self._copy(text, f"the page, {fmt.plural(len(text.splitlines()), 'line')}")
        else:
            self.say("a page of charts has no text to copy; f12 takes a picture of the screen", warning=True)

    def _copy(self, text: str, what: str) -> None:
        self.app.copy_to_clipboard(fmt.storable(text))
        self.say(f"copied {what}, where the terminal allows it (OSC 52)")

    def action_mouse(self) -> None:
        """Textual has no public switch: its drivers for terminals turn the mouse on and off by these two methods."""
        switch = getattr(self.app._driver, "_disable_mouse_support" if self._mouse else "_enable_mouse_support", None)
        if switch is None:
            self.say("this display has no mouse capture to switch off", warning=True)
            return
        switch()
        self._mouse = not self._mouse
        self.say(
            "the mouse is ours again" if self._mouse else "the mouse is the terminal's: select text; m takes it back"
        )


def node_line(view: RunView, name: str) -> str:
    """`n4 adjust_training, done: 0.877 ±0.037 (n4t1), +0.014 against n2; run r1`."""
    tree, node = view.tree, view.tree.nodes[name]
    best = node.best(tree.maximize)
    what = "base model" if name == ROOT else node.direction or "no plan yet"
    said = f"{name} {what}, {state_word(view, name)}"
    if best is not None:
        said += f": {fmt.score(best.score)} ({best.id})"
    gain = fmt.gain(tree.score(name), tree.score(node.parent), tree.maximize) if name != ROOT else ""
    return f"{said}, {gain} against {node.parent}; run {tree.run}" if gain else f"{said}; run {tree.run}"
