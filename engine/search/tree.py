"""The tree: everything that is known of a run, and the questions that are asked of it.

Nothing in it is stored anywhere: it is a fold over events (`engine.search.fold`). Not the policies (who is chosen
next) and not the journal (where the events lie).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from engine.plan import Direction, Plan, TrialConfig, trial_fingerprint
from engine.search import events as ev

State = Literal["planned", "queued", "running", "interrupted", "done", "failed", "cancelled"]
RunState = Literal["running", "paused", "done", "stopped", "failed"]

ROOT = "n0"
ROOT_TRIAL = "n0t0"
SETTLED: frozenset[State] = frozenset({"done", "failed", "cancelled"})
ENDED: frozenset[RunState] = frozenset({"done", "stopped", "failed"})


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
    device: str = ""
    result_sha256: str = ""
    flags: frozenset[ev.Flag] = frozenset()
    collected: bool = False  # its adapter and checkpoints were removed


@dataclass(frozen=True, slots=True)
class Deed:
    """Something a person did to the search. `before`: the limits, or the state of an insight, that it replaced."""

    seq: int
    time: float
    event: ev.AnyEvent
    before: ev.Limits | ev.InsightChanged | None = None


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
    data_sha256: str = ""
    forked_from: str = ""  # a person made this node out of that one
    by: str = ""  # who
    first: bool = False  # a fork that goes before what waits
    retries: int = 0

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
    insights: dict[str, ev.Learned] = field(default_factory=dict)  # as they were learned
    learned_at: dict[str, float] = field(default_factory=dict)
    insight_changes: dict[str, ev.InsightChanged] = field(default_factory=dict)  # how people have left them
    tape: dict[str, ev.Asked] = field(default_factory=dict)
    notes: list[tuple[float, ev.Noted]] = field(default_factory=list)
    state: RunState = "running"
    reason: str = ""
    paused_at: float | None = None
    begun: bool = False  # before that it waits in the queue, and no time passes
    started_at: float = 0.0  # of its work; until that has begun, when it was asked for
    ended_at: float | None = None
    idle_seconds: float = 0.0
    limits: ev.Limits = ev.Limits(rounds=0)
    device_seconds: float = 0.0
    hints: dict[str, ev.HintGiven] = field(default_factory=dict)
    hints_given: int = 0
    deeds: list[Deed] = field(default_factory=list)  # what people did and did not take back, oldest first
    stop_by: str = ""  # who asked to end the search early
    champion: str = ""
    champion_reason: str = ""
    test_openings: list[tuple[float, ev.TestOpened]] = field(default_factory=list)
    machine_causes: list[str] = field(default_factory=list)
    judging: ev.Launched | None = None  # a confirm or test job in flight
    judging_since: float = 0.0
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

    @property
    def over(self) -> bool:
        return self.state in ENDED

    @property
    def rounds(self) -> int:
        """Nodes that the policy added: the root is no round, and a person's fork costs none."""
        return sum(1 for node in self.nodes.values() if node.id != ROOT and not node.forked_from)

    @property
    def launched(self) -> int:
        """Trials that were ever started, the base model's left out."""
        trials = (t for node in self.nodes.values() for t in node.trials.values())
        return sum(1 for trial in trials if trial.attempts and trial.config)

    @property
    def device(self) -> Literal["", "cpu", "cuda"]:
        """Where this run's trials run: where its first one did. Empty before that."""
        fresh = (t for node in self.nodes.values() for t in node.trials.values() if t.device and not t.reused)
        first = next(fresh, None)
        return "" if first is None else "cpu" if first.device == "cpu" else "cuda"

    @property
    def allowed_seconds(self) -> float:
        """Seconds, counted like `elapsed`, in which the report must stand; infinite without a limit."""
        wall, until = self.limits.wall_seconds, self.limits.until
        clock = until - self.started_at - self.idle_seconds if until else math.inf
        return min(wall or math.inf, clock)

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

    def holds(self, trial: str, flag: ev.Flag) -> bool:
        """Whether the trial, its node or one of its ancestors carries the flag."""
        here = self.trial(trial)
        return flag in here.flags or self.flagged(here.node, flag)

    def hints_for(self, node: str) -> tuple[str, ...]:
        """The advice that holds for a node: its own and its ancestors', oldest first."""
        path = set(self.path(node))
        return tuple(hint.text for hint in self.hints.values() if hint.node in path)

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

    def tried(self) -> dict[str, str]:
        """Fingerprints of all trials that were planned (recipe and configuration), and which trial each is."""
        return {
            trial_fingerprint(node.plan.recipe, trial.config): trial.id
            for node in self.nodes.values()
            if node.plan
            for trial in node.trials.values()
            if trial.config
        }

    def elapsed(self, now: float) -> float:
        """Seconds that count for the budget: without the queue, pauses and the time no engine was there."""
        if not self.begun:
            return 0.0
        end = self.ended_at if self.ended_at is not None else self.paused_at if self.paused_at is not None else now
        return max(0.0, end - self.started_at - self.idle_seconds)
