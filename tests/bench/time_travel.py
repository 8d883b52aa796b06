"""What a step in time costs the interface, with long histories: the fold alone, and the step with all it draws.

    python -m tests.bench.time_travel --events 2000 100000

The application is the real one at 120x40, without a terminal: its records come from a list, its archive is a journal.
A step is the time in which no key is heard: going there, and giving every widget what has changed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from engine.control import protocol as p
from engine.journal import Journal
from engine.search import events as ev
from engine.workspace import Workspace
from tests.bench import history as long_history
from trex_tui.app import TrexApp
from trex_tui.client.source import Sink
from trex_tui.model.history import History
from trex_tui.model.store import Link

STEPS = 100
SIZE = (120, 40)


class Known:
    """A source whose records are all there."""

    def __init__(self, records: list[ev.Record]) -> None:
        self._records = records

    async def feed(self, sink: Sink) -> None:
        sink.records(self._records)
        sink.connection(Link("live"), time.time())
        await asyncio.Event().wait()

    async def command(self, command: p.Command) -> p.Reply:
        return p.Reply(id=command.id, ok=False)


def said(name: str, seconds: list[float]) -> None:
    ordered = sorted(seconds)
    middle, late = statistics.median(ordered), ordered[int(len(ordered) * 0.99)]
    print(f"  {name:34} p50 {middle * 1000:8.2f} ms   p99 {late * 1000:8.2f} ms   worst {ordered[-1] * 1000:8.2f} ms")


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def folds(records: list[ev.Record]) -> None:
    past, whole, rng = History(records), len(records), random.Random(0)
    print(f"  the first fold, in a thread        {timed(lambda: past.show(whole)):.2f} s")
    said("one event back", [timed(lambda at=at: past.show(whole - at)) for at in range(1, STEPS)])  # type: ignore[misc]
    said("to any moment", [timed(lambda: past.show(rng.randrange(whole))) for _ in range(STEPS)])


async def steps(home: Path, records: list[ev.Record]) -> None:
    app = TrexApp(Workspace(home), Known(records))
    run = records[0].run
    async with app.run_test(size=SIZE) as pilot:
        while not app.selection.run:
            await pilot.pause(0.05)
        began = time.perf_counter()
        await app.travel.step(run, -1)
        app.moved()
        print(f"  the first step back                {time.perf_counter() - began:.2f} s, most of it in a thread")
        for name, by, go in (
            ("a step back, drawn", -1, app.travel.step),
            ("a step on, drawn", 1, app.travel.step),
            ("a node back, drawn", -1, app.travel.step_node),
        ):
            took = []
            for _ in range(STEPS - (by > 0)):
                began = time.perf_counter()
                await go(run, by)
                app.moved()
                took.append(time.perf_counter() - began)
                await pilot.pause(0.001)
            said(name, took)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, nargs="+", default=[2_000, 100_000])
    for count in parser.parse_args().events:
        with tempfile.TemporaryDirectory() as folder:
            journal = Workspace(Path(folder)).journal
            long_history.write(journal, count)
            reader = Journal.open_read_only(journal)
            records = list(reader.records())
            reader.close()
            nodes = sum(isinstance(record.event, ev.NodeAdded) for record in records)
            print(f"{count:,} events, {nodes:,} nodes, load {os.getloadavg()[0]:.1f}")
            folds(records)
            asyncio.run(steps(Path(folder), records))


if __name__ == "__main__":
    main()
