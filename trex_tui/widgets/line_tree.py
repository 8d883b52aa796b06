"""A tree that renders only the lines in sight. It knows rows and ids; what a row says comes from a painter."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, NamedTuple

from textual.binding import BindingType
from textual.events import Click
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from trex_tui.keymap import TREE, bindings
from trex_tui.model.row import GUIDES, Row, guides
from trex_tui.model.rows import Rows
from trex_tui.widgets.lines import Lines

LEAD = 2  # cells before the guides: the cursor's sign and the mark's


class Spot(NamedTuple):
    """A line that is to be painted: of which node, behind which guides, in how many cells; whether the cursor stands
    on it, a person has marked it, and it is there only for what matches the filter below it."""

    name: str
    guides: str
    width: int
    under: bool = False
    marked: bool = False
    dimmed: bool = False


Painter = Callable[[Spot], Strip]
"""Makes a strip of exactly `Spot.width` cells."""
Levels = Callable[[int], int]
"""How many levels of guides there is room for, in a line of so many cells."""


def all_levels(_width: int) -> int:
    return GUIDES


class LineTree(Lines, can_focus=True, inherit_bindings=False):
    """The tree widget over `Rows`. `Moved` is posted when a person moves the cursor, `Opened` on enter."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(TREE)

    class Moved(Message):
        """A person chose another node."""

    class Opened(Message):
        """A person wants to look at the selected node."""

    def __init__(self, painter: Painter, rows: Rows, levels: Levels = all_levels, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._paint, self.rows, self._levels = painter, rows, levels
        self.marks: dict[str, None] = {}  # marked nodes, in the order of marking
        self.led = False  # a person has moved the cursor, and whoever listens has not heard of it yet

    @property
    def selected(self) -> str:
        """The id under the cursor; "" in an empty tree."""
        return self.rows.selected

    def home(self) -> None:
        """Another tree is on show."""
        self.marks.clear()
        self._resized()
        self.scroll_to(y=0, animate=False, force=True, immediate=True)

    def grown(self, moved: int) -> None:
        """The rows have changed, and the cursor's line is `moved` lines further down: keep it where it is on screen."""
        self._resized()
        if moved:
            self.scroll_to(y=self.scroll_offset.y + moved, animate=False, force=True, immediate=True)

    def rearranged(self) -> None:
        """Other rows are in sight, or in another order: bring the cursor into sight."""
        self._resized()
        self._show_cursor()

    def select(self, name: str) -> None:
        """Put the cursor on a node, unfolding what hides it. Posts nothing: no person did this."""
        line = self.rows.reveal(name) if name in self.rows.nodes else None
        if line is not None:
            self._resized()
            self._go(line)

    def _resized(self) -> None:
        self.hold(len(self.rows))

    def on_resize(self) -> None:
        self.rearranged()

    def render_line(self, y: int) -> Strip:
        index, width = self.scroll_offset.y + y, self.scrollable_content_region.width
        base, rows = self.rich_style, self.rows
        if index >= len(rows):
            return Strip.blank(width, base)
        row = rows.lines[index]
        dimmed = rows.matches is not None and not row.matches
        spot = Spot(row.id, self._guides(row), width, index == rows.cursor, row.id in self.marks, dimmed)
        return self._paint(spot).apply_style(base).adjust_cell_length(width, base)

    def _guides(self, row: Row) -> str:
        """Fewer levels where there is little room: a deep node must still say what it is."""
        return guides(row, self._levels(self.scrollable_content_region.width))

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
            self.led = True
            self.post_message(self.Moved())

    def on_click(self, event: Click) -> None:
        """Select; on the guides or the state's sign also fold or unfold; twice opens."""
        inside = event.get_content_offset(self)
        if inside is None or self.scroll_offset.y + inside.y >= len(self.rows):
            return
        index = self.scroll_offset.y + inside.y
        row = self.rows.lines[index]
        self._moved(index)
        if inside.x <= LEAD + len(self._guides(row)) and row.children:
            self.action_fold()
        elif event.chain == 2:
            self.action_look()

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
        elif row is not None and self.rows.unchain(row):
            self._resized()
        elif row is not None and row.children:
            self._moved(self.rows.cursor + 1)

    def action_fold(self) -> None:
        if self.rows.fold():
            self._resized()

    def mark(self) -> None:
        """Mark the node under the cursor, or no longer."""
        if not self.selected:
            return
        if self.selected in self.marks:
            del self.marks[self.selected]
        else:
            self.marks[self.selected] = None
        self.refresh()

    def action_look(self) -> None:
        if self.selected:
            self.post_message(self.Opened())
