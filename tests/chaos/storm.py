"""Deaths for a search: orders to failpoints and kills at random moments, drawn by a seed.

A search under a storm goes to its end; what it came to is for others to look at. Two rules keep a storm fair: a trial
that dies five times is given up by the engine, and two failures of the machine in a row pause the run, as they should;
so no trial dies more than three times, and no data process before the one that died before it is made good.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from engine.search import events as ev
from engine.search.tree import Tree
from tests.chaos.scene import Scene

DEATHS = 2  # of one trial, by the journal, which may not know of the last one yet
PATIENCE = 25.0  # seconds after which a single order that found nobody is taken back
FURTHER = 3  # events after which every step that a death makes begin again has come further
SHARE = 0.06  # seconds for each pass of an order at random
POLL = 0.05

# Every failpoint, who dies there, and how many passes an order may let go by.
POINTS: dict[str, tuple[str, int]] = {
    "engine.before_event": ("engine", 3),
    "engine.after_event": ("engine", 3),
    "engine.between_launch_and_start": ("engine", 0),
    "engine.after_start": ("engine", 0),
    "trial.begin": ("trial", 0),
    "trial.locked": ("trial", 0),
    "trial.loaded": ("trial", 0),
    "train.micro_batch": ("training", 120),
    "train.step": ("training", 60),
    "checkpoint.half": ("training", 2),
    "checkpoint.files": ("training", 2),
    "checkpoint.sealed": ("training", 2),
    "adapter.saved": ("training", 0),
    "adapter.renamed": ("training", 0),
    "trained.written": ("training", 0),
    "evaluate.batch": ("trial", 5),
    "result.before": ("trial", 0),
    "result.after": ("trial", 0),
    "exit.after": ("trial", 0),
    "file.before_rename": ("any", 4),
    "file.after_rename": ("any", 4),
    "data.begin": ("data process", 0),
    "data.operator": ("data process", 2),
    "data.before_report": ("data process", 0),
    "data.after_report": ("data process", 0),
    "worker.question": ("worker", 2),
    "worker.answer": ("worker", 2),
}
RESULTS = (ev.Finished, ev.Confirmed, ev.Tested)  # after one of these the engine forgets failures of the machine
EVERYBODY = "all at once"
AT_RANDOM = ("engine", "trial", "data process", "Researcher", "insight index", EVERYBODY)


class Hit(msgspec.Struct, frozen=True):
    """A death that happened. `seq`: the journal's end before it; `life`: where it was when this engine started."""

    point: str
    seq: int
    life: int


@dataclass(frozen=True)
class Order:
    """`point`: a failpoint, or one of AT_RANDOM. `passes`: how many to let go by; at random: how long to wait."""

    point: str
    passes: int = 0

    @property
    def name(self) -> str:
        """As hits are listed."""
        return self.point if self.point in POINTS else f"at random: {self.point}"

    @property
    def who(self) -> str:
        return POINTS[self.point][0] if self.point in POINTS else self.point

    @property
    def family(self) -> str:
        """Whom an order may strike: no two orders may for one process."""
        return {"engine": "engine", "trial": "trial", "training": "trial", "any": "any", EVERYBODY: "any"}.get(
            self.who, "helper"
        )


def deck(each: int, at_random: int, seed: int, hits: Mapping[str, int]) -> list[Order]:
    """Orders for every failpoint and every kind of process, shuffled; first those that were carried out least often."""
    draw = random.Random(seed)
    orders = [Order(p, draw.randint(0, most)) for p, (_, most) in POINTS.items() for _ in range(each)]
    orders += [Order(who, draw.randint(0, 100)) for who in AT_RANDOM for _ in range(at_random)]
    draw.shuffle(orders)
    return sorted(orders, key=lambda order: hits.get(order.name, 0))


