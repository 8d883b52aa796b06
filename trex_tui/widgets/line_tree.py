"""A tree that renders only the lines in sight. It knows rows and ids; what a row says comes from a painter."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar

from textual.binding import BindingType
from textual.events import Click
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from trex_tui.keymap import TREE, bindings
from trex_tui.model.rows import Rows, guides

Painter = Callable[[str, str, int, bool], Strip]
"""(id, guides, width, is under the cursor) -> a strip of exactly that width."""


class LineTree(ScrollView, can_focus=True, inherit_bindings=False):
    """The tree widget over `Rows`. `Moved` is posted when a person moves the cursor, `Opened` on enter."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(TREE)

    class Moved(Message):
        """A person chose another node."""

    class Opened(Message):
        """A person wants to look at the selected node."""

    def __init__(self, painter: Painter, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._paint = painter
        self.rows = Rows()

    @property
    def selected(self) -> str:
        """The id under the cursor; "" in an empty tree."""
        return self.rows.selected

    def clear(self) -> None:
        self.rows = Rows()
        self._resized()
        self.scroll_to(y=0, animate=False, force=True, immediate=True)

    def add(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Add (id, parent id) pairs, parents first. What was in sight stays where it is on the screen."""
        moved = self.rows.add(pairs)
        self._resized()
        if moved:
            self.scroll_to(y=self.scroll_offset.y + moved, animate=False, force=True, immediate=True)

    def select(self, name: str) -> None:
        """Put the cursor on a node, unfolding what hides it. Posts nothing: no person did this."""
        if name in self.rows.nodes:
            line = self.rows.reveal(name)
            self._resized()
            self._go(line)

    def _resized(self) -> None:
        self.virtual_size = Size(self.size.width, len(self.rows))
        self.refresh()

    def on_resize(self) -> None:
        self._resized()
        self._show_cursor()

    def render_line(self, y: int) -> Strip:
        index, width = self.scroll_offset.y + y, self.scrollable_content_region.width
        base = self.rich_style
        if index >= len(self.rows):
            return Strip.blank(width, base)
        row = self.rows.lines[index]
        strip = self._paint(row.id, guides(row), width, index == self.rows.cursor).apply_style(base)
        return strip.adjust_cell_length(width, base)

    def _go(self, index: int) -> bool:
        """Move the cursor; whether it moved."""
        if not len(self.rows):
            return False
        old, new = self.rows.cursor, max(0, min(index, len(self.rows) - 1))
        self.rows.cursor = new
        top, width = self.scroll_offset.y, self.size.width
        self.refresh(Region(0, old - top, width, 1), Region(0, new - top, width, 1))
        self._show_cursor()
        return old != new

    def _show_cursor(self) -> None:
        region = Region(0, self.rows.cursor, 1, 1)
        self.scroll_to_region(region, animate=False, force=True, immediate=True, x_axis=False)

    def _moved(self, index: int) -> None:
        if self._go(index):
            self.post_message(self.Moved())

    def on_click(self, event: Click) -> None:
        inside = event.get_content_offset(self)
        if inside is not None and self.scroll_offset.y + inside.y < len(self.rows):
            self._moved(self.scroll_offset.y + inside.y)

    def action_move(self, by: int) -> None:
        self._moved(self.rows.cursor + by)

    def action_page(self, by: int) -> None:
        self._moved(self.rows.cursor + by * max(1, self.size.height - 1))

    def action_edge(self, end: bool) -> None:
        self._moved(len(self.rows) - 1 if end else 0)

    def action_outward(self) -> None:
        """Fold the branch; where there is nothing to fold, go to the parent."""
        row = self.rows.nodes.get(self.selected)
        if row is not None and row.open and row.children:
            self.action_fold()
        elif row is not None and row.parent is not None:
            self._moved(self.rows.index(row.parent))

    def action_inward(self) -> None:
        """Unfold the branch; where it is open, go to the first child."""
        row = self.rows.nodes.get(self.selected)
        if row is not None and not row.open:
            self.action_fold()
        elif row is not None and row.children:
            self._moved(self.rows.cursor + 1)

    def action_fold(self) -> None:
        if self.rows.fold():
            self._resized()

    def action_open(self) -> None:
        if self.selected:
            self.post_message(self.Opened())
