"""Two to four configurations side by side: trials of any runs, or plans from files. What differs, what can be compared.

Pure: everything is looked up in a store. Not the text (`trex_tui.pages.compare`) and not the paired intervals
(`trex_tui.model.pairing`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from engine.aidp.recipe import Recipe, operator_name
from engine.errors import BadInput
from engine.executor.job import Result
from engine.plan import Plan, TrialConfig
from engine.search.events import RunCreated
from engine.search.tree import ROOT, Node, Score, Trial
from trex_tui.model import format as fmt
from trex_tui.model.flips import unlike
from trex_tui.model.operators import settings
from trex_tui.model.store import RunView, Store
from trex_tui.model.telemetry import TrialView

LEAST, MOST = 2, 4
NONE = "-"
_ADDRESS = re.compile(r"(?:(?P<run>[^:/]+):)?(?P<node>n\d+)(?P<trial>t\d+)?")


class Address(NamedTuple):
    """A trial of a run; `trial` empty: the node's best one, whichever that is."""

    run: str
    node: str
    trial: str = ""


class Imported(NamedTuple):
    """A plan from a file."""

    path: str
    plan: Plan


What = Address | Imported


@dataclass(frozen=True, slots=True)
class Side:
    """One of those that are compared, as it stands now. A plan from a file has no run, no node and no trial."""

    label: str
    about: str  # direction, state, hypothesis
    run: str = ""
    view: RunView | None = None
    node: Node | None = None
    trial: Trial | None = None
    plan: Plan | None = None
    config: TrialConfig | None = None
    course: TrialView | None = None

    @property
    def created(self) -> RunCreated | None:
        return self.view.tree.created if self.view else None

    @property
    def score(self) -> Score | None:
        return self.trial.score if self.trial else None

    @property
    def result(self) -> Result | None:
        """The judged validation rows, where the score stands in the journal."""
        return self.course.result if self.course and self.score else None

    @property
    def maximize(self) -> bool:
        return self.created is None or self.created.maximize


class Line(NamedTuple):
    """One thing that the sides have a value of. `differs`: between those that can have one."""

    name: str
    values: tuple[str, ...]
    differs: bool = False


def address(word: str, store: Store, run: str) -> Address:
    """`n3`, `n3t1`, `RUN:n3`, `RUN:n3t1`. `run`: the one meant where none is named. Raises BadInput."""
    found = _ADDRESS.fullmatch(word)
    if found is None:
        raise BadInput(f"`{word}` names no node", hint="write n3, n3t1, RUN:n3, or the file of a plan (.toml, .json)")
    name = found["run"] or run
    if name not in store.runs:
        raise BadInput(f"no run `{name}` in this workspace", hint="`trex runs` lists them")
    node = store.runs[name].tree.nodes.get(found["node"])
    if node is None:
        raise BadInput(f"no node `{found['node']}` in {name}", hint=f"it has {len(store.runs[name].order)}")
    trial = found["node"] + found["trial"] if found["trial"] else ""
    if trial and trial not in node.trials:
        raise BadInput(f"no trial `{trial}` in {name}", hint=f"{node.id} has {', '.join(node.trials) or 'none yet'}")
    return Address(name, node.id, trial)


def is_file(word: str) -> bool:
    """Whether a word means a plan's file."""
    return "/" in word or word.endswith((".toml", ".json"))


def beside(store: Store, run: str, node: str, trial: str) -> tuple[Address, ...]:
    """What a node is compared with where nothing was named: its parent. Raises BadInput for the base model."""
    if node == ROOT:
        raise BadInput("the base model has no parent to be compared with", hint="select another node, or mark some")
    return Address(run, store.runs[run].tree.nodes[node].parent), Address(run, node, trial)


def resolve(store: Store, what: Sequence[What]) -> list[Side]:
    """Each of them as it stands now, in the store on show. What is not there (yet, or at that moment) says so."""
    several = len({one.run for one in what if isinstance(one, Address)}) > 1
    return [_plan(one) if isinstance(one, Imported) else _trial(store, one, several) for one in what]


def _plan(one: Imported) -> Side:
    plan = one.plan
    more = f", the first of {len(plan.trials)} configurations" if len(plan.trials) > 1 else ""
    label = one.path.rpartition("/")[2]
    return Side(label, f"a plan from a file{more}: {plan.hypothesis}", plan=plan, config=plan.trials[0])


def _trial(store: Store, one: Address, several: bool) -> Side:
    prefix = f"{one.run}:" if several else ""
    view = store.runs.get(one.run)
    node = view.tree.nodes.get(one.node) if view else None
    if view is None or node is None:
        return Side(prefix + (one.trial or one.node), "not there at the moment on show", one.run)
    best = node.best(view.tree.maximize) or next(iter(node.trials.values()), None)
    trial = node.trials.get(one.trial) if one.trial else best
    name = trial.id if trial else node.id
    said = "base model, untrained" if node.id == ROOT else f"{node.direction or 'being planned'}"
    hypothesis = f": {node.plan.hypothesis}" if node.plan else ""
    return Side(
        prefix + name,
        f"{said}, {trial.state if trial else node.state}{hypothesis}",
        one.run,
        view,
        node,
        trial,
        node.plan,
        trial.config if trial else None,
        store.trials.get((one.run, name)),
    )


