"""A scroll area over many lines whose own place on the screen does not follow from them: more lines cost no layout.

Textual lays the whole screen out anew whenever a virtual size changes. For a tree and a log that grow ten times a
second that was most of what a key had to wait for. Such a widget must have `overflow-y: scroll` and a size of its own.
"""

from __future__ import annotations

from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.widget import Widget


class Lines(ScrollView):
    """Says how many lines there are by `hold`; the lines themselves are drawn by whoever inherits it."""

    def hold(self, count: int) -> None:
        """There are so many lines now. They are drawn anew, and a scroll position beyond the last is taken back."""
        size = Size(self.size.width, count)
        if size != self.virtual_size:
            self.set_reactive(Widget.virtual_size, size)
            if self.show_vertical_scrollbar:
                self.vertical_scrollbar.window_virtual_size = count
            if self.scroll_y > self.max_scroll_y:
                self.scroll_to(y=self.max_scroll_y, animate=False, force=True, immediate=True)
        self.refresh()
