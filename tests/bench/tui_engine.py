"""An engine that floods: the real protocol over the real socket, a long history, then events at a steady rate.

    python -m tests.bench.tui_engine WORKSPACE [--nodes 10000] [--rate 10000]

Says `ready`, then reads lines: `go` floods whoever is attached, `halt` stops that and answers with the events and
seconds that it took (the socket's back-pressure slows it down where nobody keeps up).
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from engine.control import protocol as p
from engine.search import events as ev
from engine.workspace import Workspace
from tests import story
from tests.bench import history
from tests.tui.fake_engine import FakeEngine

BEAT = 0.01  # seconds between the flood's frames
NEW = 100  # every so many trials a node is born


def past(nodes: int) -> list[ev.Record]:
    """A search of so many nodes, in the proportions of real ones, one second an event, up to now."""
    made = list(itertools.islice(_rounds(), history_length(nodes)))
    start = time.time() - len(made)
    return [ev.Record(seq=i + 1, time=start + i, run=history.RUN, event=event) for i, event in enumerate(made)]


def _rounds() -> Iterator[ev.AnyEvent]:
    return history.events(sys.maxsize)


def history_length(nodes: int) -> int:
    """Events until the last of so many nodes (the root not counted) has been planned and judged."""
    born = 0
    for number, event in enumerate(_rounds()):
        born += isinstance(event, ev.NodeAdded)
        if born > nodes:
            return number
    raise AssertionError("the history is endless")


def flood(nodes: int) -> Iterator[ev.AnyEvent]:
    """Trials that start and end anew all over the tree, a word to each, and now and then a new node."""
    rng = random.Random(1)
    for number in itertools.count():
        node = f"n{rng.randrange(1, nodes)}"
        yield ev.Launched(trial=f"{node}t0", node=node)
        yield ev.Noted(text=f"step {number}: the loss of {node}t0 is {2 / (1 + number**0.3):.5f}", node=node)
        yield story.scored(f"{node}t0", round(rng.uniform(0.5, 0.9), 3))
        if number % NEW == 0:
            yield ev.NodeAdded(node=f"n{nodes + 1 + number // NEW}", parent=node)


class Flooding(FakeEngine):
    """`pour` sends `rate` events a second to whoever has subscribed, until it is cancelled."""

    poured, seconds = 0, 0.0

    async def pour(self, events: Iterator[ev.AnyEvent], rate: int) -> None:
        began, seq = time.perf_counter(), self.records[-1].seq
        self.poured = 0
        while True:
            self.seconds = time.perf_counter() - began
            due = int(self.seconds * rate) - self.poured
            now = time.time()
            new = [
                ev.Record(seq=seq + self.poured + i + 1, time=now, run=history.RUN, event=event)
                for i, event in enumerate(itertools.islice(events, min(due, 2000)))
            ]
            await self._send_all(p.Records.of(new))
            self.poured += len(new)
            await asyncio.sleep(BEAT)


async def serve(workspace: Workspace, nodes: int, rate: int) -> None:
    async with Flooding(workspace, past(nodes)) as engine:
        engine.pulse = p.Pulse(time=time.time(), run=history.RUN, activity="flooding", device="cpu")
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        print("ready", flush=True)
        pouring: asyncio.Task[None] | None = None
        while word := (await reader.readline()).strip():
            if word == b"go":
                pouring = asyncio.create_task(engine.pour(flood(nodes), rate))
            elif pouring is not None:
                pouring.cancel()
                await asyncio.gather(pouring, return_exceptions=True)
                print(json.dumps({"events": engine.poured, "seconds": engine.seconds}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--nodes", type=int, default=10_000)
    parser.add_argument("--rate", type=int, default=10_000, help="events a second")
    options = parser.parse_args()
    asyncio.run(serve(Workspace(options.workspace).create(), options.nodes, options.rate))


if __name__ == "__main__":
    main()
