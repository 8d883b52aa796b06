"""The form of a fork: configuration and recipe of a trial, line by line, to be edited.

The plan that comes out is made by the engine's own `engine.forking`, here to check and to price it at every letter,
there to run it.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping
from typing import get_args

import msgspec

from engine import forking
from engine.control import protocol as p
from engine.errors import BadInput
from engine.plan import DIRECTIONS, Plan, Schedule, Targets
from engine.search import budget
from engine.search.tree import ROOT, Tree
from engine.space import affordable
from trex_tui.forms import toml
from trex_tui.forms.sheet import Remarks, Row, Sheet, Values, changed
from trex_tui.model.format import clean, duration

QUEUE = {"first": True, "last": False}
HINTS = {
    "recipe.operators": 'write [{op = "shuffle"}], say',
    "training.target_modules": f"write {' or '.join(get_args(Targets))}",
    "training.schedule": f"write one of {', '.join(get_args(Schedule))}",
    "direction": f"write one of {', '.join(DIRECTIONS)}",
}
TEXTS = ("hypothesis", "direction", "training.target_modules", "training.schedule")  # written without quotes


class ForkSheet(Sheet):
    """`tree` and `now` are asked at every letter: what is left changes while somebody writes.

    `limit` reads how many examples a trial may train on, None where that cannot be read; the engine checks it too.
    """

    kind, verb, enter_sends = "fork", "fork", False
    first = "training.learning_rate"

    def __init__(
        self,
        run: str,
        tree: Callable[[], Tree],
        node: str,
        trial: str,
        by: str,
        now: Callable[[], float],
        limit: Callable[[], int | None],
    ) -> None:
        self._run, self._tree, self._node, self._by, self._now, self._read_limit = run, tree, node, by, now, limit
        self._limit: int | None = None
        config = tree().nodes[node].trials[trial].config if trial else None
        self._trial = trial if config else ""
        self._start = source_plan(tree(), node)
        self._old = values_of(self._edited({}))
        queue = Row("queue", "queue (first or last)", "first")
        self.rows = (*(Row(name, name, value) for name, value in self._old.items()), queue)
        self.title = f"fork {self._trial or node}"
        self.lead = (
            f"A new child of {node} with one trial: this configuration and recipe, with your changes. "
            "Empty hypothesis: it names them."
        )

    def prepare(self) -> None:
        self._limit = self._read_limit()

    def remarks(self, values: Values) -> Remarks:
        edits = changed(self.rows, values)
        notes = {name: f"was {self._old[name] or 'empty'}" for name in edits if name in self._old}
        return Remarks(notes, frozenset(edits), self._outlook(values))

    def command(self, values: Values) -> p.Fork:
        edits = changes(self._old, values)
        if not edits:
            raise BadInput("nothing is changed yet", hint="change at least one value of the training or the recipe")
        self._edited(edits)
        queue = values["queue"].strip()
        if queue not in QUEUE:
            raise BadInput(f"queue: `{queue[:40]}` is neither first nor last")
        return p.Fork(
            id=0, run=self._run, node=self._node, trial=self._trial, changes=edits, first=QUEUE[queue], by=self._by
        )

    def _edited(self, edits: Mapping[str, str]) -> Plan:
        """The engine's own plan. Raises BadInput, about a line of the form."""
        try:
            return forking.edited(self._tree(), self._node, self._trial, edits, self._start)
        except BadInput as problem:
            named = next((name for name in HINTS if f"`{name}`" in problem.what), "")
            raise BadInput(problem.what, hint=problem.hint or HINTS.get(named, "")) from None

    def _outlook(self, values: Values) -> str:
        """What it will cost, and whether that is left; or what is wrong so far."""
        try:
            config = self._edited(changes(self._old, values)).trials[0]
        except BadInput as problem:
            return f"! {problem}"
        if self._limit is not None and not affordable(config, self._limit):
            return f"! it trains on more than the task's {self._limit:,} examples a trial; lower rows or epochs"
        tree, now = self._tree(), self._now()
        if refusal := budget.trial_refusal(tree, config, now):
            return f"! {refusal}; B gives the search more"
        left = budget.remaining_seconds(tree, now)
        remains = f"; {duration(left)} are left for new trials" if math.isfinite(left) else ""
        return f"about {duration(budget.trial_seconds(tree, config))} of training and judging{remains}"


def source_plan(tree: Tree, node: str) -> Plan:
    """The plan that a fork of the node begins from. Raises BadInput where there is none yet."""
    nodes = tree.nodes.values()
    plan = tree.nodes[node].plan
    if node == ROOT:
        plan = next((n.plan for n in nodes if n.direction == "baseline" and n.plan), None)
    if plan is None:
        what = "the baseline is not planned yet" if node == ROOT else f"{node} has no plan yet"
        raise BadInput(what, hint="wait until it is, or fork its parent")
    return plan


def values_of(plan: Plan) -> dict[str, str]:
    """A plan's fields as lines: name and value."""
    training = msgspec.to_builtins(plan.trials[0])
    recipe = msgspec.to_builtins(plan.recipe)
    fields = {f"training.{name}": value for name, value in training.items()}
    fields |= {"recipe.seed": recipe["seed"], "recipe.operators": recipe["operators"]}
    shown = {name: clean(value) if name in TEXTS else toml.text(value) for name, value in fields.items()}
    return shown | {"direction": plan.direction, "hypothesis": ""}


def changes(old: Mapping[str, str], values: Values) -> dict[str, str]:
    """The edits as `--set` has them: only lines that mean something else than before (`1e-4` is `0.0001`).

    Raises BadInput for a line that means nothing.
    """
    written = {name: values[name].strip() for name in old}
    return {name: _as_sent(name, new) for name, new in written.items() if not _same(name, old[name], new)}


def _as_sent(name: str, value: str) -> str:
    if name in TEXTS:
        return toml.text(value)
    try:
        toml.value(value)
    except ValueError:
        raise BadInput(f"{name}: `{value[:60]}` is no value", hint=HINTS.get(name, "write a number")) from None
    return value


def _same(name: str, old: str, new: str) -> bool:
    if old == new or (name == "hypothesis" and not new):
        return True
    with contextlib.suppress(ValueError):
        return name not in TEXTS and toml.value(old) == toml.value(new)
    return False
