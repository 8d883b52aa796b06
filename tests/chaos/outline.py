"""What a search came to, and what deaths may not change: everything but times and the deaths themselves."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from engine.executor.job import Result
from engine.files import sha256_file
from engine.search import events as ev
from tests.chaos.scene import CHECKPOINT, Scene

STEP = re.compile(r"^(\d\d:\d\d:\d\d\.\d{3}) step (\d+)/", re.MULTILINE)
RESUMED = re.compile(r"going on after step (\d+); (\d+) later steps are done again")
ADAPTER = Path("adapter", "adapter_model.safetensors")


def outline(scene: Scene) -> dict[str, Any]:
    """The search as it may not differ: tree, questions and answers, data, scores, items, adapters' bytes."""
    tree = scene.tree()
    nodes = list(tree.nodes.values())
    trials = [trial for node in nodes for trial in node.trials.values()]
    folder = scene.run / "trials"
    found = {
        "state": tree.state,
        "champion": (tree.champion, tree.champion_reason),
        "nodes": [(n.id, n.parent, n.direction, n.state, n.failure) for n in nodes],
        "choices": [n.why for n in nodes],
        "plans": [n.plan for n in nodes],
        "data": [(n.rows, n.dropped, n.data_sha256) for n in nodes],
        "insights": [(i.insight, i.text, i.supports, i.contradicts) for i in tree.insights.values()],
        "diagnoses": [n.diagnosis for n in nodes],
        "notes": [(note.node, note.kind, note.text) for _, note in tree.notes],
        "tape": {call: (a.prompt, a.answer, a.refused) for call, a in tree.tape.items()},
        "trials": [(t.id, t.config, t.state, t.score, t.confirm, t.test, t.changed) for t in trials],
        "items": {path.parent.name: _items(path) for path in sorted(folder.glob("*/result.json"))},
        "adapters": {path.name: sha256_file(path / ADAPTER) for path in _with_adapter(folder)},
    }
    named = msgspec.json.encode(found).replace(scene.name.encode(), b"the run")
    return dict(msgspec.json.decode(named))


def _items(path: Path) -> tuple[object, ...]:
    return msgspec.json.decode(path.read_bytes(), type=Result).items


def _with_adapter(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if (path / ADAPTER).exists())


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Where two outlines differ, the first place of each part."""
    pairs = {part: _first(one[part], other[part]) for part in one}
    return [f"{part}: {repr(a)[:400]} is now {repr(b)[:400]}" for part, (a, b) in pairs.items() if a != b]


def _first(one: Any, other: Any) -> tuple[Any, Any]:
    if isinstance(one, dict) and isinstance(other, dict):
        one, other = sorted(one.items()), sorted(other.items())
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return next(((a, b) for a, b in zip(one, other, strict=True) if a != b), ((), ()))
    return one, other


def double_results(scene: Scene) -> list[str]:
    """Trials with more than one result event for one split."""
    events = [record.event for record in scene.records()]
    results = [event for event in events if isinstance(event, ev.Finished | ev.Confirmed | ev.Tested)]
    found = Counter((event.trial, type(event).__name__) for event in results)
    return [f"{trial}: {count} x {kind}" for (trial, kind), count in found.items() if count != 1]


@dataclass(frozen=True)
class Repeat:
    """Steps that a death had done again: how many, and the seconds of training from the first of them to the last."""

    trial: str
    steps: int
    seconds: float
    longest: float  # seconds between two of them

    @property
    def within(self) -> bool:
        """No more than a checkpoint's interval, and the step in which it was over."""
        return self.seconds <= CHECKPOINT + self.longest


def repeats(scene: Scene) -> Iterator[Repeat]:
    """Every training that was gone on with, by the trials' logs."""
    for log in sorted(scene.run.glob("trials/*/log.txt")):
        text = log.read_text()
        before = 0
        for resumed in RESUMED.finditer(text):
            step, again = int(resumed[1]), int(resumed[2])
            lost = [(at, int(n)) for at, n in STEP.findall(text, before, resumed.start()) if int(n) > step][-again:]
            times = [datetime.strptime(at, "%H:%M:%S.%f").timestamp() for at, _ in lost] if again else []
            gaps = [(later - sooner) % 86400 for sooner, later in pairwise(times)]
            yield Repeat(log.parent.name, again, sum(gaps), max(gaps, default=0.0))
            before = resumed.end()
