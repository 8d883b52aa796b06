"""The names of the tree's columns, in one line above it."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from trex_tui.widgets.node_row import head


class TreeHead(Widget):
    """As wide as the tree, its scrollbar left out."""

    def render(self) -> Content:
        return Content(head(self.size.width - 1))
