"""A list that renders only the lines in sight, with a cursor that stays on its line while the list changes.

It knows names; what a line says comes from a painter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.binding import BindingType
from textual.events import Click
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from trex_tui.keymap import LIST, bindings

Painter = Callable[[str, int], list[Segment]]
"""(name, width) -> what stands in that line; at most `width` cells."""


class LineList(ScrollView, can_focus=True, inherit_bindings=False):
    """`Moved` is posted when another line is under the cursor, `Opened` on enter."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(LIST)
    COMPONENT_CLASSES: ClassVar[set[str]] = {"list--cursor"}

    class Moved(Message):
        """Another line is under the cursor."""

    class Opened(Message):
        """The person wants to look at the line under the cursor."""

    def __init__(self, painter: Painter, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._paint = painter
        self._names: list[str] = []
        self._cursor = 0

    @property
    def selected(self) -> str:
        """The name under the cursor; "" in an empty list."""
        return self._names[self._cursor] if self._names else ""

    def fill(self, names: Sequence[str], choose: str = "") -> None:
        """Show these lines; the cursor goes to `choose`, or stays where it is."""
        kept = choose or self.selected
        changed = list(names) != self._names
        self._names = list(names)
        self._cursor = self._names.index(kept) if kept in self._names else min(self._cursor, max(0, len(names) - 1))
        if changed:
            self.virtual_size = Size(self.size.width, len(self._names))
            self._show_cursor()
        self.refresh()

    def on_resize(self) -> None:
        self.virtual_size = Size(self.size.width, len(self._names))
        self._show_cursor()

    def render_line(self, y: int) -> Strip:
        index, width = self.scroll_offset.y + y, self.scrollable_content_region.width
        base = self.rich_style
        if index >= len(self._names):
            return Strip.blank(width, base)
        here = index == self._cursor
        mark = Segment("› " if here else "  ")
        strip = Strip([mark, *self._paint(self._names[index], width - 2)])
        style = self.get_component_rich_style("list--cursor", partial=True) if here else None
        strip = strip.adjust_cell_length(width)
        return strip.apply_style(base + style if style else base)

    def _show_cursor(self) -> None:
        top, height = self.scroll_offset.y, max(1, self.scrollable_content_region.height)
        if not top <= self._cursor < top + height:
            y = self._cursor if self._cursor < top else self._cursor - height + 1
            self.scroll_to(y=y, animate=False, force=True, immediate=True)

    def _go(self, index: int) -> None:
        old = self._cursor
        self._cursor = max(0, min(index, len(self._names) - 1))
        if self._cursor != old:
            self._show_cursor()
            self.refresh()
            self.post_message(self.Moved())

    def on_click(self, event: Click) -> None:
        inside = event.get_content_offset(self)
        if inside is not None and self.scroll_offset.y + inside.y < len(self._names):
            self._go(self.scroll_offset.y + inside.y)

    def action_move(self, by: int) -> None:
        self._go(self._cursor + by)

    def action_page(self, by: int) -> None:
        self._go(self._cursor + by * max(1, self.size.height - 1))

    def action_edge(self, end: bool) -> None:
        self._go(len(self._names) - 1 if end else 0)

    def action_open(self) -> None:
        if self._names:
            self.post_message(self.Opened())