def why_not_scores(one: Side, other: Side) -> str:
    """Why two scores cannot be held against each other; "" where they can."""
    if one.created is None or other.created is None:
        return "a plan has no score yet"
    ours, theirs = one.created, other.created
    if ours.task_fingerprint != theirs.task_fingerprint or ours.task != theirs.task:
        return f"different tasks ({ours.task}, {theirs.task})" if ours.task != theirs.task else "the task was changed"
    if ours.manifest != theirs.manifest:
        return "different validation rows"
    if ours.metric != theirs.metric:
        return f"different metrics ({ours.metric}, {theirs.metric})"
    missing = [side.label for side in (one, other) if side.score is None]
    return f"{' and '.join(missing)} {'has' if len(missing) == 1 else 'have'} no score yet" if missing else ""


def why_not_rows(one: Side, other: Side) -> str:
    """Why two sides cannot be compared row by row; "" where they can."""
    if reason := why_not_scores(one, other):
        return reason
    missing = [side for side in (one, other) if side.result is None]
    if missing:
        return "; ".join(f"the judged rows of {side.label} are not here, or have not been read" for side in missing)
    assert one.result is not None and other.result is not None
    return unlike(one.result, other.result)


def configuration(sides: Sequence[Side]) -> list[Line]:
    """The knobs, those that differ first. The base model and what is not planned yet have none."""
    known = [fmt.knobs(side.config) if side.config else {} for side in sides]
    return _sorted(_line(name, [k.get(name, NONE) for k in known], known) for name in TrialConfig.__struct_fields__)


def recipes(sides: Sequence[Side]) -> list[Line]:
    """The recipe's operators with their settings, those that differ first; then the order where that differs."""
    known = [_operators(side.plan.recipe) if side.plan else {} for side in sides]
    names = dict.fromkeys(name for operators in known for name in operators)
    lines = [_line(name, [k.get(name, NONE) for k in known], known) for name in names]
    planned = [operators for operators in known if operators]
    common = [[name for name in k if all(name in other for other in planned)] for k in known]
    seeds = [str(side.plan.recipe.seed) if side.plan else NONE for side in sides]
    rows = [f"{side.node.rows:,}" if side.node and side.node.rows is not None else NONE for side in sides]
    lines += [_line("seed", seeds, known), _line("rows made", rows, [row != NONE for row in rows])]
    if len({tuple(order) for order in common if order}) > 1:
        lines.insert(0, _line("order", [" ".join(order) for order in common], known))
    return _sorted(lines)


def _line(name: str, values: Sequence[str], counts: Sequence[object]) -> Line:
    """`counts`: whether a side can have a value; the others make no difference."""
    return Line(name, tuple(values), len({v for v, known in zip(values, counts, strict=True) if known}) > 1)


def _operators(recipe: Recipe) -> dict[str, str]:
    """Operator -> its settings; the second of one name gets a number."""
    found: dict[str, str] = {}
    for operator in recipe.operators:
        name = operator_name(operator)
        count = sum(known.partition(" ")[0] == name for known in found)
        found[f"{name} {count + 1}" if count else name] = settings(operator) or "yes"
    return found


def cost(sides: Sequence[Side]) -> list[Line]:
    """Seconds, tokens and memory."""
    rows: dict[str, list[str]] = {}
    for side in sides:
        for name, value in _spent(side).items():
            rows.setdefault(name, []).append(value)
    lines = [Line(name, tuple(values)) for name, values in rows.items()]
    return [line for line in lines if set(line.values) != {NONE}]


def _spent(side: Side) -> dict[str, str]:
    trial, last, result = side.trial, side.course.last if side.course else None, side.result
    ended = trial if trial and trial.score else None
    trained = ended if ended and ended.config else None
    calls = side.view.calls.get(side.node.id, ()) if side.view and side.node else ()
    return {
        "last attempt": fmt.duration(ended.seconds) if ended else NONE,  # training is that of all attempts
        "training": fmt.duration(trained.train_seconds) if trained else NONE,
        "judging": fmt.duration(ended.evaluate_seconds) if ended else NONE,
        "examples": f"{trained.examples:,}" if trained else NONE,
        "tokens learned": f"{result.supervised_tokens:,}" if result and trained else NONE,
        "tokens/s": f"{last.tokens_per_second:,.0f}" if last else NONE,
        "memory": fmt.size(last.memory) if last else NONE,
        "asking": fmt.duration(sum(c.seconds for c in calls)) if calls else NONE,
        "tokens asked": f"{sum(c.prompt_tokens + c.answer_tokens for c in calls):,}" if calls else NONE,
        "attempts": str(trial.attempts) if trial else NONE,
        "device": trial.device or NONE if trial else NONE,
    }


def _sorted(lines: Iterable[Line]) -> list[Line]:
    """Those that differ first, each kind in its own order."""
    return sorted(lines, key=lambda line: not line.differs)
