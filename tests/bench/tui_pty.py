"""A program under a real pseudo-terminal, seen from outside: its screen as text, and how long a key takes to show.

Not a terminal emulator for people: it understands what Textual writes (cursor moves, erasing, text), and no colours.
"""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Sequence

from rich.cells import get_character_cell_size

SIZE = (120, 40)
PATIENCE = 60.0  # seconds
TOKEN = re.compile(r"\x1b\[([0-9;?<>=$]*)([@-~])|\x1b\][^\x07]*\x07|\x1b[^\[\]]|[^\x1b\r\n]+|\r|\n")
UNFINISHED = re.compile(r"\x1b(\[[0-9;?<>=$]*|\][^\x07]*)?$")


class Grid:
    """What stands on the screen. `write` takes what a program printed."""

    def __init__(self, columns: int, rows: int) -> None:
        self._columns, self._rows = columns, rows
        self._rest, self._x, self._y = "", 0, 0
        self._clear()

    def _clear(self) -> None:
        self.cells = [[" "] * self._columns for _ in range(self._rows)]

    def write(self, text: str) -> None:
        text = self._rest + text
        cut = UNFINISHED.search(text)
        self._rest = text[cut.start() :] if cut else ""
        for token in TOKEN.finditer(text, 0, cut.start() if cut else len(text)):
            if token[2]:
                self._control(token[1], token[2])
            elif token[0] == "\r":
                self._x = 0
            elif token[0] == "\n":
                self._y = min(self._y + 1, self._rows - 1)
            elif token[0][0] != "\x1b":
                self._print(token[0])

    def _control(self, parameters: str, final: str) -> None:
        if final == "H":
            row, _, column = parameters.partition(";")
            self._y, self._x = min(int(row or 1), self._rows) - 1, min(int(column or 1), self._columns) - 1
        elif (final, parameters) in (("J", "2"), ("h", "?1049")):
            self._clear()

    def _print(self, text: str) -> None:
        row = self.cells[self._y]
        for character in text:
            wide = get_character_cell_size(character)
            if wide and self._x + wide <= self._columns:
                row[self._x : self._x + wide] = [character] + [""] * (wide - 1)
                self._x += wide

    @property
    def text(self) -> str:
        return "\n".join("".join(row) for row in self.cells)

    def row_of(self, mark: str, column: int | None = None) -> int:
        """The first line that shows a character, in `column` where one is given; -1 where none does."""
        rows = (row if column is None else row[column : column + 1] for row in self.cells)
        return next((number for number, row in enumerate(rows) if mark in row), -1)


class Terminal:
    """A program and the terminal in which it runs. Leave it with `close`, or use it as a context manager."""

    def __init__(self, command: Sequence[str], size: tuple[int, int] = SIZE, **environment: str) -> None:
        self.grid = Grid(*size)
        self.written = 0  # bytes
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.began = time.perf_counter()
        self.process, self._door = pty.fork()
        if self.process == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
            settings = {"TERM": "xterm-256color", "COLORTERM": "truecolor", **environment}
            os.execvpe(command[0], list(command), {**os.environ, **settings})

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, seconds: float) -> float:
        """Take what the program writes next, waiting so long at most; when it came (perf_counter), 0.0 = never."""
        ready, _, _ = select.select([self._door], [], [], max(0.0, seconds))
        if not ready:
            return 0.0
        try:
            said = os.read(self._door, 1 << 16)
        except OSError:
            raise SystemExit(f"the program ended too early; it had shown:\n{self.grid.text}") from None
        came = time.perf_counter()
        self.written += len(said)
        self.grid.write(self._decoder.decode(said))
        return came

    def until(self, fact: Callable[[Grid], object], seconds: float = PATIENCE) -> float | None:
        """Seconds from now until the screen shows it, to the arrival of the bytes that did; None = never."""
        asked = time.perf_counter()
        while (left := asked + seconds - time.perf_counter()) > 0:
            came = self.read(min(left, 0.5))
            if came and fact(self.grid):
                return came - asked
        return None

    def sees(self, text: str, seconds: float = PATIENCE) -> float:
        """Seconds from now until a text is on the screen; ends the measurement where it never is."""
        took = 0.0 if text in self.grid.text else self.until(lambda grid: text in grid.text, seconds)
        if took is None:
            raise SystemExit(f"{text!r} never appeared in {seconds:.0f} s; the screen:\n{self.grid.text}")
        return took

    def press(self, keys: str) -> None:
        os.write(self._door, keys.encode())

    def press_until(self, keys: str, fact: Callable[[Grid], object], seconds: float = PATIENCE) -> float | None:
        """Seconds from writing the keys to the bytes that show their effect; None = never."""
        self.quiet(0.0)
        self.press(keys)
        return self.until(fact, seconds)

    def quiet(self, seconds: float) -> None:
        """Take what comes for so long."""
        end = time.perf_counter() + seconds
        while self.read(max(0.0, end - time.perf_counter())) or time.perf_counter() < end:
            pass

    @property
    def clock(self) -> float:
        return time.perf_counter()

    @property
    def memory(self) -> float:
        """MB (10^6 bytes) resident."""
        with open(f"/proc/{self.process}/status") as status:  # noqa: PTH123 - a file of the kernel
            line = next(line for line in status if line.startswith("VmRSS"))
        return int(line.split()[1]) * 1024 / 1e6

    @property
    def busy(self) -> float:
        """Seconds of processor time so far."""
        with open(f"/proc/{self.process}/stat") as stat:  # noqa: PTH123
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        os.close(self._door)
