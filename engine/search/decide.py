"""What to do next, as a pure function of the tree and the time: `decide(tree, now) -> Command`.

The engine's loop carries the command out, journals what came of it, and asks again. A restart is therefore nothing
special: the fold gives the same tree, and the tree the same command.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.plan import TrialConfig
from engine.search import budget
from engine.search.budget import Room
from engine.search.events import Split
from engine.search.steering import collectable
from engine.search.tree import ROOT, ROOT_TRIAL, SETTLED, Node, Tree, Trial

MACHINE_FAILURES = 2  # in a row, before the run is paused


@dataclass(frozen=True)
class Judge:
    """Run a trial's process: train and judge on validation, or judge its adapter on confirm or test."""

    trial: str
    split: Split = "validation"


@dataclass(frozen=True)
class Follow:
    """A process of this run is (or was) at work: watch it to its end, adopting it where need be."""

    trial: str
    split: Split = "validation"


@dataclass(frozen=True)
class Interrupt:
    """Ask a running process to save its state and go: its branch or run was paused, pruned or stopped."""

    trial: str
    split: Split
    why: Literal["paused", "pruned", "stopped"]


@dataclass(frozen=True)
class MakePlan:
    node: str


@dataclass(frozen=True)
class PrepareData:
    node: str


@dataclass(frozen=True)
class Cancel:
    """A trial that will not be run any more."""

    trial: str
    cause: str


@dataclass(frozen=True)
class Diagnose:
    node: str


@dataclass(frozen=True)
class Grow:
    """Let the policy choose a parent and add a node."""


@dataclass(frozen=True)
class ChooseChampion:
    reason: str


@dataclass(frozen=True)
class OpenTest:
    trials: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """Write the report and end the run."""


@dataclass(frozen=True)
class Collect:
    """Remove these trials' adapters and checkpoints: the run's folder is at its budget."""

    trials: tuple[str, ...]


@dataclass(frozen=True)
class PauseRun:
    reason: str


@dataclass(frozen=True)
class Wait:
    """Nothing to do until a person acts."""

    reason: str


@dataclass(frozen=True)
class EndRun:
    reason: str
    state: Literal["done", "stopped", "failed"] = "done"


Command = (
    Judge
    | Follow
    | Interrupt
    | MakePlan
    | PrepareData
    | Cancel
    | Diagnose
    | Grow
    | ChooseChampion
    | OpenTest
    | Report
    | Collect
    | PauseRun
    | Wait
    | EndRun
)


AMPLE = Room()
WRITES = (Judge, MakePlan, PrepareData)


def decide(tree: Tree, now: float, cheapest: TrialConfig, room: Room = AMPLE) -> Command:
    """The next command. `cheapest`: the smallest trial of the search space, to see whether another round fits."""
    if tree.over:
        return Wait("the run has ended")
    if (busy := _in_flight(tree)) is not None:
        return busy
    if tree.paused:
        return Wait(tree.reason or "paused")
    if len(tree.machine_causes) >= MACHINE_FAILURES:
        return PauseRun(tree.machine_causes[-1])
    command = _next(tree, now, cheapest, room)
    if isinstance(command, WRITES) and (shortage := budget.disk_shortage(room)):
        return PauseRun(shortage)
    return command


def _next(tree: Tree, now: float, cheapest: TrialConfig, room: Room) -> Command:
    root = tree.nodes[ROOT].trials[ROOT_TRIAL]
    if root.state == "failed":
        return EndRun(f"the base model could not be judged: {root.cause}", "failed")
    if root.state != "done" and tree.stop_by:
        return EndRun(f"stopped by {tree.stop_by} before the base model was judged", "stopped")
    if root.state != "done":
        return Wait(f"{ROOT_TRIAL} is paused") if "paused" in root.flags else Judge(ROOT_TRIAL)
    if tree.champion:
        return _closing(tree)
    if tree.stop_by:
        return _stopping(tree)
    if budget.over_disk(tree, room) and (garbage := collectable(tree)):
        return Collect(tuple(trial.id for trial in garbage))
    return _open_node(tree, now, room) or _next_round(tree, now, cheapest, room)


def _in_flight(tree: Tree) -> Command | None:
    """A process that was launched and has not ended."""
    running = tree.running()
    if running:
        trial = running[0]
        why = _must_stop(tree, trial)
        return Interrupt(trial.id, "validation", why) if why else Follow(trial.id)
    if tree.judging is not None:
        paused = tree.paused
        job = tree.judging
        return Interrupt(job.trial, job.split, "paused") if paused else Follow(job.trial, job.split)
    return None


def is_held(tree: Tree, node: str) -> bool:
    """Whether planning, data and diagnosis of this node should stop where they are: a person has said so."""
    held = tree.flagged(node, "paused") or tree.flagged(node, "pruned")
    return held or tree.state == "paused" or bool(tree.stop_by)


def _must_stop(tree: Tree, trial: Trial) -> Literal["paused", "pruned", "stopped"] | None:
    if tree.holds(trial.id, "pruned"):
        return "pruned"
    if tree.stop_by:
        return "stopped"
    return "paused" if tree.state == "paused" or tree.holds(trial.id, "paused") else None


def _open_node(tree: Tree, now: float, room: Room) -> Command | None:
    """Carry on with the oldest node that is neither finished nor held. What was interrupted is finished before
    anything else, then a fork made to be first."""
    for node in sorted(tree.nodes.values(), key=lambda n: (n.state != "interrupted", not n.first)):
        if node.id == ROOT or node.failed or tree.flagged(node.id, "paused") or tree.flagged(node.id, "pruned"):
            continue
        if (command := _carry_on(tree, node, now, room)) is not None:
            return command
    return None


