"""A small search on a made-up task, and a tape, for the Researcher's tests."""

from __future__ import annotations

from engine.aidp.recipe import DedupExact, FilterLength, Recipe, Shuffle
from engine.plan import Plan, TrialConfig
from engine.researcher.facts import BASELINE_RECIPE, Facts, Known, gather
from engine.search import events as ev
from engine.search.fold import fold
from engine.search.tree import Tree
from engine.space import with_knob
from engine.task import Budget, Data, Evaluation, Format, Task
from tests.story import base, created, records, scored

FILTERED = Recipe(operators=(DedupExact(), FilterLength(min_words=4), Shuffle()))


def task(**changes: object) -> Task:
    values: dict[str, object] = {
        "name": "demo",
        "title": "Demo",
        "brief": "Say whether a snippet is positive or negative.",
        "format": Format(prompt="{text}"),
        "evaluation": Evaluation(mode="label_likelihood", labels=("positive", "negative")),
        "data": Data(file="rows.csv"),
        "budget": Budget(examples_per_trial=512),
        "baseline": TrialConfig(learning_rate=1e-4, max_length=128),
        "space": {"rows": [128, 256, 512], "max_length": [128]},
    }
    return Task(**{**values, **changes})  # type: ignore[arg-type]


def config(**knobs: float | int | str) -> TrialConfig:
    found = task().baseline
    for knob, value in knobs.items():
        found = with_knob(found, knob, value)
    return found


def round_of(
    node: str, parent: str, plan: Plan, *scores: float | str, flags: tuple[ev.Flag, ...] = ()
) -> list[ev.AnyEvent]:
    """A whole round; a string in place of a score is the cause of a trial's failure."""
    events: list[ev.AnyEvent] = [ev.NodeAdded(node=node, parent=parent), ev.Planned(node=node, plan=plan)]
    for index, score in enumerate(scores):
        trial = f"{node}t{index}"
        failed = ev.Failed(node=node, trial=trial, kind="idea", cause=str(score))
        events.append(scored(trial, score) if isinstance(score, float) else failed)
    return [*events, *(ev.FlagSet(node=node, flag=flag, on=True, by="me") for flag in flags)]


def plan(direction: str, *configs: TrialConfig, recipe: Recipe = BASELINE_RECIPE) -> Plan:
    return Plan(direction=direction, hypothesis="h", recipe=recipe, trials=configs or (config(),))  # type: ignore[arg-type]


BASELINE = round_of("n1", "n0", plan("baseline"), 0.796)
SECOND = round_of("n2", "n0", plan("adjust_training", config(learning_rate=3e-4), config(lora_rank=8)), 0.836, 0.790)
THIRD = round_of("n3", "n0", plan("refine_data", config(rows=512), recipe=FILTERED), 0.870)


def tree(*rounds: list[ev.AnyEvent], parent: str = "n0", node: str = "n9", **settings: object) -> Tree:
    """The tree after these rounds, with `node` added under `parent` and not yet planned."""
    return fold(records(created(**settings), base(0.56), *rounds, ev.NodeAdded(node=node, parent=parent)))


def facts(
    *rounds: list[ev.AnyEvent],
    parent: str = "n0",
    insights: tuple[Known, ...] = (),
    hints: tuple[str, ...] = (),
    of: Task | None = None,
    **settings: object,
) -> Facts:
    return gather(tree(*(rounds or (BASELINE,)), parent=parent, **settings), of or task(), "n9", insights, hints)


class Reel:
    """A tape in memory."""

    def __init__(self) -> None:
        self.calls: dict[str, ev.Asked] = {}

    def record(self, asked: ev.Asked) -> None:
        self.calls[asked.call] = asked

    def recall(self, call: str) -> ev.Asked | None:
        return self.calls.get(call)
