"""The form of a fork: configuration and recipe of a trial, line by line, to be edited.

The plan that comes out is made by the engine's own `engine.forking`, here to check and to price it at every letter,
there to run it. Or the person leaves the decision to the search: then what comes out is advice to its Researcher.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping
from typing import NamedTuple, get_args

import msgspec

from engine import forking
from engine.control import protocol as p
from engine.errors import BadInput
from engine.plan import DIRECTIONS, Plan, Schedule, Targets, TrialConfig
from engine.search import budget
from engine.search.tree import ROOT, Tree
from engine.space import affordable
from trex_tui.forms import toml
from trex_tui.forms.hint import LONGEST
from trex_tui.forms.sheet import Remarks, Row, Sheet, Values, changed
from trex_tui.model.format import clean, duration, size

WHEN = {
    "now": "before what waits",
    "later": "after what waits",
    "suggest": "as advice, no fork",
}
CHOICES = {
    "training.target_modules": get_args(Targets),
    "training.schedule": get_args(Schedule),
    "direction": DIRECTIONS,
    "when": tuple(WHEN),
}
HEAVIER = ("batch_size", "max_length", "lora_rank")  # what memory grows with
HINTS = {
    "recipe.operators": 'write [{op = "shuffle"}], say',
    "training.target_modules": f"write {' or '.join(get_args(Targets))}",
    "training.schedule": f"write one of {', '.join(get_args(Schedule))}",
    "direction": f"write one of {', '.join(DIRECTIONS)}",
}
TEXTS = ("hypothesis", "direction", "training.target_modules", "training.schedule")  # written without quotes


class Known(NamedTuple):
    """What is read from the disk, None where it cannot be: the task's examples a trial (the engine checks them too),
    and the most memory that the source trial held, in bytes."""

    examples: int | None = None
    memory: int | None = None


class ForkSheet(Sheet):
    """`tree` and `now` are asked at every letter: what is left changes while somebody writes."""

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
        read: Callable[[], Known],
    ) -> None:
        self._run, self._tree, self._node, self._by, self._now, self._read = run, tree, node, by, now, read
        self._known = Known()
        config = tree().nodes[node].trials[trial].config if trial else None
        self._trial = trial if config else ""
        self._start = source_plan(tree(), node)
        self._old = values_of(self._edited({}))
        when = Row("when", "when", "now", CHOICES["when"])
        names = self._old.items()
        rows = (Row(name, name.removeprefix("training."), value, CHOICES.get(name, ())) for name, value in names)
        self.rows = (*rows, when)
        self.title = f"fork {self._trial or node}"
        self.lead = (
            f"A new child of {node} with one trial: this configuration and recipe, with your changes. "
            "Empty hypothesis: it names them. suggest: the Researcher is told, and the search decides."
        )

    def prepare(self) -> None:
        self._known = self._read()

    def remarks(self, values: Values) -> Remarks:
        edits = changed(self.rows, values)
        notes = {name: f"was {self._old[name] or 'empty'}" for name in edits if name in self._old}
        notes["when"] = WHEN.get(values["when"].strip(), "")
        return Remarks(notes, frozenset(edits), self._outlook(values))

    def command(self, values: Values) -> p.Fork | p.GiveHint:
        edits = changes(self._old, values)
        if not edits:
            raise BadInput("nothing is changed yet", hint="change at least one value of the training or the recipe")
        self._edited(edits)
        when = values["when"].strip()
        if when not in WHEN:
            raise BadInput(f"when: `{when[:40]}` is none of {', '.join(WHEN)}")
        if when == "suggest":
            return self._suggestion(edits)
        first = when == "now"
        return p.Fork(id=0, run=self._run, node=self._node, trial=self._trial, changes=edits, first=first, by=self._by)

    def _suggestion(self, edits: Mapping[str, str]) -> p.GiveHint:
        """The edits as advice for what grows below the node. Raises BadInput where nobody reads advice."""
        if self._tree().setup.researcher == "none":
            raise BadInput("this run has no Researcher who could decide", hint="choose now or later")
        asked = ", ".join(f"{name.removeprefix('training.')} = {value}" for name, value in edits.items())
        text = f"Try {self._trial or self._node} again with {asked}"
        if len(text) > LONGEST:
            raise BadInput("these are too many changes for one hint", hint="choose now or later, or change less")
        return p.GiveHint(id=0, run=self._run, node=self._node, text=text, by=self._by)

    def _edited(self, edits: Mapping[str, str]) -> Plan:
        """The engine's own plan. Raises BadInput, about a line of the form."""
        try:
            return forking.edited(self._tree(), self._node, self._trial, edits, self._start)
        except BadInput as problem:
            named = next((name for name in HINTS if f"`{name}`" in problem.what), "")
            raise BadInput(problem.what, hint=HINTS.get(named, "") or problem.hint) from None

    def _outlook(self, values: Values) -> str:
        """What it will cost, and whether that is left; or what is wrong so far."""
        try:
            config = self._edited(changes(self._old, values)).trials[0]
        except BadInput as problem:
            return f"! {problem}"
        limit = self._known.examples
        if limit is not None and not affordable(config, limit):
            return f"! it trains on more than the task's {limit:,} examples a trial; lower rows or epochs"
        tree, now = self._tree(), self._now()
        if refusal := budget.trial_refusal(tree, config, now):
            return f"! {refusal}; B gives the search more"
        left = budget.remaining_seconds(tree, now)
        remains = f"; {duration(left)} are left for new trials" if math.isfinite(left) else ""
        cost = f"about {duration(budget.trial_seconds(tree, config))} of training and judging{remains}"
        return f"{cost}{self._memory(config)}"

    def _memory(self, config: TrialConfig) -> str:
        """What is known of it: no estimate, what the source trial really held."""
        if self._known.memory is None:
            return ""
        old = self._tree().trial(self._trial).config
        heavier = [name for name in HEAVIER if old and getattr(config, name) > getattr(old, name)]
        more = f"; with more {' and '.join(heavier)} it needs more" if heavier else ""
        return f". {self._trial} held {size(self._known.memory)} of memory at its peak{more}"


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
