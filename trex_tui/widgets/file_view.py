"""The lines of a file that are in sight, drawn: the matches marked, the place of the person, how far down they are.

Not following, searching and moving: those are `trex_tui.widgets.file_log`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from trex_tui.model import format as fmt
from trex_tui.model.open_file import OpenFile

BAD = re.compile(r"\b(error|traceback|failed|failure|exception|critical|fatal|warning)\b", re.IGNORECASE)


class FileView(Widget):
    """Draws `file`; whoever changes what is in sight calls `redraw`."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"file--bad", "file--mark", "file--here", "file--bar", "file--quiet"}

    class Changed(Message):
        """The place, the count of matches, or the search for the next one has changed."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.file: OpenFile | None = None
        self._about, self._bad = "", BAD
        self._left = 0  # cells scrolled to the right
        self._page: list[int] = []
        self._texts: dict[int, tuple[str, bool]] = {}  # of the lines in sight

    def redraw(self) -> None:
        """What is in sight has changed."""
        if self.file is None:
            return
        self.file.window.height = max(1, self.content_size.height)
        self._page, self._texts = self.file.window.page(), {}
        self._tell()
        self.refresh()

    def _tell(self) -> None:
        self.border_title = self._title()
        self.post_message(self.Changed())

    def _title(self) -> str:
        file = self.file
        if file is None or not file.seen.size:
            return self._about
        unread = f"{file.unread:,} new, " if file.unread else ""
        state = "following" if file.window.following else f"{unread}G follows"
        only = ["only matches"] if file.only and file.needle else []
        parts = [self._about, *only, state, file.place(), fmt.size(file.seen.size)]
        return fmt.cut(", ".join(filter(None, parts)), self.size.width)

    def on_resize(self) -> None:
        self.redraw()

    def render_line(self, y: int) -> Strip:
        width, base = self.content_size.width, self.rich_style
        bar = Segment("┃" if y == self._thumb() else "│", self._style("file--bar"))
        if y < len(self._page):
            segments = list(self._line(self._page[y], width - 1))
        else:
            said = self._why_empty() if y == 0 and not self._page else ""
            segments = [Segment(set_cell_size(f" {said}", width - 1), self._style("file--quiet"))]
        return Strip([*segments, bar], width).apply_style(base)

    def _why_empty(self) -> str:
        if self.file is None or self.file.seen.problem:
            return self.file.seen.problem if self.file else ""
        return "no line has this text" if self.file.only and self.file.needle else "nothing was written yet"

    def _line(self, start: int, width: int) -> Iterator[Segment]:
        """A line in `width` cells: where the person is, its text with the marks, whether it goes on."""
        file = self.file
        assert file is not None
        if start not in self._texts:
            self._texts[start] = file.text(start, self._left, width)
        whole, more = self._texts[start]
        text = fmt.cut(whole + "…" if more else whole, width - 1)
        here = start == file.current
        yield Segment("›" if here else "…" if self._left else " ", self._style("file--here" if here else "file--quiet"))
        plain = self._style("file--bad") if self._bad.search(whole) else None
        yield from self._marked(text, plain)
        yield Segment(" " * (width - 1 - cell_len(text)), None)

    def _marked(self, text: str, plain: Style | None) -> Iterator[Segment]:
        file = self.file
        needle = file.needle if file else None
        done = 0
        for place in needle.places(text) if needle else []:
            end = place + len(needle.text) if needle else place
            yield Segment(text[done:place], plain)
            yield Segment(text[place:end], self._style("file--mark"))
            done = end
        yield Segment(text[done:], plain)

    def _thumb(self) -> int:
        """The row of the bar that says how far down the file one is."""
        return round(self.file.window.share * (self.content_size.height - 1)) if self.file else 0

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(name, partial=True)
