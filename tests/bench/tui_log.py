"""A log of a gigabyte in the interface: opened, searched, followed; beside it a `RichLog` with a hundredth of it."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from engine.workspace import Workspace
from tests.bench import history
from tests.bench.tui_pty import Terminal
from tests.bench.tui_served import INTERFACE, STOCK, served
from tests.bench.tui_table import Figure

NODE = "n20"  # the newest node of the search that is on show
BLOCK = 1_000_000  # bytes
LINE = "step {0:>9}: loss 0.3127 grad_norm 0.712 learning_rate 0.0003 tokens_per_second 352.0 memory 1.65 GB\n"
NEEDLE, BEGINNING, END = "needlework", "the first line of all", "the last line of all"
SMALL = 10  # MB that the plain one is given
MARGIN = 2  # so many times the file must be free on the disk
TIMES = 20


def measured(megabytes: int, keys: int) -> list[Figure]:
    """Nothing where no log was asked for."""
    if not megabytes:
        return []
    with tempfile.TemporaryDirectory(prefix="trex-bench-") as folder:
        if shutil.disk_usage(folder).free < MARGIN * megabytes * BLOCK:
            raise SystemExit(f"{folder}: not room enough for a log of {megabytes} MB; `--log 0` leaves it out")
        file = Path(folder) / "log.txt"
        write(file, megabytes)
        with served(20, 0) as engine:
            put(engine.workspace, file)
            with Terminal([*INTERFACE, str(engine.workspace.home)]) as terminal:
                figures = _ours(terminal, file, f"{megabytes:,} MB", keys)
        write(file, SMALL)
        return [*figures, _plain(file)]


def write(file: Path, megabytes: int) -> None:
    """A log of so many MB: numbered lines, one of them with the needle, at six tenths of it."""
    with file.open("w") as out:
        out.write(f"{BEGINNING}\n")
        lines = BLOCK // len(LINE.format(0))
        for block in range(megabytes):
            numbers = range(block * 10, block * 10 + 10)
            out.write("".join(map(LINE.format, numbers)) + LINE.format(block) * (lines - 10))
            if block == megabytes * 6 // 10:
                out.write(f"here is the {NEEDLE}\n")
        out.write(f"{END}\n")


def put(workspace: Workspace, file: Path) -> None:
    """The file as the log of the trials that are on show."""
    for trial in (f"{NODE}t0", f"{NODE}t1"):
        folder = workspace.trial(history.RUN, trial)
        folder.mkdir(parents=True)
        os.link(file, folder / "log.txt")


def _ours(terminal: Terminal, file: Path, size: str, keys: int) -> list[Figure]:
    terminal.sees(NODE)
    terminal.quiet(1.0)
    before = terminal.memory
    opened = _until(terminal, "L", END)
    terminal.quiet(0.5)
    edges = []
    for number in range(keys):
        terminal.quiet(0.05)  # what an earlier key shows late is no answer to this one
        edges.append(1e3 * _until(terminal, *((("g", BEGINNING), ("G", END))[number % 2])))
    followed = [1e3 * _appended(terminal, file, f"line {number} that comes late") for number in range(TIMES)]
    terminal.press("g")
    terminal.sees(BEGINNING)
    terminal.press("/")
    terminal.quiet(0.3)
    found = _until(terminal, f"{NEEDLE}\r", f"here is the {NEEDLE}")
    return [
        Figure(f"a log of {size} opened: key to its end", "s", [opened], []),
        Figure("to its first line, to its last", "ms", edges, []),
        Figure("a new line written to seen", "ms", followed, []),
        Figure("a text at six tenths of it found", "s", [found], []),
        Figure("memory that all this added", "MB", [terminal.memory - before], []),
    ]


def _until(terminal: Terminal, keys: str, text: str) -> float:
    """Seconds from the keys to a text on the screen."""
    took = terminal.press_until(keys, lambda grid: text in grid.text)
    if took is None:
        raise SystemExit(f"{text!r} never came after {keys!r}; the screen:\n{terminal.grid.text}")
    return took


def _appended(terminal: Terminal, file: Path, text: str) -> float:
    with file.open("a") as out:
        out.write(f"{text}\n")
    return terminal.sees(text)


def _plain(file: Path) -> Figure:
    """From the start of the process until `RichLog` shows the end of the file."""
    with Terminal([*STOCK, "--log", str(file)]) as terminal:
        return Figure(f"a log of {SMALL} MB read by RichLog to its end", "s", [], [terminal.sees(END)])