class Storm:
    """One search, killed again and again. `sweep`: a failpoint and the passes after which every engine dies at it."""

    def __init__(
        self,
        scene: Scene,
        orders: deque[Order],
        told: Callable[[Hit], None],
        sweep: Order | None = None,
        fair: bool = True,
    ) -> None:
        """`orders` are given from the left, by the rules above if `fair`, else all at once. `told` hears of deaths."""
        self.scene, self.orders, self.told, self.sweep, self.fair = scene, orders, told, sweep, fair
        self.pending: dict[Order, float] = {}  # orders given, and when
        self.hurt = 0  # the journal's end when somebody died whom the engine counts as a failure of the machine
        self.life, self.lives = 0, 0
        self.reached: list[object] = []  # where a sweep's engines died
        self.swept = False  # the sweep's order lies there for the engine that lives now

    def run(self, seconds: float = 3600.0) -> None:
        """Until the search has ended. Raises AssertionError where it pauses by itself, or takes longer."""
        end = time.monotonic() + seconds
        self.begin()
        while not (tree := self.scene.tree()).over:
            assert time.monotonic() < end, f"the search hangs: {self.scene.processes()}"
            assert tree.state == "running", f"the search is {tree.state}: {tree.reason}"
            self.turn(tree)
            time.sleep(POLL)
        for order in list(self.pending):
            self.look_at(order)
        for order in list(self.pending):
            self.take_back(order)
        self._look_at_sweep()
        if self.sweep:
            (self.scene.orders / self.sweep.point).unlink(missing_ok=True)

    def begin(self) -> None:
        """An engine and the run. Of a sweep's engines the first dies before the run is written, the second after."""
        points = ("engine.before_event", "engine.after_event") if self.sweep and not self.scene.name else ()
        for point in points:
            (self.scene.orders / point).write_text("0 KILL")
            self.scene.ask_for_run()
            assert not (self.scene.orders / point).exists(), f"no engine came to {point}"
            self._hit(point)
        self.choose(self.scene.tree())
        for _ in range(3):  # an order may be for the engine that is given the command
            self.scene.ask_for_run()
        assert self.scene.name, "the run was asked for, and is not there"

    def turn(self, tree: Tree) -> None:
        """One look at the search: count who died, start an engine where there is none, give new orders."""
        self._look_at_sweep()
        if not self.scene.workspace.engine_process():
            self.life, self.lives = tree.last_seq, self.lives + 1
            if self.sweep:
                (self.scene.orders / self.sweep.point).write_text(f"{self._passes(self.sweep)} KILL")
                self.swept = True
            self.scene.start_engine()
        for order in list(self.pending):
            self.look_at(order)
        self.choose(tree)

    def choose(self, tree: Tree) -> None:
        """Give orders that somebody can die of now: one for each family of processes."""
        for _ in range(len(self.orders)):
            order = self.orders.popleft()
            if self.fair and not (self.suits(order.who, tree) and self.is_free(order.family)):
                self.orders.append(order)
                continue
            self.pending[order] = time.monotonic()
            if order.point in POINTS:
                (self.scene.orders / order.point).write_text(f"{order.passes} KILL")

    def is_free(self, family: str) -> bool:
        """Whether no pending order could strike the same process; one that may strike any goes alone."""
        busy = {order.family for order in self.pending}
        return not busy if family == "any" else not busy & {family, "any"}

    def look_at(self, order: Order) -> None:
        """Whether an order was carried out; one at random is carried out here. What finds nobody is taken back."""
        waited = time.monotonic() - self.pending[order]
        if order.point in POINTS:
            struck = not (self.scene.orders / order.point).exists()
        else:
            struck = waited > order.passes * SHARE and self.strike(order.point)
        if struck:
            del self.pending[order]
            self._hit(order.name)
        elif waited > PATIENCE and self.fair:
            self.take_back(order)

    def strike(self, who: str) -> bool:
        """Kill every process of a kind, or every one there is; whether there was one."""
        struck = [pid for pid, kind in self.scene.processes().items() if kind == who or who == EVERYBODY]
        for pid in struck:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return bool(struck)

    def take_back(self, order: Order) -> None:
        (self.scene.orders / order.point).unlink(missing_ok=True)
        del self.pending[order]
        self.orders.append(order)

    def _passes(self, sweep: Order) -> int:
        """How far the next engine of a sweep comes. The first takes the run up at most. One whose forerunner came to
        where an engine just before had come, as steps that a death makes begin again do, gets that much further."""
        event = self.scene.records()[-1].event
        here = (type(event), *(getattr(event, name, "") for name in ("node", "trial", "split", "call")))
        back = self.reached[: -1 - FURTHER + sweep.passes : -1]
        self.reached.append(here)
        return 0 if self.lives == 1 else sweep.passes + (back.index(here) + 1 if here in back else 0)

    def _look_at_sweep(self) -> None:
        if self.sweep and self.swept and not (self.scene.orders / self.sweep.point).exists():
            self.swept = False
            self._hit(self.sweep.point)

    def _hit(self, point: str) -> None:
        seq = self.scene.tree().last_seq
        if not point.startswith(("engine.", "trial.", "train.", "checkpoint.", "evaluate.", "result.")):
            self.hurt = seq
        self.told(Hit(point, seq, self.life))

    def suits(self, who: str, tree: Tree) -> bool:
        """Whether such a process can die now without the engine being right to give something up."""
        trials = [trial for node in tree.nodes.values() for trial in node.trials.values()]
        # A finished trial counts too: between the death of its test and the next attempt nothing else tells of it.
        tired = any(t.deaths >= DEATHS for t in trials if t.state not in ("failed", "cancelled"))
        if who == "training":
            return not tired and not tree.champion
        healed = not self.hurt or any(r.seq > self.hurt and isinstance(r.event, RESULTS) for r in self.scene.records())
        return {"engine": not self.sweep, "trial": not tired}.get(who, healed and not tired)


def kinds_of(hits: list[Hit], records: list[ev.Record]) -> list[str]:
    """Each hit's point, with the kind of event before or after which the engine died, by what the journal says now."""
    return [_named(hit, records) for hit in hits]


def boundaries(records: list[ev.Record]) -> list[str]:
    """Both sides of every kind of event of a search, and of those that only deaths bring about."""
    kinds = dict.fromkeys([*map(_kind, records), "adopted", "interrupted"])
    return [f"{point}: {kind}" for kind in kinds for point in ("engine.before_event", "engine.after_event")]


def _named(hit: Hit, records: list[ev.Record]) -> str:
    after = [_kind(record) for record in records if record.seq > hit.seq]
    before = [_kind(record) for record in records if record.seq <= hit.seq]
    if hit.point == "engine.after_event":
        return f"{hit.point}: {before[-1]}" if before else hit.point
    if hit.point == "engine.before_event" and after:
        # The next engine says first that it took the run up; what the dead one was about to say comes then.
        took_up = hit.seq > hit.life and after[0] == "adopted" and len(after) > 1
        return f"{hit.point}: {after[1] if took_up else after[0]}"
    return hit.point


def _kind(record: ev.Record) -> str:
    return str(type(record.event).__struct_config__.tag)
