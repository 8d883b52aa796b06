"""How many lines a file has before each of its blocks: a line's number, and the number of all, in bounded memory.

Eight bytes per 64 KiB of the file (128 KiB for 1 GiB). Built in slices, in whatever thread; a view needs none of it to
scroll (`trex_tui.model.file_lines`).
"""

from __future__ import annotations

from array import array

from trex_tui.model.file_lines import FileLines


class LineIndex:
    """Counts of line starts, for blocks and stretches of `lines`, which must not change its mind about their size."""

    def __init__(self, lines: FileLines) -> None:
        self._lines = lines
        self._starts = array("Q", [0])  # [k]: line starts above 0, up to and with k * block
        self._ends_line = True  # whether a newline stands before the stretch that is being counted

    @property
    def bytes_done(self) -> int:
        return (len(self._starts) - 1) * self._lines.block

    @property
    def complete(self) -> bool:
        """Whether all whole blocks are counted."""
        return self.bytes_done + self._lines.block > self._lines.size

    def advance(self, budget: int) -> bool:
        """Count about `budget` bytes more; whether that was the last of them."""
        goal = self.bytes_done + budget
        while not self.complete and self.bytes_done < goal:
            data = self._lines.source.read(self.bytes_done, self._lines.block)
            if len(data) < self._lines.block:
                return False  # cut off meanwhile; a look at the file will say so
            self._starts.append(self._starts[-1] + data.count(b"\n"))
            if self.bytes_done % self._lines.stretch == 0:
                self._close_stretch(data[-1:] == b"\n")
        return self.complete

    def number(self, start: int, lines: FileLines) -> int:
        """The number of the line at `start`, from 1 on. `lines`: of the thread that asks."""
        block = min(start // lines.block, len(self._starts) - 1)
        return self._starts[block] + lines.read(block * lines.block, start - block * lines.block).count(b"\n") + 1

    def total(self, lines: FileLines) -> int:
        """How many lines there are, one that is not ended yet included. Only where `complete`."""
        if not lines.size:
            return 0
        return self.number(lines.start_of(lines.size - 1), lines)

    def _close_stretch(self, ends_line: bool) -> None:
        """A whole stretch without a newline begins a line, unless one began there anyway."""
        first = len(self._starts) - 1 - self._lines.stretch // self._lines.block
        bare = self._starts[first] == self._starts[-1]
        if bare and not self._ends_line:
            for block in range(first, len(self._starts)):
                self._starts[block] += 1
        self._ends_line = ends_line