def _carry_on(tree: Tree, node: Node, now: float, room: Room) -> Command | None:
    if node.plan is None:
        return MakePlan(node.id)
    if node.rows is None:
        return PrepareData(node.id)
    waiting = [trial for trial in node.trials.values() if trial.state not in SETTLED]
    for trial in waiting:
        if "paused" not in trial.flags:
            return _launch(tree, trial, now, room)
    return Diagnose(node.id) if not node.read and not waiting and _can_be_read(tree, node) else None


def _can_be_read(tree: Tree, node: Node) -> bool:
    """Whether what the node is compared with has ended, or will not end for now: a person holds it."""
    baseline = (n for n in tree.nodes.values() if n.direction == "baseline")
    other = next(baseline, node) if node.parent == ROOT else tree.nodes[node.parent]
    if other is node or other.failed or tree.flagged(other.id, "paused") or tree.flagged(other.id, "pruned"):
        return True
    return all(t.state in SETTLED or "paused" in t.flags for t in other.trials.values())


def _launch(tree: Tree, trial: Trial, now: float, room: Room) -> Command:
    # A trial that was interrupted has spent part of its cost already: it is always finished.
    assert trial.config is not None
    if trial.state == "interrupted":
        return Judge(trial.id)
    refusal = budget.trial_refusal(tree, trial.config, now) or _no_disk(tree, room)
    return Cancel(trial.id, refusal) if refusal else Judge(trial.id)


def _no_disk(tree: Tree, room: Room) -> str:
    gib = tree.limits.disk_bytes / budget.GIB
    return f"the budget of {gib:.3g} GiB on the disk is used" if budget.over_disk(tree, room) else ""


def _stopping(tree: Tree) -> Command:
    for node in tree.nodes.values():
        for trial in node.trials.values():
            if trial.state not in SETTLED:
                return Cancel(trial.id, f"the search was stopped by {tree.stop_by}")
    return _confirming(tree, f"stopped by {tree.stop_by}")


def _next_round(tree: Tree, now: float, cheapest: TrialConfig, room: Room) -> Command:
    if not budget.can_afford_round(tree, cheapest, now):
        return _confirming(tree, "the time is used")
    if budget.rounds_left(tree) == 0:
        return _unless_paused(tree, f"all {tree.limits.rounds} rounds are done")
    if used_up := budget.spent(tree, budget.trial_seconds(tree, cheapest)) or _no_disk(tree, room):
        return _unless_paused(tree, used_up)
    held = [n for n in tree.nodes if tree.nodes[n].state == "done" and not tree.flagged(n, "pruned")]
    if held and all(tree.flagged(n, "paused") for n in held):
        return Wait("every branch is paused")
    return Grow()


def _unless_paused(tree: Tree, reason: str) -> Command:
    """While there is time, the search does not end over what a person has paused: it could never be resumed."""
    names = [n.id for n in tree.nodes.values() if _is_unfinished(n) and tree.flagged(n.id, "paused")]
    names += [t.id for n in tree.nodes.values() for t in n.trials.values() if _is_waiting(tree, t)]
    if not names:
        return _confirming(tree, reason)
    return Wait(f"{', '.join(names)}: paused, and all else is done; resume or prune, or `trex stop` ends the search")


def _is_unfinished(node: Node) -> bool:
    return node.id != ROOT and not node.failed and not node.read and "pruned" not in node.flags


def _is_waiting(tree: Tree, trial: Trial) -> bool:
    return "paused" in trial.flags and trial.state not in SETTLED and not tree.flagged(trial.node, "pruned")


def _confirming(tree: Tree, reason: str) -> Command:
    """The best few on validation are judged on the confirm split; the best of them there is the champion."""
    for trial in confirm_candidates(tree):
        if trial.confirm is None and not trial.cause:
            return Judge(trial.id, "confirm")
    return ChooseChampion(reason)


def confirm_candidates(tree: Tree) -> list[Trial]:
    """The best trained trials by validation score; the base model joins them where it is not beaten."""
    sign = 1.0 if tree.maximize else -1.0
    there = [t for t in tree.scored() if not t.collected]
    best = sorted(there, key=lambda t: -sign * t.score.value if t.score else 0.0)
    return best[: tree.setup.confirm_candidates]


def champion(tree: Tree) -> str:
    """The best candidate on the confirm split, then on validation; the base model where nothing was trained."""
    sign = 1.0 if tree.maximize else -1.0
    confirmed = [t for t in confirm_candidates(tree) if t.confirm is not None and t.score is not None]

    def key(trial: Trial) -> tuple[float, float]:
        assert trial.confirm is not None and trial.score is not None
        return sign * trial.confirm.value, sign * trial.score.value

    return max(confirmed, key=key).id if confirmed else ROOT_TRIAL


def tested_trials(tree: Tree) -> tuple[str, ...]:
    """What the report compares on the sealed split: base, the baseline node's best trial, champion."""
    baseline = next((n.best(tree.maximize) for n in tree.nodes.values() if n.direction == "baseline"), None)
    names = [ROOT_TRIAL, *([baseline.id] if baseline else []), *([tree.champion] if tree.champion else [])]
    return tuple(dict.fromkeys(names))


def _closing(tree: Tree) -> Command:
    """After the search: the sealed split, then the report."""
    trials = tested_trials(tree)
    opened = {name for _, opening in tree.test_openings for name in opening.trials}
    if set(trials) - opened:
        return OpenTest(trials)
    for name in trials:
        trial = tree.trial(name)
        if trial.test is None and not trial.cause:
            return Judge(name, "test")
    return Report()
