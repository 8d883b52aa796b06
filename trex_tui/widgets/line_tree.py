"""A tree that renders only the lines in sight. It knows rows and ids; what a row says comes from a painter.

An insert costs depth x siblings, not the size of the tree: each row keeps the number of visible rows of its subtree.
The cursor stays on its node when the tree grows above it.
"""

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

GUIDES = 8  # levels drawn as guides; deeper ones as a number
BULK = 64  # so many new rows at once are cheaper to lay out anew

Painter = Callable[[str, str, int, bool], Strip]
"""(id, guides, width, is under the cursor) -> a strip of exactly that width."""


class Row:
    """A node as the widget sees it. `visible`: rows of its subtree in sight, itself included."""

    __slots__ = ("children", "depth", "id", "open", "parent", "place", "visible")

    def __init__(self, name: str, parent: Row | None) -> None:
        self.id, self.parent = name, parent
        self.children: list[Row] = []
        self.open, self.visible = True, 1
        self.place = len(parent.children) if parent else 0
        self.depth: int = parent.depth + 1 if parent else 0


class LineTree(ScrollView, can_focus=True):
    """The tree widget. `Moved` is posted when a person moves the cursor, `Opened` on enter."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(TREE)

    class Moved(Message):
        """A person chose another node."""

        def __init__(self, node: str) -> None:
            super().__init__()
            self.node = node

    class Opened(Message):
        """A person wants to look at the selected node."""

    def __init__(self, painter: Painter, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._paint = painter
        self.nodes: dict[str, Row] = {}
        self.rows: list[Row] = []
        self.cursor = 0
        self._shift = 0

    @property
    def selected(self) -> str:
        """The id under the cursor; "" in an empty tree."""
        return self.rows[self.cursor].id if self.rows else ""

    def clear(self) -> None:
        self.nodes, self.rows, self.cursor, self._shift = {}, [], 0, 0
        self.scroll_to(y=0, animate=False, force=True, immediate=True)
        self._resized()

    def add(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Add (id, parent id) pairs, parents first; a parent that is the node itself makes the root."""
        new = list(pairs)
        for name, parent in new:
            row = Row(name, None if name == parent else self.nodes[parent])
            self.nodes[name] = row
            if len(new) < BULK:
                self._insert(row)
            if row.parent is not None:
                row.parent.children.append(row)
        if len(new) >= BULK:
            self._lay_out()
        if new:
            self._resized()

    def select(self, name: str) -> None:
        """Put the cursor on a node, unfolding what hides it. Posts nothing: no person did this."""
        row = self.nodes.get(name)
        if row is None:
            return
        above, hidden = row.parent, False
        while above is not None:
            hidden = hidden or not above.open
            above.open, above = True, above.parent
        if hidden:
            self._lay_out()
            self._resized()
        self._go(self._index(row))

    def _insert(self, row: Row) -> None:
        above = row.parent
        if above is None:
            self.rows.insert(0, row)
            return
        if not (above.open and self._in_sight(above)):
            return
        at = self._index(above) + above.visible
        self.rows.insert(at, row)
        if at <= self.cursor:
            self.cursor += 1
            self._shift += 1
        self._grow(above, 1)

    def _lay_out(self) -> None:
        """All rows anew, the cursor kept on its node (or on the fold that hides it now)."""
        kept = self.rows[self.cursor] if self.rows else None
        root = next((row for row in self.nodes.values() if row.parent is None), None)
        self.rows = list(_walk(root)) if root else []
        for row in reversed(self.rows):
            row.visible = 1 + (sum(child.visible for child in row.children) if row.open else 0)
        while kept is not None and not self._in_sight(kept):
            kept = kept.parent
        self.cursor = self._index(kept) if kept else 0

    def _in_sight(self, row: Row) -> bool:
        above = row.parent
        while above is not None:
            if not above.open:
                return False
            above = above.parent
        return True

    def _grow(self, row: Row | None, by: int) -> None:
        while row is not None and row.open:
            row.visible += by
            row = row.parent

    def _index(self, row: Row) -> int:
        index = 0
        while row.parent is not None:
            index += 1 + sum(sibling.visible for sibling in row.parent.children[: row.place])
            row = row.parent
        return index

    def _resized(self) -> None:
        self.virtual_size = Size(self.size.width, len(self.rows))
        if self._shift:
            offset = self.scroll_offset.y
            self.scroll_to(y=offset + self._shift, animate=False, force=True, immediate=True)
            self._shift = 0
        self.refresh()

    def on_resize(self) -> None:
        self._resized()
        self._show_cursor()

    def render_line(self, y: int) -> Strip:
        index, width = self.scroll_offset.y + y, self.scrollable_content_region.width
        base = self.rich_style
        if index >= len(self.rows):
            return Strip.blank(width, base)
        row, under = self.rows[index], index == self.cursor
        strip = self._paint(row.id, _guides(row), width, under).apply_style(base)
        return strip.adjust_cell_length(width, base)

    def _go(self, index: int) -> bool:
        """Move the cursor; whether it moved."""
        if not self.rows:
            return False
        old, self.cursor = self.cursor, max(0, min(index, len(self.rows) - 1))
        top, width = self.scroll_offset.y, self.size.width
        self.refresh(Region(0, old - top, width, 1), Region(0, self.cursor - top, width, 1))
        self._show_cursor()
        return old != self.cursor

    def _show_cursor(self) -> None:
        region = Region(0, self.cursor, 1, 1)
        self.scroll_to_region(region, animate=False, force=True, immediate=True, x_axis=False)

    def _moved(self, index: int) -> None:
        if self._go(index):
            self.post_message(self.Moved(self.selected))

    def on_click(self, event: Click) -> None:
        inside = event.get_content_offset(self)
        if inside is not None and self.scroll_offset.y + inside.y < len(self.rows):
            self._moved(self.scroll_offset.y + inside.y)

    def action_move(self, by: int) -> None:
        self._moved(self.cursor + by)

    def action_page(self, by: int) -> None:
        self._moved(self.cursor + by * max(1, self.size.height - 1))

    def action_edge(self, end: bool) -> None:
        self._moved(len(self.rows) - 1 if end else 0)

    def action_outward(self) -> None:
        if not self.rows:
            return
        row = self.rows[self.cursor]
        if row.open and row.children:
            self.action_fold()
        elif row.parent is not None:
            self._moved(self._index(row.parent))

    def action_inward(self) -> None:
        if not self.rows:
            return
        row = self.rows[self.cursor]
        if not row.open:
            self.action_fold()
        elif row.children:
            self._moved(self.cursor + 1)

    def action_fold(self) -> None:
        """Fold or unfold the row under the cursor."""
        if not self.rows or not self.rows[self.cursor].children:
            return
        row = self.rows[self.cursor]
        row.open = not row.open
        self._lay_out()
        self._resized()

    def action_open(self) -> None:
        if self.rows:
            self.post_message(self.Opened())


def _walk(root: Row) -> Iterable[Row]:
    stack = [root]
    while stack:
        row = stack.pop()
        yield row
        if row.open:
            stack.extend(reversed(row.children))


def _guides(row: Row) -> str:
    """The branch in front of a row, two cells a level; far down a number and the last levels."""
    parts: list[str] = []
    here: Row = row
    while here.parent is not None and len(parts) < GUIDES:
        last = here.place == len(here.parent.children) - 1
        parts.append(("└ " if last else "├ ") if here is row else ("  " if last else "│ "))
        here = here.parent
    head = f"{here.depth}» " if here.depth else ""
    folded = f"[+{len(row.children)}] " if row.children and not row.open else ""
    return head + "".join(reversed(parts)) + folded
