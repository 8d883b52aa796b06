"""A file somebody reads on the screen: where they are, what is marked, what is still being counted. No widgets.

Reading a window is quick and done at once. What walks the whole file (counting lines, collecting matches) comes as
slices of `work`, to be done one after the other in a thread; between two of them the file may turn out to have changed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from trex_tui.model import format as fmt
from trex_tui.model.file_bytes import Bytes, Look
from trex_tui.model.file_index import LineIndex
from trex_tui.model.file_lines import FileLines
from trex_tui.model.file_search import LIMIT, Hunt, Matches, Needle
from trex_tui.model.file_window import Window
from trex_tui.model.log_text import visible

SLICE = 8 * 1024 * 1024  # bytes of background work at a time
CUT = 8 * 1024  # bytes; a longer line is shown by the window that is in sight
COPIED = 64 * 1024  # bytes of a line that are copied at most: terminals take no more
ANEW = "the file was begun anew; this is its new end"


class OpenFile:
    """One file, from its end. `take` what a look at it says, then do the `work` there is."""

    def __init__(self, source: Bytes) -> None:
        self.source = source
        self.needle: Needle | None = None
        self.only = False  # the matching lines alone
        self.current = -1  # the line that a search has come to
        self._begin(Look())

    def _begin(self, look: Look) -> None:
        self.seen = look
        self.lines, self._deep = FileLines(self.source, look.size), FileLines(self.source, look.size)
        self.window, height = Window(self.lines), getattr(self, "window", None)
        self.window.height = height.height if height else 1
        self.index = LineIndex(self._deep)
        self._left_at: int | None = None  # lines there were when following stopped
        self.find(self.needle.text if self.needle else "")

    def take(self, look: Look) -> str:
        """What has become of the file; a sentence where somebody should know."""
        if look.generation != self.seen.generation:
            self._begin(look)
            return ANEW
        self.seen = look
        self.lines.size = self._deep.size = look.size
        return ""

    def work(self) -> Callable[[], object] | None:
        """The next slice for a thread; None where everything is known."""
        if self.matches is not None and not self.matches.done:
            return partial(self.matches.advance, SLICE)
        return None if self.index.complete else partial(self.index.advance, SLICE)

    @property
    def done(self) -> tuple[int, int]:
        """How far the work has come, in bytes; the same as before where a slice found nothing to read."""
        return self.index.bytes_done, self.matches.bytes_done if self.matches else 0

    def find(self, text: str) -> None:
        """Mark the lines with this text; "" marks nothing."""
        self.needle = Needle(text) if text else None
        self.matches = Matches(self._deep, self.needle) if self.needle else None
        self.current = -1
        self._restart()

    def fold(self, only: bool) -> None:
        """Show the matching lines alone, or all lines around the same place."""
        self.only = only
        self._restart()

    def _restart(self) -> None:
        self.window.starts = self.matches if self.only and self.matches is not None else self.lines

    def hunts(self, forward: bool) -> list[Hunt]:
        """The search for the next match from where the person is, and where that finds nothing, a second one: from
        the other end where they go from match to match, else in the other direction."""
        if self.needle is None:
            return []
        deep, page = FileLines(self.source, self.lines.size), self.window.page()
        if self.current in page:
            start = self.lines.following(self.current) if forward else self.current
            ends = (start, 0 if forward else self.lines.size)
            return [Hunt(deep, self.needle, at, forward, self.matches) for at in ends]
        top = page[0] if page else 0
        return [Hunt(deep, self.needle, top, way, self.matches) for way in (forward, not forward)]

    def arrive(self, start: int) -> None:
        """A search has come to this line."""
        self.current = start
        self.window.show(start)

    def sideways(self, start: int, left: int, width: int) -> int:
        """How far to the right a line must be scrolled so that its first match is in sight."""
        line = self.lines.line(start)
        places = self.needle.places(visible(self.lines.read(start, line.end - start))) if self.needle else []
        if not places or left <= places[0] <= left + width - len(self.needle.text if self.needle else ""):
            return left
        return 0 if places[0] < width // 2 else places[0] - width // 2

    def stopped(self) -> None:
        """Following has stopped: what comes from here on is new."""
        self._left_at = self.index.total(self.lines) if self.index.complete else None

    @property
    def unread(self) -> int:
        """Lines that came since following stopped; 0 where that is not known."""
        if self.window.following or self._left_at is None or not self.index.complete:
            return 0
        return self.index.total(self.lines) - self._left_at

    def text(self, start: int, left: int, width: int) -> tuple[str, bool]:
        """The line at `start` as far as it is in sight, and whether it goes on to the right."""
        raw = self.lines.read(start, CUT + 1)
        end = raw.find(b"\n")
        if end >= 0 or len(raw) <= CUT:
            shown = visible(raw[:end] if end >= 0 else raw)[left:]
            return shown, False
        line = self.lines.line(start)
        at = min(start + left, line.end)
        part = self.lines.read(at, min(4 * width, line.end - at))
        torn = (
            next((skip for skip in range(4) if part[skip : skip + 1] and part[skip] & 0xC0 != 0x80), 0) if left else 0
        )
        return visible(part[torn:]), at + len(part) < line.end

    def copied(self, page: bool) -> list[str]:
        """The lines in sight, or the one that a search has come to (else the last), whole."""
        shown = self.window.page()
        chosen = shown if page else [self.current] if self.current in shown else shown[-1:]
        spans = map(self.lines.line, chosen)
        return [visible(self.lines.read(line.start, min(line.end - line.start, COPIED))) for line in spans]

    def widest(self) -> int:
        """Bytes of the longest line in sight: as far as one can scroll to the right."""
        return max((line.end - line.start for line in map(self.lines.line, self.window.page())), default=0)

    def place(self) -> str:
        """Where the person is: `line 12-35 of 4,000`, or a percentage until the lines are counted."""
        page = self.window.page()
        if not page:
            return ""
        if not self.index.complete:
            return f"{self.window.share:.0%}, counting lines"
        first, last = (self.index.number(start, self.lines) for start in (page[0], page[-1]))
        return f"line {first:,}-{last:,} of {self.index.total(self.lines):,}"

    def found(self) -> str:
        """How many lines have the text, as far as that is known."""
        if self.matches is None:
            return ""
        count = fmt.plural(len(self.matches), "match").replace("matchs", "matches")
        if self.matches.cut:
            return f"the newest {LIMIT:,} matches"
        return count if self.matches.done else f"{count} so far, {self.matches.share:.0%} searched"
