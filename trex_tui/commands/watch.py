"""A run as progress lines, until it has ended or the engine waits for somebody to mend something.

A pause by a person is said once, with the way on, and remembered now and then: it is no end.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator

from engine.control import protocol as p
from engine.control.client import Connection
from engine.errors import MachineFailure
from engine.search.events import FlagSet, Record
from engine.search.fold import apply
from engine.search.tree import ROOT, Tree
from engine.workspace import Workspace
from trex_tui.commands.past import closing_lines
from trex_tui.model.format import clean, duration
from trex_tui.model.sentences import sentence
from trex_tui.model.state import author, held, who_set

HEARTBEAT = 15.0  # seconds without an event before the current activity is printed
RARELY = 600.0  # seconds between reminders that a person's pause still holds


def watch(workspace: Workspace, run: str) -> int:
    """Progress lines until the run has ended or the engine has paused it. Ctrl-C ends the watching, not the search."""
    try:
        tree = asyncio.run(_watch(workspace, run))
    except KeyboardInterrupt:
        print(f"the search goes on without you; come back with: trex attach {run}", file=sys.stderr)
        return 3
    if not tree.over:
        print(f"the search waits: {clean(tree.reason)}; when that is mended: trex resume {run}", file=sys.stderr)
        return 1
    for text in closing_lines(workspace, run):
        print(text)
    return 0 if tree.state != "failed" else 1


async def _watch(workspace: Workspace, run: str) -> Tree:
    connection = await Connection.open(workspace.socket)
    told = Telling(run, connection.welcome.last_seq)
    try:
        await connection.send(p.Subscribe(since=0))
        async for message in connection:
            match message:
                case p.Records():
                    lines = [line for record in message.records for line in told.record(record)]
                case p.Pulse():
                    lines = list(told.pulse(message, time.monotonic()))
                case _:
                    continue
            for line in lines:
                print(line, flush=True)
            if told.ended:
                return told.tree
    finally:
        await connection.close()
    raise MachineFailure(
        "the engine went away", hint=f"go on with `trex attach {run} --headless`; nothing done is lost"
    )


class Telling:
    """Which lines a run's events and the engine's pulses are worth. `present`: the last event of the past."""

    def __init__(self, run: str, present: int) -> None:
        self._run, self._present = run, present
        self.tree = Tree()
        self.ended = False
        self._seq = 0  # of the last record of whatever run
        self._said = ""
        self._looked_back = False  # whether it was said what was held when we came
        self._told: set[str] = set()  # what was held while we looked on
        self._quiet = 0.0  # on the monotonic clock, when something was last said

    def record(self, record: Record) -> Iterator[str]:
        """The lines of one event."""
        self._seq = record.seq
        if record.run != self._run:
            return
        self.tree = apply(self.tree, record)
        self._quiet = 0.0
        yield self._line(record.time, sentence(record.event))
        match record.event:
            case FlagSet(flag="paused", on=True, node=node, trial=trial) if record.seq > self._present and node != ROOT:
                self._told.add(trial or node)
                yield self._line(record.time, f"... {self._way_on(trial or node)}")
        self.ended = self.tree.over

    def pulse(self, pulse: p.Pulse, clock: float) -> Iterator[str]:
        """What goes on, where no event has told it for a while; what somebody has paused, at once."""
        if not self._now_live or self.tree.created is None:
            return
        self._quiet = self._quiet or clock
        if not self._looked_back:
            self._looked_back = True
            for name in held(self.tree):
                if name not in self._told:
                    yield self._line(pulse.time, f"... {self._way_on(name)}")
        at_work = pulse.run == self._run
        self.ended = self.tree.state == "paused" and not at_work
        if said := self._waiting(pulse):
            due = said != self._said or clock - self._quiet > RARELY
        else:
            said = self._activity(pulse) if at_work else ""
            due = bool(said) and said != self._said and clock - self._quiet > HEARTBEAT
        if due and not self.ended:
            self._said, self._quiet = said, clock
            yield self._line(pulse.time, f"... {said}")
        elif not said:
            self._said = ""

    @property
    def _now_live(self) -> bool:
        return self._seq >= self._present

    def _waiting(self, pulse: p.Pulse) -> str:
        """Why nothing goes on, and how to change that; "" where something does."""
        if "paused" in self.tree.nodes[ROOT].flags:
            who = author(who_set(self.tree, "paused", ROOT))
            return f"paused by {who}; go on with: trex resume {self._run}"
        if pulse.run == self._run:
            return ""
        if pulse.run:
            return f"waits: the engine works on {pulse.run}"
        if not (names := held(self.tree)):
            return ""
        return f"nothing goes on: {', '.join(names)} paused; go on with: trex resume {self._run} {names[0]}"

    def _way_on(self, name: str) -> str:
        return f"{name} is held until `trex resume {self._run} {name}`"

    def _activity(self, pulse: p.Pulse) -> str:
        left = f", about {duration(pulse.eta - pulse.time)} left" if pulse.eta else ""
        return f"{pulse.activity}{left}"

    def _line(self, moment: float, text: str) -> str:
        return f"{duration(moment - self.tree.started_at):>12}  {text}"
