"""What a query means: whether a node of a run passes it. Pure; the language itself is in `query`."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator

from engine.aidp.recipe import operator_name
from engine.search.tree import ROOT, Node
from trex_tui.model.query import KNOBS, All, Any, Figure, Not, Query, Text, Word, meant
from trex_tui.model.state import is_best, state_word
from trex_tui.model.store import RunView

Test = Callable[[RunView, Node], bool]

AS_SHOWN = 5e-4  # scores are shown with three decimals, and one looks for what one sees
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def inherits(query: Query) -> bool:
    """Whether the answer for a node may change with what a person says of an ancestor."""
    match query:
        case Word(name):
            return name in ("state", "is")
        case Not(part):
            return inherits(part)
        case All(parts) | Any(parts):
            return any(map(inherits, parts))
        case _:
            return False


def test_of(query: Query) -> Test:
    """The query as a function."""
    match query:
        case Text(text):
            return _text(text)
        case Figure():
            return _figure(query)
        case Word(name, value):
            return _by(value) if name == "by" else _word(name, meant(name, value))
        case Not(part):
            inner = test_of(part)
            return lambda view, node: not inner(view, node)
        case All(parts):
            every = [test_of(part) for part in parts]
            return lambda view, node: all(test(view, node) for test in every)
        case Any(parts):
            either = [test_of(part) for part in parts]
            return lambda view, node: any(test(view, node) for test in either)


def _figure(query: Figure) -> Test:
    values, wanted = _FIGURES.get(query.name) or _knob(KNOBS[query.name]), query.value
    if query.operator in _COMPARE:
        compare = _COMPARE[query.operator]
        return lambda view, node: any(compare(value, wanted) for value in values(view, node))
    near = AS_SHOWN if query.name in ("score", "gain") else 0.0
    equal, other = query.operator == "=", query.operator == "!="
    assert equal or other
    return lambda view, node: any(
        math.isclose(value, wanted, rel_tol=1e-9, abs_tol=near) is equal for value in values(view, node)
    )


def _knob(field: str) -> Callable[[RunView, Node], Iterator[float]]:
    def values(_view: RunView, node: Node) -> Iterator[float]:
        return (getattr(trial.config, field) for trial in node.trials.values() if trial.config)

    return values


def _score(view: RunView, node: Node) -> Iterator[float]:
    values = [trial.score.value for trial in node.trials.values() if trial.score is not None]
    if values:  # as `Node.best`, which is slow for 10,000 nodes at a keystroke
        yield max(values) if view.tree.maximize else min(values)


def _gain(view: RunView, node: Node) -> Iterator[float]:
    """Against the parent; more is better, whatever the metric's direction."""
    sign = 1.0 if view.tree.maximize else -1.0
    if node.id != ROOT:
        for before in _score(view, view.tree.nodes[node.parent]):
            yield from (sign * (score - before) for score in _score(view, node))


_FIGURES: dict[str, Callable[[RunView, Node], Iterator[float]]] = {
    "score": _score,
    "gain": _gain,
    "trials": lambda _view, node: iter((len(node.trials),)),
    "depth": lambda _view, node: iter((node.depth,)),
    "children": lambda _view, node: iter((len(node.children),)),
    "data": lambda _view, node: iter(() if node.rows is None else (node.rows,)),
    "minutes": lambda _view, node: iter((sum(trial.seconds for trial in node.trials.values()) / 60,)),
}


def _word(name: str, wanted: frozenset[str]) -> Test:
    said = _SAID[name]
    return lambda view, node: any(word in wanted for word in said(view, node))


def _is(view: RunView, node: Node) -> Iterator[str]:
    trials = node.trials.values()
    yield from view.inherited(node.id)
    yield from (flag for trial in trials for flag in trial.flags)
    if is_best(view, node.id):
        yield "best"
    if node.forked_from:
        yield "fork"
    if not node.children:
        yield "leaf"
    if node.retries:
        yield "retried"
    if any(trial.collected for trial in trials):
        yield "cleaned"


def _has(view: RunView, node: Node) -> Iterator[str]:
    if node.insight:
        yield "insight"
    if any(hint.node == node.id for hint in view.tree.hints.values()):
        yield "hint"
    if node.plan is not None:
        yield "plan"
        if node.plan.note:
            yield "note"
    if any(trial.score for trial in node.trials.values()):
        yield "score"
    if node.diagnosis:
        yield "diagnosis"
    if node.failure or any(trial.cause for trial in node.trials.values()):
        yield "failure"


def _configured(field: str) -> Callable[[RunView, Node], Iterator[str]]:
    return lambda _view, node: (getattr(t.config, field) for t in node.trials.values() if t.config)


_SAID: dict[str, Callable[[RunView, Node], Iterator[str]]] = {
    "state": lambda view, node: iter((state_word(view, node.id), node.state)),
    "direction": lambda _view, node: iter((node.direction or "",)),
    "is": _is,
    "has": _has,
    "schedule": _configured("schedule"),
    "targets": _configured("target_modules"),
}


def _by(value: str) -> Test:
    """Who made the node: a person by name, any `person`, or where its plan came from (`researcher`, `sampled`)."""
    said = value.casefold()

    def test(_view: RunView, node: Node) -> bool:
        source = node.plan.source if node.plan else ""
        return (source != "" and source.startswith(said)) or (node.by != "" and said in node.by.casefold())

    return test


def _text(text: str) -> Test:
    """A node's or a trial's name is meant as a whole; any other text may stand anywhere."""
    said = text.casefold()
    return lambda view, node: (
        said == node.id or said in node.trials or any(said in part.casefold() for part in _texts(view, node))
    )


def _texts(view: RunView, node: Node) -> Iterator[str]:
    """What a person could read of a node, its name left out."""
    if node.direction:
        yield node.direction
    if node.plan is not None:
        yield node.plan.hypothesis
        yield node.plan.note
        yield from map(operator_name, node.plan.recipe.operators)
    yield from (node.diagnosis, node.insight, node.failure)
    yield from (trial.cause for trial in node.trials.values())
    yield from (hint.text for hint in view.tree.hints.values() if hint.node == node.id)
