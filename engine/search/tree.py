"""The tree: a fold over events. Nothing in it is stored anywhere else; a restart folds again and decides the same.

Not the policies (who is chosen next) and not the journal (where the events lie).
`apply` takes over the tree it is given and returns it: use only what it returns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from engine.plan import Direction, Plan, TrialConfig
from engine.search import events as ev

State = Literal["planned", "queued", "running", "interrupted", "done", "failed", "cancelled"]
RunState = Literal["running", "paused", "done", "stopped", "failed"]

ROOT = "n0"
ROOT_TRIAL = "n0t0"
SETTLED: frozenset[State] = frozenset({"done", "failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class Score:
    """A metric's value with its 95% bootstrap interval over `items` items."""

    value: float
    low: float
    high: float
    items: int


@dataclass(slots=True)
class Trial:
    """One training and evaluation; the root's only trial has no configuration."""

    id: str
    node: str
    config: TrialConfig | None
    state: State = "queued"
    score: Score | None = None
    confirm: Score | None = None
    test: Score | None = None
    cause: str = ""
    kind: str = ""
    attempts: int = 0
    deaths: int = 0
    launched_at: float = 0.0
    seconds: float = 0.0
    train_seconds: float = 0.0
    evaluate_seconds: float = 0.0
    examples: int = 0
    reused: bool = False
    changed: str = ""


@dataclass(slots=True)
class Node:
    """One round: a plan, its data, its trials, what was learned."""

    id: str
    parent: str
    depth: int
    added_at: float
    children: tuple[str, ...] = ()
    direction: Direction | None = None
    why: tuple[ev.Term, ...] = ()
    plan: Plan | None = None
    rows: int | None = None
    dropped: tuple[tuple[str, int], ...] = ()
    trials: dict[str, Trial] = field(default_factory=dict)
    flags: frozenset[ev.Flag] = frozenset()
    failure: str = ""
    failed: bool = False
    diagnosis: str = ""
    insight: str = ""
    read: bool = False  # the round was diagnosed: the node is finished
    data_seconds: float = 0.0

    @property
    def state(self) -> State:
        """Derived from the trials; `done` needs a score."""
        if self.failed:
            return "failed"
        if not self.trials:
            return "planned"
        states = [t.state for t in self.trials.values()]
        for busy in ("running", "interrupted", "queued"):
            if busy in states:
                return "queued" if busy == "queued" and "done" not in states else _busy(busy)
        if "done" in states:
            return "done"
        return "cancelled" if all(s == "cancelled" for s in states) else "failed"

    def best(self, maximize: bool) -> Trial | None:
        """The trial with the best validation score; the first of equals."""
        scored = [t for t in self.trials.values() if t.score is not None]
        if not scored:
            return None
        sign = 1.0 if maximize else -1.0
        return max(scored, key=lambda t: sign * t.score.value if t.score else 0.0)


def _busy(state: str) -> State:
    return "interrupted" if state == "interrupted" else "running"


