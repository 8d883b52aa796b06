"""Short ways to write histories for tests: events in order, with a clock that ticks."""

from __future__ import annotations

from collections.abc import Iterable

from engine.aidp.recipe import DedupExact, Recipe, Shuffle
from engine.plan import Direction, Plan, TrialConfig
from engine.search import events as ev
from engine.search.fold import fold
from engine.search.tree import Tree

RUN = "demo-1"


def created(**changes: object) -> ev.RunCreated:
    values: dict[str, object] = {
        "task": "demo",
        "title": "Demo",
        "task_path": "/nowhere",
        "task_fingerprint": "f",
        "metric": "accuracy",
        "maximize": True,
        "base_model": "base",
        "researcher": "none",
        "policy": "uct",
        "normaliser": "rank",
        "seed": 0,
        "wall_seconds": 3600.0,
        "rounds": 10,
        "trials_per_round": 2,
        "confirm_candidates": 2,
    }
    return ev.RunCreated(**{**values, **changes})  # type: ignore[arg-type]


def plan(*configs: TrialConfig, direction: Direction = "adjust_training", seed: int = 0) -> Plan:
    recipe = Recipe(operators=(DedupExact(), Shuffle()), seed=seed)
    return Plan(direction=direction, hypothesis="h", recipe=recipe, trials=configs or (TrialConfig(),))


def scored(trial: str, score: float, **changes: object) -> ev.Finished:
    values: dict[str, object] = {
        "trial": trial,
        "node": trial.split("t")[0],
        "score": score,
        "low": score - 0.05,
        "high": score + 0.05,
        "items": 100,
        "result_sha256": "",
        "seconds": 20.0,
        "train_seconds": 12.0,
        "evaluate_seconds": 5.0,
        "examples": 100,
    }
    return ev.Finished(**{**values, **changes})  # type: ignore[arg-type]


def base(score: float = 0.5) -> list[ev.AnyEvent]:
    return [ev.Launched(trial="n0t0", node="n0"), scored("n0t0", score, examples=0, train_seconds=0.0)]


def node(name: str, parent: str, *scores: float, direction: Direction = "adjust_training") -> list[ev.AnyEvent]:
    """A whole round: added, planned, prepared, one finished trial per score, diagnosed."""
    number = int(name[1:])
    configs = [TrialConfig(learning_rate=1e-5 * (10 * (number % 9_000) + i + 1)) for i in range(len(scores))]
    events: list[ev.AnyEvent] = [
        ev.NodeAdded(node=name, parent=parent),
        ev.Planned(node=name, plan=plan(*configs, direction=direction, seed=number)),
        ev.DataReady(node=name, rows=100),
    ]
    for index, score in enumerate(scores):
        trial = f"{name}t{index}"
        events += [ev.Launched(trial=trial, node=name), scored(trial, score)]
    return [*events, ev.Diagnosed(node=name, text="read")]


def records(*events: ev.AnyEvent | Iterable[ev.AnyEvent], start: float = 1000.0, step: float = 1.0) -> list[ev.Record]:
    """Records with times `step` seconds apart."""
    flat: list[ev.AnyEvent] = []
    for event in events:
        flat.extend([event] if isinstance(event, ev.Event) else event)  # type: ignore[list-item,arg-type]
    return [ev.Record(seq=i + 1, time=start + i * step, run=RUN, event=event) for i, event in enumerate(flat)]


def tree(*events: ev.AnyEvent | Iterable[ev.AnyEvent], **setup: object) -> Tree:
    """The tree after `run_created(**setup)` and these events."""
    return fold(records(created(**setup), *events))
