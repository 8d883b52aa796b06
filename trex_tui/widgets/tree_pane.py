"""The left pane: where the selection stands, the names of the columns, the tree, the filter below it.

It knows the outline of one run and what a person wants to see of it; which run that is, it is told at every tick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.style import Style
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from trex_tui.host import Host
from trex_tui.model import format as fmt
from trex_tui.model.outline import ORDERS, Outline
from trex_tui.model.rows import Order
from trex_tui.model.store import RunView
from trex_tui.widgets.breadcrumb import Breadcrumb
from trex_tui.widgets.line_tree import LineTree
from trex_tui.widgets.node_row import ROLES, NodeRow, columns, levels
from trex_tui.widgets.tree_head import TreeHead

if TYPE_CHECKING:
    from trex_tui.widgets.filter_bar import FilterBar


class NodeTree(LineTree):
    """The tree with the styles of its rows."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"row--{role}" for role in ROLES}


class TreePane(Vertical):
    """`Filtered` is posted when a person has written a filter, or given it up, and wants to go on in the tree."""

    class Filtered(Message):
        """The tree wants the keys again."""

    def __init__(self, host: Host, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._host = host
        self.run = ""
        self.outline = Outline()
        painter = NodeRow(host, self._style, lambda: self.run, lambda: self.outline.visits.of)
        self.rows_view = NodeTree(painter, self.outline.rows, levels, id="search-tree")
        self._crumbs = Breadcrumb(self.outline.rows, id="breadcrumb")
        self._bar: FilterBar | None = None  # until somebody filters: an input line is slow to import
        self._following = False

    def compose(self) -> ComposeResult:
        yield self._crumbs
        yield TreeHead(id="tree-head")
        yield self.rows_view

    def _style(self, role: str) -> Style:
        return self.rows_view.get_component_rich_style(f"row--{role}", partial=True)

    @property
    def selected(self) -> str:
        """The id under the cursor; "" in an empty tree."""
        return self.rows_view.selected

    @property
    def marked(self) -> tuple[str, ...]:
        """The marked nodes, in the order of marking."""
        return tuple(self.rows_view.marks)

    @property
    def glanced(self) -> list[str]:
        """The best trials of the nodes in sight, where there is room for their loss. What runs is watched anyway."""
        view = self._host.store.runs.get(self.run)
        if view is None or not columns(self.rows_view.size.width).spark:
            return []
        top, height, tree = self.rows_view.scroll_offset.y, self.rows_view.size.height, view.tree
        nodes = (tree.nodes.get(row.id) for row in self.outline.rows.lines[top : top + height])
        best = (node.best(tree.maximize) for node in nodes if node is not None)
        return [trial.id for trial in best if trial is not None and trial.config is not None]

    def show_run(self, run: str) -> None:
        """Another run: nothing of the one before is kept but the order and the filter."""
        self.run = run
        self.outline.clear()
        self.rows_view.home()

    def pull(self, view: RunView, touched: frozenset[tuple[str, str]], following: bool) -> None:
        """Take over what the run has gained."""
        own = [node for run, node in touched if run == self.run]
        self.rows_view.grown(self.outline.pull(self._host.store, view, own))
        for name in [name for name in self.rows_view.marks if name not in view.tree.nodes]:
            del self.rows_view.marks[name]  # it was not there yet, at the moment on show
        self._following = following and not view.over
        self._say_title()

    def _say_title(self) -> None:
        """What is left out of sight, and in which order the rest stands."""
        outline, rows = self.outline, self.outline.rows
        said = [fmt.plural(len(rows.nodes), "node")]
        if rows.matches is not None:
            said[0] = f"{rows.matching:,} of {len(rows.nodes):,} match"
        if self.marked:
            said.append(f"{len(self.marked)} marked")
        if rows.order != "came":
            said.append(ORDERS[rows.order])
        if outline.hidden:
            said.append(f"{outline.hidden} pruned hidden")
        if self._following:
            said.append("following (f)")
        self.border_title = f"tree, {', '.join(said)}"
        self._crumbs.refresh()

    def select(self, name: str) -> str:
        """Put the cursor on a node. Why that cannot be done now; "" where it was."""
        if name not in self.outline.rows.nodes:
            return f"there is no {name} here"
        hidden = self.outline.why_not_in_sight(name)
        if not hidden:
            self.rows_view.select(name)
            self._crumbs.refresh()
        return hidden

    def moved(self) -> None:
        """The selection has moved, and nothing follows it any more."""
        self._following = False
        self._say_title()

    def mark(self) -> None:
        """Mark the node under the cursor, or no longer."""
        self.rows_view.mark()
        self._say_title()

    def unmark(self) -> None:
        self.rows_view.marks.clear()
        self._rearranged()

    def sort(self, order: Order) -> None:
        self.outline.sort(order)
        self._rearranged()

    def hide_pruned(self, on: bool) -> None:
        self.outline.hide_pruned(on)
        self._rearranged()

    def draw_chains(self, on: bool) -> None:
        self.outline.rows.draw_chains(on)
        self._rearranged()

    @property
    def filtered(self) -> bool:
        return self.outline.rows.matches is not None

    async def write_filter(self) -> None:
        """Let the person write a filter."""
        if self._bar is None:
            from trex_tui.widgets.filter_bar import FilterBar

            self._bar = FilterBar(id="filter")
            await self.mount(self._bar)  # before the next key: what is typed at once belongs into the line
        self._bar.display = True
        self._bar.write()

    def drop_filter(self) -> None:
        """All nodes again; the cursor stays on its node."""
        selected = self.selected
        self.outline.sift(None)
        if self._bar is not None:
            self._bar.empty()
            self._bar.display = False
        self.select(selected)
        self._rearranged()

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        event.stop()
        if event.query != self.outline.query:
            self.outline.sift(event.query)
            self._rearranged()

    def on_filter_bar_done(self, event: FilterBar.Done) -> None:
        event.stop()
        if not event.kept:
            self.drop_filter()
        elif (match := self.outline.rows.match()) is not None:
            self.select(match)
        self.post_message(self.Filtered())

    def _rearranged(self) -> None:
        self.rows_view.rearranged()
        self._say_title()
