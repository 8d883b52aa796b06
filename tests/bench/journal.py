"""What checking, opening and backing up a journal of 100,000 events cost: `python -m tests.bench.journal [EVENTS]`.

Measured, never asserted. The loop's gaps are those of an asyncio loop in whose thread nothing else runs: what a backup
in another thread takes from the engine's clients.
"""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from engine import backups, intact
from engine.journal import Journal, examine
from tests.bench import history

REPEATS = 5


def main(events: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.db"
        size = history.write(path, events)
        print(f"{events:,} events, {size / 2**20:.1f} MiB; medians of {REPEATS}, the file in the page cache")
        measures: dict[str, Callable[[], object]] = {
            "PRAGMA quick_check, new connection": lambda: _pragma(path, "quick_check"),
            "PRAGMA integrity_check, new connection": lambda: _pragma(path, "integrity_check"),
            "examine (what opening for writing checks)": lambda: examine(path),
            "open for writing": lambda: Journal.open(path).close(),
            "open for reading": lambda: Journal.open_read_only(path).close(),
            "make a backup, verified": lambda: backups.make(path),
            "verify a backup": lambda: intact.verify(backups.all_of(path)[0].path),
        }
        for name, measure in measures.items():
            print(f"{name:45} {statistics.median(_seconds(measure) for _ in range(REPEATS)):.3f} s")
        gaps = sorted(asyncio.run(_gaps(path)))
        print(f"{'event loop beside a backup, longest gap':45} {gaps[-1] * 1000:.1f} ms")
        print(f"{'event loop beside a backup, 99th percentile':45} {gaps[len(gaps) * 99 // 100] * 1000:.1f} ms")


def _pragma(path: Path, name: str) -> None:
    with closing(sqlite3.connect(path)) as db:
        assert db.execute(f"PRAGMA {name}").fetchone() == ("ok",)


def _seconds(measure: Callable[[], object]) -> float:
    begun = time.perf_counter()
    measure()
    return time.perf_counter() - begun


async def _gaps(path: Path) -> list[float]:
    """Seconds between two turns of a loop that wants one every millisecond, while a backup is made in a thread."""
    backup = asyncio.create_task(asyncio.to_thread(backups.make, path))
    found, last = [], time.perf_counter()
    while not backup.done():
        await asyncio.sleep(0.001)
        now = time.perf_counter()
        found.append(now - last)
        last = now
    return found


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
