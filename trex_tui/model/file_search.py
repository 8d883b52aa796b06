"""Finding a text in the lines of a file, in slices: the nearest line that has it, or all that have it, newest first.

Plain text, not a pattern: a pattern of somebody's own may take for ever on one line, and nothing could stop it.
Letters A-Z are found in both cases unless the text has a capital one.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left

from trex_tui.model.file_lines import FileLines

SLICE = 256 * 1024  # bytes searched in one go: some 0.3 ms in which nobody else gets a turn
LIMIT = 1_000_000  # lines that are remembered: 8 MB


class Needle:
    """The text that is looked for."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.any_case = text == text.lower()
        self.bytes = text.encode("utf-8", "surrogateescape")

    def places(self, text: str) -> list[int]:
        """Where it stands in a line as it is shown."""
        hay, found, at = text.lower() if self.any_case else text, [], 0
        if len(hay) != len(text):  # letters whose small form is longer; the line is right, the place would not be
            hay = text
        while self.text and (at := hay.find(self.text, at)) >= 0:
            found.append(at)
            at += len(self.text)
        return found

    def lines(self, lines: FileLines, low: int, high: int) -> list[int]:
        """The starts of the lines between two starts of lines (or the end) that have it, in order."""
        data = lines.source.read(low, high - low)
        hay = data.lower() if self.any_case else data
        found: list[int] = []
        at = hay.find(self.bytes)
        while at >= 0:
            begin = hay.rfind(b"\n", 0, at) + 1
            end = hay.find(b"\n", at)
            end = len(hay) if end < 0 else end
            if end - begin < lines.stretch:
                found.append(low + begin)
            else:
                found += self._pieces(lines, low + begin, low + end, hay[begin:end])
            at = hay.find(self.bytes, end)
        return found

    def _pieces(self, lines: FileLines, begin: int, end: int, hay: bytes) -> list[int]:
        """Of a line so long that it is shown as several, those that have it."""
        found, start = [], begin
        while start < end:
            following = min(lines.following(start), end)
            if hay.find(self.bytes, start - begin, following - begin) >= 0:
                found.append(start)
            start = following
        return found


class Hunt:
    """The nearest line that has the text, from a place on: after it, or before it. `found` -1: none, or not yet."""

    def __init__(
        self, lines: FileLines, needle: Needle, start: int, forward: bool, known: Matches | None = None
    ) -> None:
        """`known`: matches that were collected anyway; asked where they are complete."""
        self._lines, self._needle, self._forward, self._known = lines, needle, forward, known
        self._begin = self._at = min(start, lines.size)
        self.found = -1

    @property
    def done(self) -> bool:
        return self.found >= 0 or self._at == (self._lines.size if self._forward else 0)

    @property
    def share(self) -> float:
        """How much of the way is done."""
        whole = self._lines.size - self._begin if self._forward else self._begin
        return abs(self._at - self._begin) / whole if whole else 1.0

    def advance(self, budget: int) -> bool:
        """Search about `budget` bytes more; whether that was the end of it."""
        if self._known is not None and self._known.done and not self._known.cut:
            near = self._known.after(self._at, 1) if self._forward else self._known.before(self._at, 1)
            self.found = near[0] if near else -1
            self._at = self._lines.size if self._forward else 0
        while budget > 0 and not self.done:
            low, high = _window(self._lines, self._at, self._forward)
            if hits := self._needle.lines(self._lines, low, high):
                self.found = hits[0] if self._forward else hits[-1]
            self._at = high if self._forward else low
            budget -= high - low
        return self.done


class Matches:
    """All lines that have the text: collected from the end backwards, and at the end as the file grows.

    Where there are too many, the newest are kept (`cut`).
    """

    def __init__(self, lines: FileLines, needle: Needle) -> None:
        self._lines, self.needle = lines, needle
        self._older = array("Q")  # falling
        self._newer = array("Q")  # rising
        # A line that is not ended yet may still come to have it: it is left to what the file grows by.
        self._low = self._begin = self._high = self._seen = _ended(lines)
        self.cut = False

    def __len__(self) -> int:
        return len(self._older) + len(self._newer)

    @property
    def done(self) -> bool:
        return (self._low == 0 or self.cut) and self._seen >= self._lines.size

    @property
    def bytes_done(self) -> int:
        return self._seen - self._low

    @property
    def share(self) -> float:
        return 1.0 if self.done or not self._begin else 1 - self._low / self._begin

    def advance(self, budget: int) -> bool:
        """Search about `budget` bytes more, what is new first; whether all is searched."""
        budget -= self._forwards()
        while budget > 0 and self._low > 0 and not self.cut:
            low, high = _window(self._lines, self._low, False)
            self._older.extend(reversed(self.needle.lines(self._lines, low, high)))
            self._low = low
            self.cut = len(self) >= LIMIT
            budget -= high - low
        return self.done

    def after(self, start: int, count: int) -> list[int]:
        """The starts of at most `count` matching lines from `start` on."""
        older = bisect_left(self._older, -start + 1, key=lambda value: -value)  # how many are not before `start`
        taken = self._older[max(0, older - count) : older][::-1]
        newer = bisect_left(self._newer, start)
        return [*taken, *self._newer[newer : newer + count - len(taken)]]

    def before(self, start: int, count: int) -> list[int]:
        """The starts of at most `count` matching lines below `start`, in the order of the file."""
        newer = bisect_left(self._newer, start)
        taken = self._newer[max(0, newer - count) : newer]
        older = bisect_left(self._older, -start + 1, key=lambda value: -value)
        return [*self._older[older : older + count - len(taken)][::-1], *taken]

    def _forwards(self) -> int:
        """Look at what the file has grown by, the last line again where it was not ended; returns the bytes."""
        looked_at = 0
        while self._seen < self._lines.size and looked_at < 4 * SLICE:
            low, high = _window(self._lines, self._high, True)
            while self._newer and self._newer[-1] >= low:
                self._newer.pop()
            self._newer.extend(self.needle.lines(self._lines, low, high))
            looked_at += high - low
            self._seen, self._high = high, high if high < self._lines.size else _ended(self._lines)
        return looked_at


def _ended(lines: FileLines) -> int:
    """The end of the last line that has its newline."""
    if not lines.size or lines.read(lines.size - 1, 1) == b"\n":
        return lines.size
    return lines.start_of(lines.size - 1)


def _window(lines: FileLines, at: int, forward: bool) -> tuple[int, int]:
    """About a slice of whole lines from `at` (the start of one) on, or up to it."""
    if forward:
        last = at + SLICE
        if last >= lines.size:
            return at, lines.size
        return at, max(last, lines.following(lines.start_of(last)))  # a file cut off meanwhile must not hold us up
    return lines.start_of(at - SLICE) if at > SLICE else 0, at
