"""The interface seen from outside, under a real pseudo-terminal, beside a plain Textual `Tree` and `RichLog`.

    python -m tests.bench.tui [--out docs/benchmarks/tui.md] [--nodes 10000] [--rate 10000] [--keys 200] [--log 1000]

Seconds from writing a key to the arrival of the bytes that show its effect. A fake engine speaks the real protocol over
the real socket; attaching is measured against a real engine too. Nothing here is part of `make test`.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from engine import hardware
from engine.workspace import Workspace
from tests.bench import attach, tui_log
from tests.bench.steering import load
from tests.bench.tui_engine import history_length
from tests.bench.tui_pty import SIZE, Grid, Terminal
from tests.bench.tui_served import INTERFACE, STOCK, Served, served
from tests.bench.tui_table import Figure, processor, table

GIVEN_UP = 5.0  # seconds after which a key counts as having taken so long
SETTLED = 1.5  # seconds of quiet before memory is read or keys are pressed
STOCK_PATIENCE = 150.0  # seconds for the plain one to take in the history
STOCK_KEYS = 10


def starts(times: int) -> list[Figure]:
    """From the start of the process to its first paint, and to the search on the screen."""
    ours: list[float] = []
    shown: list[float] = []
    plain: list[float] = []
    with served(20, 0) as engine:
        for _ in range(times):
            with Terminal([*INTERFACE, str(engine.workspace.home)]) as terminal:
                ours.append(terminal.sees("TREX"))
                shown.append(ours[-1] + terminal.sees("n20"))
            with Terminal([*STOCK, "--socket", str(engine.workspace.socket)]) as terminal:
                plain.append(terminal.sees("n0"))
    return [
        Figure("start to first paint", "s", ours[1:], plain[1:], "0.35"),  # the first one fills the disk's cache
        Figure("start to a search of 20 nodes on the screen", "s", shown[1:], []),
    ]


def loaded(nodes: int, rate: int, keys: int) -> list[Figure]:
    """A long history taken in; memory with it; keys while events pour in."""
    count = history_length(nodes)
    with served(nodes, rate) as engine:
        with Terminal([*INTERFACE, str(engine.workspace.home)]) as terminal:
            ours = terminal.sees(f"n{nodes}")
            terminal.quiet(SETTLED)
            memory = terminal.memory
            calm = _keys(terminal, keys, _our_cursor)
            terminal.quiet(SETTLED)
            waits, busy, taken = _flooded(engine, terminal, keys, _our_cursor)
        with Terminal([*STOCK, "--socket", str(engine.workspace.socket)]) as terminal:
            plain = terminal.until(lambda grid: f"seq {count} " in grid.text, STOCK_PATIENCE) or STOCK_PATIENCE
            terminal.quiet(SETTLED)
            plain_memory = terminal.memory
            plain_calm = _keys(terminal, STOCK_KEYS, _plain_cursor)
            plain_waits, plain_busy, plain_taken = _flooded(engine, terminal, STOCK_KEYS, _plain_cursor)
    tree = f"{nodes:,} nodes ({count:,} events)"
    return [
        Figure(f"start to {tree} on the screen", "s", [ours], [plain]),
        Figure(f"memory with {tree}", "MB", [memory], [plain_memory], "120"),
        Figure(f"key to paint, {tree}, nothing else going on", "ms", calm, plain_calm),
        Figure(f"key to paint, {tree}, {rate:,} events/s", "ms", waits, plain_waits, "12, p99 40"),
        Figure(f"events a second taken, of {rate:,}", "1/s", [taken], [plain_taken]),
        Figure("of a core while they come", "%", [busy], [plain_busy]),
    ]


def _our_cursor(grid: Grid) -> int:
    return grid.row_of("›", column=0)


def _plain_cursor(grid: Grid) -> int:
    return grid.row_of("›")


def _flooded(
    engine: Served, terminal: Terminal, keys: int, cursor: Callable[[Grid], int]
) -> tuple[list[float], float, float]:
    """Milliseconds to paint, percent of a core, events a second, while the engine floods."""
    engine.say("go")
    terminal.quiet(1.0)
    before, began = terminal.busy, terminal.clock
    waits = _keys(terminal, keys, cursor)
    busy = 100 * (terminal.busy - before) / (terminal.clock - began)
    return waits, busy, engine.halt()


def _keys(terminal: Terminal, count: int, cursor: Callable[[Grid], int]) -> list[float]:
    """Milliseconds from a key (up, down, up, ...) to the bytes that put the cursor's mark in another line."""
    terminal.press("jj")
    terminal.quiet(0.3)
    waits = []
    for number in range(count):
        line = cursor(terminal.grid)
        took = terminal.press_until("kj"[number % 2], lambda grid, line=line: cursor(grid) not in (-1, line), GIVEN_UP)
        waits.append(1e3 * (GIVEN_UP if took is None else took))
        terminal.quiet(0.04 + 0.003 * (number % 20))  # at no fixed distance from the screen's own rhythm
    return waits


def attached(events: int, times: int) -> list[Figure]:
    """Attaching to a real engine with a long history; beside it, reading and folding the journal in one process."""
    with tempfile.TemporaryDirectory(prefix="trex-bench-") as folder:
        ours, plain = attach.measure(Workspace(Path(folder).resolve()).create(), events, times)
    return [
        Figure(f"attach to {events:,} events, without a screen", "s", [one.all for one in ours], plain, "1"),
        Figure("longest time without a turn for a key meanwhile", "s", [one.longest_wait for one in ours], []),
    ]


NOTES = """
*Plain* is `tests/bench/tui_stock.py`: Textual's own `Tree` and `RichLog`, fed by the same engine over the same
protocol, updated event by event; for attaching, one process that reads and folds the journal. A key counts until the
bytes have come that show the cursor in another line, not until the first bytes: while events pour in the screen is
painted ten times a second anyway. A key that shows nothing for 5 s counts as 5 s, a history that is not there after
150 s as 150 s. Memory is the resident set.
The history has the proportions of real searches, prompts included (`tests/bench/history.py`).
"""


def report(options: argparse.Namespace) -> list[str]:
    before = load()
    figures = [
        *starts(options.starts + 1),
        *attached(options.events, options.repeat),
        *loaded(options.nodes, options.rate, options.keys),
        *tui_log.measured(options.log, options.keys // 4),
    ]
    versions = ", ".join(f"{name} {version}" for name, version in hardware.versions().items())
    return [
        "# The interface from outside",
        "",
        f"A pseudo-terminal of {SIZE[0]}x{SIZE[1]}, as `python -m tests.bench.tui` measures it.",
        "",
        *table(figures),
        NOTES,
        f"{processor()}; at the start {before}, at the end {load()}.",
        "",
        f"Versions: {versions}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=10_000)
    parser.add_argument("--rate", type=int, default=10_000, help="events a second")
    parser.add_argument("--keys", type=int, default=200)
    parser.add_argument("--starts", type=int, default=10)
    parser.add_argument("--events", type=int, default=100_000, help="of the history that is attached to")
    parser.add_argument("--repeat", type=int, default=5, help="of attaching")
    parser.add_argument("--log", type=int, default=1000, help="MB of the log file; 0 = none")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="trexb") as sockets:  # short: a socket's path has 108 bytes at most
        os.environ["XDG_RUNTIME_DIR"] = sockets
        lines = report(options)
    print("\n".join(lines))
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
