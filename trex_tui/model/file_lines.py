"""Lines of a file of any size, by window: from any place forwards and backwards, without reading the rest.

A line is named by the offset of its first byte. A newline ends it; and so that no line is endless, a stretch (4 MiB,
aligned) without any newline begins a line of its own: what is read for one line is at most two stretches.
Pure but for the reading; nothing here knows how a line is shown.
"""

from __future__ import annotations

from typing import NamedTuple

from trex_tui.model.file_bytes import Bytes

BLOCK = 64 * 1024  # bytes per reading
STRETCH = 4 * 1024 * 1024
CACHED = 16  # blocks


class Line(NamedTuple):
    """The bytes from `start` to `end`, its newline left out; `following`: where the next line would start."""

    start: int
    end: int
    following: int


class FileLines:
    """The first `size` bytes of a source as lines. For one thread; another one makes its own."""

    def __init__(self, source: Bytes, size: int = 0, *, block: int = BLOCK, stretch: int = STRETCH) -> None:
        self.source, self.size = source, size
        self.block, self.stretch = block, stretch
        self._cache: dict[int, bytes] = {}

    def forget(self) -> None:
        """The file has become another one."""
        self.size = 0
        self._cache.clear()

    def line(self, start: int) -> Line:
        """The line that starts there."""
        following = self.following(start)
        ended = following > start and self.read(following - 1, 1) == b"\n"
        return Line(start, following - 1 if ended else following, following)

    def read(self, at: int, count: int) -> bytes:
        """Bytes within `size`."""
        end = min(at + count, self.size)
        parts = []
        while at < end:
            number, within = divmod(at, self.block)
            part = self._block(number)[within : within + end - at]
            if not part:
                break  # the file was cut off under us
            parts.append(part)
            at += len(part)
        return b"".join(parts)

    def following(self, start: int) -> int:
        """Where the line after the one at `start` starts; `size` where there is none."""
        border = (start // self.stretch + 1) * self.stretch
        for low, high in ((start, border), (border, border + self.stretch)):
            if (found := self._find(low, high)) >= 0:
                return found + 1
        return border if border + self.stretch <= self.size else self.size

    def start_of(self, at: int) -> int:
        """Where the line that holds the byte at `at` (below `size`) starts."""
        border = at // self.stretch * self.stretch
        if (found := self._find_last(border, at)) >= 0:
            return found + 1
        if border == 0 or self._bare(border):
            return border
        found = self._find_last(border - self.stretch, border)
        return found + 1 if found >= 0 else border - self.stretch

    def after(self, start: int, count: int) -> list[int]:
        """The starts of at most `count` lines from the one at `start` on."""
        starts: list[int] = []
        while start < self.size and len(starts) < count:
            starts.append(start)
            start = self.following(start)
        return starts

    def before(self, start: int, count: int) -> list[int]:
        """The starts of at most `count` lines above the one at `start`, in the order of the file."""
        starts: list[int] = []
        start = min(start, self.size)
        while start > 0 and len(starts) < count:
            start = self.start_of(start - 1)
            starts.append(start)
        return starts[::-1]

    def _bare(self, border: int) -> bool:
        """Whether a whole stretch without a newline begins there."""
        return border + self.stretch <= self.size and self._find(border, border + self.stretch) < 0

    def _find(self, low: int, high: int) -> int:
        """The first newline from `low` on below `high`; -1 = none."""
        high = min(high, self.size)
        while low < high:
            number, within = divmod(low, self.block)
            base = number * self.block
            if (found := self._block(number).find(b"\n", within, high - base)) >= 0:
                return base + found
            low = base + self.block
        return -1

    def _find_last(self, low: int, high: int) -> int:
        """The last newline from `low` on below `high`; -1 = none."""
        high = min(high, self.size)
        while low < high:
            number = (high - 1) // self.block
            base = number * self.block
            if (found := self._block(number).rfind(b"\n", max(0, low - base), high - base)) >= 0:
                return base + found
            high = base
        return -1

    def _block(self, number: int) -> bytes:
        wanted = min(self.block, self.size - number * self.block)
        found = self._cache.get(number, b"")
        if len(found) < wanted:
            found = self.source.read(number * self.block, self.block)
            while len(self._cache) >= CACHED:
                del self._cache[next(iter(self._cache))]
            self._cache[number] = found
        return found