@dataclass(slots=True)
class Tree:
    """Everything that is known of a run."""

    run: str = ""
    created: ev.RunCreated | None = None
    nodes: dict[str, Node] = field(default_factory=dict)
    insights: dict[str, ev.Learned] = field(default_factory=dict)
    tape: dict[str, ev.Asked] = field(default_factory=dict)
    notes: list[tuple[float, ev.Noted]] = field(default_factory=list)
    state: RunState = "running"
    reason: str = ""
    paused_at: float | None = None
    started_at: float = 0.0
    ended_at: float | None = None
    idle_seconds: float = 0.0
    stop_by: str = ""  # who asked to end the search early
    champion: str = ""
    champion_reason: str = ""
    test_openings: list[tuple[float, ev.TestOpened]] = field(default_factory=list)
    machine_causes: list[str] = field(default_factory=list)
    judging: ev.Launched | None = None  # a confirm or test job in flight
    research_seconds: dict[str, float] = field(default_factory=dict)
    last_seq: int = 0
    last_time: float = 0.0

    @property
    def setup(self) -> ev.RunCreated:
        """The run's settings. Only for trees that have begun."""
        assert self.created is not None, "a tree begins with run_created"
        return self.created

    @property
    def maximize(self) -> bool:
        return self.setup.maximize

    @property
    def paused(self) -> bool:
        """Whether the whole run is held, by a person or by the engine."""
        return self.state == "paused" or (ROOT in self.nodes and "paused" in self.nodes[ROOT].flags)

    def trial(self, trial: str) -> Trial:
        return self.nodes[trial.split("t")[0]].trials[trial]

    def score(self, node: str) -> Score | None:
        """A node's score: its best trial's."""
        best = self.nodes[node].best(self.maximize)
        return best.score if best else None

    def better(self, a: float, b: float) -> bool:
        """Whether `a` is better than `b` in the metric's direction."""
        return a > b if self.maximize else a < b

    def flagged(self, node: str, flag: ev.Flag) -> bool:
        """Whether the node or one of its ancestors carries the flag."""
        while True:
            here = self.nodes[node]
            if flag in here.flags:
                return True
            if node == ROOT:
                return False
            node = here.parent

    def path(self, node: str) -> list[str]:
        """From the root to the node, both included."""
        found = [node]
        while found[-1] != ROOT:
            found.append(self.nodes[found[-1]].parent)
        return found[::-1]

    def subtree(self, node: str) -> Iterator[str]:
        """The node and everything below it, parents before children."""
        stack = [node]
        while stack:
            here = stack.pop()
            yield here
            stack.extend(reversed(self.nodes[here].children))

    def running(self) -> list[Trial]:
        return [t for n in self.nodes.values() for t in n.trials.values() if t.state == "running"]

    def scored(self) -> list[Trial]:
        """Trials with a validation score, the root's included, that no person has pruned."""
        alive = [n for n in self.nodes if not self.flagged(n, "pruned")]
        return [t for n in alive for t in self.nodes[n].trials.values() if t.score is not None]

    def best_trial(self) -> Trial | None:
        """The best validation score so far, pruned nodes left out."""
        sign = 1.0 if self.maximize else -1.0
        return max(self.scored(), key=lambda t: sign * t.score.value if t.score else 0.0, default=None)

    def taken(self) -> frozenset[str]:
        """Fingerprints of all plans, whatever became of them."""
        return frozenset(n.plan.fingerprint for n in self.nodes.values() if n.plan)

    def elapsed(self, now: float) -> float:
        """Seconds that count for the budget: without pauses and without the time no engine was there."""
        end = self.ended_at if self.ended_at is not None else self.paused_at if self.paused_at is not None else now
        return max(0.0, end - self.started_at - self.idle_seconds)


def fold(records: Iterable[ev.Record]) -> Tree:
    """The tree after these records, in order."""
    tree = Tree()
    for record in records:
        tree = apply(tree, record)
    return tree


def apply(tree: Tree, record: ev.Record) -> Tree:
    """The tree after one more record."""
    _APPLY[type(record.event)](tree, record.event, record.time)
    if not tree.run:
        tree.run = record.run
    tree.last_seq, tree.last_time = record.seq, record.time
    return tree


def _created(tree: Tree, event: ev.RunCreated, time: float) -> None:
    tree.created, tree.started_at = event, time
    root = Node(id=ROOT, parent=ROOT, depth=0, added_at=time)
    root.trials[ROOT_TRIAL] = Trial(id=ROOT_TRIAL, node=ROOT, config=None)
    tree.nodes[ROOT] = root


def _added(tree: Tree, event: ev.NodeAdded, time: float) -> None:
    parent = tree.nodes[event.parent]
    parent.children = (*parent.children, event.node)
    tree.nodes[event.node] = Node(
        id=event.node,
        parent=event.parent,
        depth=parent.depth + 1,
        added_at=time,
        direction=event.direction,
        why=event.why,
    )


def _asked(tree: Tree, event: ev.Asked, _time: float) -> None:
    tree.tape[event.call] = event
    spent = tree.research_seconds
    spent[event.node] = spent.get(event.node, 0.0) + event.seconds


def _planned(tree: Tree, event: ev.Planned, _time: float) -> None:
    node = tree.nodes[event.node]
    node.plan, node.direction = event.plan, event.plan.direction
    for index, config in enumerate(event.plan.trials):
        trial = f"{event.node}t{index}"
        node.trials[trial] = Trial(id=trial, node=event.node, config=config)


def _data_ready(tree: Tree, event: ev.DataReady, _time: float) -> None:
    node = tree.nodes[event.node]
    node.rows, node.dropped, node.data_seconds = event.rows, event.dropped, event.seconds


def _launched(tree: Tree, event: ev.Launched, time: float) -> None:
    if event.split != "validation":
        tree.judging = event
        return
    trial = tree.trial(event.trial)
    trial.state, trial.attempts, trial.launched_at = "running", event.attempt, time


def _finished(tree: Tree, event: ev.Finished, _time: float) -> None:
    trial = tree.trial(event.trial)
    trial.state, trial.score = "done", Score(event.score, event.low, event.high, event.items)
    trial.seconds, trial.train_seconds, trial.evaluate_seconds = (
        event.seconds,
        event.train_seconds,
        event.evaluate_seconds,
    )
    trial.examples, trial.reused, trial.changed, trial.cause = event.examples, event.reused, event.changed, ""
    tree.machine_causes.clear()


