"""Attaching to a long history: from `connect` to "the store holds everything", as the interface does it.

    python -m tests.bench.attach [--events 100000] [--repeat 5] [--workspace FOLDER]

A real engine serves; a fresh process with the interface's own link and store attaches, without a screen. Beside it the
plain way: one process that reads the journal and folds it. `longest wait` is the longest time in which the loop of
the interface did nothing else, which is what a key would have waited.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import msgspec

from engine.journal import Journal
from engine.search.fold import fold
from engine.workspace import Workspace
from tests.bench import history
from trex_tui.client.link import SocketLink
from trex_tui.model.store import Store

PATIENCE = 60.0


class Attached(NamedTuple):
    """Seconds."""

    all: float
    longest_wait: float


async def attach(engine: Path, last: int) -> Attached:
    """Attach until the store holds record `last`."""
    store, began = Store(), time.perf_counter()
    feed = asyncio.create_task(SocketLink(engine).feed(store))
    longest, turn = 0.0, began
    while store.last_seq < last:
        await asyncio.sleep(0)
        now = time.perf_counter()
        longest, turn = max(longest, now - turn), now
        if now - began > PATIENCE:
            raise SystemExit(f"only {store.last_seq:,} of {last:,} events came; {store.link.text}")
    seconds = time.perf_counter() - began
    feed.cancel()
    await asyncio.gather(feed, return_exceptions=True)
    return Attached(seconds, longest)


def plain(journal: Path) -> float:
    """Seconds to read and fold the journal in one process."""
    began = time.perf_counter()
    opened = Journal.open_read_only(journal)
    fold(opened.records())
    opened.close()
    return time.perf_counter() - began


def in_fresh_process(*arguments: str) -> bytes:
    return subprocess.run([sys.executable, "-m", __spec__.name, *arguments], check=True, capture_output=True).stdout


def start_engine(workspace: Workspace) -> subprocess.Popen[bytes]:
    """A real engine, listening."""
    engine = subprocess.Popen(
        [sys.executable, "-P", "-m", "engine", "--workspace", str(workspace.home)],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and engine.poll() is None:
        with socket.socket(socket.AF_UNIX) as door:
            if door.connect_ex(str(workspace.socket)) == 0:
                return engine
        time.sleep(0.02)
    raise SystemExit(f"the engine did not start; see {workspace.engine_log}")


def measure(workspace: Workspace, count: int, repeat: int) -> tuple[list[Attached], list[float]]:
    """`repeat` attachments to an engine with `count` events, and as many plain readings."""
    if not workspace.journal.exists():
        history.write(workspace.journal, count)
    engine = start_engine(workspace)
    try:
        interface = ("--attach", str(workspace.socket), "--events", str(count))
        attached = [Attached(*msgspec.json.decode(in_fresh_process(*interface))) for _ in range(repeat)]
    finally:
        engine.terminate()
        engine.wait()
    read = ("--plain", str(workspace.journal))
    return attached, [float(in_fresh_process(*read)) for _ in range(repeat)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--workspace", type=Path, help="keep the journal there, for another measurement")
    parser.add_argument("--attach", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--plain", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.attach:
        print(msgspec.json.encode(asyncio.run(attach(options.attach, options.events))).decode())
        return
    if options.plain:
        print(plain(options.plain))
        return
    with tempfile.TemporaryDirectory() as scratch:
        workspace = Workspace((options.workspace or Path(scratch)).resolve()).create()
        attached, read = measure(workspace, options.events, options.repeat)
    for name, figures in (
        ("attach", [a.all for a in attached]),
        ("longest wait", [a.longest_wait for a in attached]),
        ("plain", read),
    ):
        print(f"{name:13s} median {statistics.median(figures):.3f} s, worst {max(figures):.3f} s")


if __name__ == "__main__":
    main()
