"""Which lines of a file are in sight: a place, moved by lines, that holds on to the end where it follows.

Of all lines, or of the matching ones alone: the place is the same, so that one can change between them. Pure.
"""

from __future__ import annotations

from typing import Protocol

from trex_tui.model.file_lines import FileLines


class Starts(Protocol):
    """Lines in the order of the file, by where they start: all of them, or those that match."""

    def after(self, start: int, count: int) -> list[int]: ...
    def before(self, start: int, count: int) -> list[int]: ...


class Window:
    """`height` lines from `top` on. Following: the last ones, whatever comes."""

    def __init__(self, lines: FileLines) -> None:
        self._lines = lines
        self.starts: Starts = lines
        self.height = 1
        self.top = 0
        self.following = True

    def page(self) -> list[int]:
        """The starts of the lines in sight. A page at the end is full where there are lines enough."""
        if self.following:
            last = self.starts.before(self._lines.size, self.height)
            self.top = last[0] if last else 0
            return last
        page = self.starts.after(self.top, self.height)
        if len(page) < self.height:
            page = self.starts.before(self._lines.size, self.height)
        return page

    def move(self, by: int) -> None:
        """Scroll by lines. Up stops following; down to the end begins it."""
        page = self.page()
        if not page:
            return
        if by < 0:
            above = self.starts.before(page[0], -by)
            self.top = above[0] if above else page[0]
            self.following = self.following and not above
            return
        last = self.starts.before(self._lines.size, self.height)
        self.top = min(self.starts.after(page[0], by + 1)[-1], last[0])
        self.following = self.top >= last[0]

    def edge(self, end: bool) -> None:
        """To the first line, or to the last one and on with it."""
        self.top, self.following = 0, end

    def show(self, start: int) -> None:
        """Bring a line into sight, a third from the top, unless it is in sight."""
        if start in self.page():
            self.following = False
            return
        above = self.starts.before(start, self.height // 3)
        self.top, self.following = (above[0] if above else start), False

    def go_to(self, share: float) -> None:
        """To a place of the file, from 0 (its begin) to 1."""
        at = int(max(0.0, min(1.0, share)) * max(0, self._lines.size - 1))
        self.top, self.following = self._lines.start_of(at) if self._lines.size else 0, False

    @property
    def share(self) -> float:
        """How far down the top stands, in bytes."""
        return 1.0 if self.following or not self._lines.size else self.top / self._lines.size