def _failed(tree: Tree, event: ev.Failed, _time: float) -> None:
    if event.kind == "machine":
        tree.machine_causes.append(event.cause)
    if event.split != "validation":
        tree.judging = None
        if event.kind != "machine":
            tree.trial(event.trial).cause = event.cause
        return
    node = tree.nodes[event.node]
    if not event.trial:
        if event.kind != "machine":
            node.failed, node.failure = True, event.cause
        return
    trial = tree.trial(event.trial)
    trial.kind, trial.cause = event.kind, event.cause
    trial.state = {"machine": "queued", "cancelled": "cancelled"}.get(event.kind, "failed")  # type: ignore[assignment]
    node.failure = "" if event.kind == "machine" else event.cause


def _interrupted(tree: Tree, event: ev.Interrupted, _time: float) -> None:
    if event.split != "validation":
        tree.judging = None
        return
    trial = tree.trial(event.trial)
    trial.state, trial.cause = "interrupted", event.cause
    trial.deaths += event.died


def _diagnosed(tree: Tree, event: ev.Diagnosed, _time: float) -> None:
    node = tree.nodes[event.node]
    node.diagnosis, node.read = event.text, True


def _learned(tree: Tree, event: ev.Learned, _time: float) -> None:
    tree.insights[event.insight] = event
    tree.nodes[event.node].insight = event.text


def _flag_set(tree: Tree, event: ev.FlagSet, _time: float) -> None:
    node = tree.nodes[event.node]
    node.flags = node.flags | {event.flag} if event.on else node.flags - {event.flag}


def _paused(tree: Tree, event: ev.RunPaused, time: float) -> None:
    tree.state, tree.reason = "paused", event.reason
    tree.paused_at = time if tree.paused_at is None else tree.paused_at


def _resumed(tree: Tree, _event: ev.RunResumed, time: float) -> None:
    if tree.paused_at is not None:
        tree.idle_seconds += time - tree.paused_at
    tree.paused_at, tree.state, tree.reason = None, "running", ""
    tree.machine_causes.clear()


def _stop_asked(tree: Tree, event: ev.StopAsked, _time: float) -> None:
    tree.stop_by = event.by or "somebody"


def _adopted(tree: Tree, event: ev.Adopted, _time: float) -> None:
    if tree.paused_at is None:
        tree.idle_seconds += event.idle_seconds


def _confirmed(tree: Tree, event: ev.Confirmed, _time: float) -> None:
    tree.trial(event.trial).confirm = Score(event.score, event.low, event.high, event.items)
    tree.judging = None
    tree.machine_causes.clear()


def _champion(tree: Tree, event: ev.ChampionChosen, time: float) -> None:
    tree.champion, tree.champion_reason = event.trial, event.reason
    # The search ends here; what the report costs is not the search's budget.
    tree.ended_at = time if tree.ended_at is None else tree.ended_at


def _test_opened(tree: Tree, event: ev.TestOpened, time: float) -> None:
    tree.test_openings.append((time, event))


def _tested(tree: Tree, event: ev.Tested, _time: float) -> None:
    tree.trial(event.trial).test = Score(event.score, event.low, event.high, event.items)
    tree.judging = None
    tree.machine_causes.clear()


def _noted(tree: Tree, event: ev.Noted, time: float) -> None:
    tree.notes.append((time, event))


def _ended(tree: Tree, event: ev.RunEnded, time: float) -> None:
    tree.state, tree.reason = event.state, event.reason
    tree.ended_at = time if tree.ended_at is None else tree.ended_at


# Each handler is paired with the type of its key; no annotation can say that of a dict.
_APPLY: dict[type[ev.Event], Callable[[Tree, Any, float], None]] = {
    ev.RunCreated: _created,
    ev.NodeAdded: _added,
    ev.Asked: _asked,
    ev.Planned: _planned,
    ev.DataReady: _data_ready,
    ev.Launched: _launched,
    ev.Finished: _finished,
    ev.Failed: _failed,
    ev.Interrupted: _interrupted,
    ev.Diagnosed: _diagnosed,
    ev.Learned: _learned,
    ev.FlagSet: _flag_set,
    ev.RunPaused: _paused,
    ev.RunResumed: _resumed,
    ev.StopAsked: _stop_asked,
    ev.Adopted: _adopted,
    ev.Confirmed: _confirmed,
    ev.ChampionChosen: _champion,
    ev.TestOpened: _test_opened,
    ev.Tested: _tested,
    ev.Noted: _noted,
    ev.RunEnded: _ended,
}
