"""Budgets: what a step will cost, and whether the rest of what the run may spend allows it. Pure.

Costs come from the run's own finished trials, so the estimate is right for this machine after the first. Time is kept
back for what follows the search: confirming, testing, the report.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.plan import TrialConfig
from engine.search.tree import ROOT, ROOT_TRIAL, Tree
from engine.space import examples_seen

# Before any training was seen: one example costs about three times the judging of one (forward and backward
# against forward alone); measured 2.2-3 on a 2-core CPU.
TRAIN_TO_JUDGE = 3.0
FIRST_RESEARCH = 30.0  # seconds of planning and diagnosis of a round, before one was seen
REPORT = 10.0  # seconds to write the report: every result is read and its intervals are computed
TESTED = 3  # trials that the report compares: base, baseline, champion
GIB = 2**30
FLOOR = GIB // 2  # bytes that stay free on the disk whatever a trial writes: journal, logs, the desktop's own


@dataclass(frozen=True)
class Room:
    """The disk, measured by the caller: bytes free, bytes of the run's folder, bytes that one trial may write."""

    free: int = 1 << 60
    used: int = 0
    trial: int = 0


@dataclass(frozen=True)
class Rates:
    """Seconds: fixed per process, per trained example, per judged item, per round of the Researcher."""

    fixed: float
    per_example: float
    per_item: float
    research: float


def rates(tree: Tree) -> Rates:
    """Rates seen so far in this run."""
    scored = [t for n in tree.nodes.values() for t in n.trials.values() if t.score]
    judged = [t for t in scored if t.evaluate_seconds > 0 and t.score]
    items = sum(t.score.items for t in judged if t.score)
    per_item = sum(t.evaluate_seconds for t in judged) / items if items else 0.1
    trained = [t for t in scored if t.examples and t.train_seconds > 0]
    examples = sum(t.examples for t in trained)
    per_example = sum(t.train_seconds for t in trained) / examples if examples else per_item * TRAIN_TO_JUDGE
    fresh = [t for t in scored if not t.reused]
    rest = [max(0.0, t.seconds - t.train_seconds - t.evaluate_seconds) for t in fresh]
    fixed = sum(rest) / len(rest) if rest else 5.0
    spent = [s for n, s in tree.research_seconds.items() if n != ROOT]
    return Rates(fixed, per_example, per_item, sum(spent) / len(spent) if spent else _first_research(tree))


def _first_research(tree: Tree) -> float:
    return 0.0 if tree.setup.researcher == "none" else FIRST_RESEARCH


def validation_items(tree: Tree) -> int:
    """Rows that every trial is judged on."""
    root = tree.nodes[ROOT].trials[ROOT_TRIAL]
    return root.score.items if root.score else 300


def trial_seconds(tree: Tree, config: TrialConfig, at: Rates | None = None) -> float:
    """Estimated seconds of one trial, start to end."""
    rate = at or rates(tree)
    return rate.fixed + rate.per_example * examples_seen(config) + rate.per_item * validation_items(tree)


def reserve_seconds(tree: Tree) -> float:
    """Kept back for what is still to come after the search: confirming the best few, testing, the report."""
    rate, setup = rates(tree), tree.setup
    confirmed = sum(1 for t in tree.scored() if t.confirm)
    trained = sum(1 for t in tree.scored() if t.config is not None)
    candidates = max(0, min(setup.confirm_candidates, max(1, trained)) - confirmed)
    return candidates * (rate.fixed + rate.per_item * _items(tree, setup.confirm_items)) + closing_seconds(tree)


def closing_seconds(tree: Tree) -> float:
    """Testing and the report."""
    rate = rates(tree)
    tests = TESTED - sum(1 for n in tree.nodes.values() for t in n.trials.values() if t.test)
    return max(0, tests) * (rate.fixed + rate.per_item * _items(tree, tree.setup.test_items)) + REPORT


def _items(tree: Tree, known: int) -> int:
    return known or validation_items(tree)


def remaining_seconds(tree: Tree, now: float) -> float:
    """What is left of the time for planning and training."""
    return tree.allowed_seconds - tree.elapsed(now) - reserve_seconds(tree)


def trial_refusal(tree: Tree, config: TrialConfig, now: float) -> str:
    """Why this trial cannot be started any more; empty where it can."""
    needs = trial_seconds(tree, config)
    if needs > (left := remaining_seconds(tree, now)):
        return f"no time left for it: about {needs:.0f} s needed, {max(left, 0):.0f} s remain"
    if exhausted := spent(tree, needs):
        return exhausted
    return ""


def spent(tree: Tree, needs: float) -> str:
    """Which budget other than the wall clock's has no room for a trial of `needs` seconds; empty where all have."""
    limits = tree.limits
    if limits.trials and tree.launched >= limits.trials:
        return f"the budget's trials ({limits.trials}) are used"
    if limits.device_seconds and tree.device_seconds + needs > limits.device_seconds:
        return f"the budget of {limits.device_seconds / 60:.3g} minutes on the device is used"
    return ""


def disk_shortage(room: Room) -> str:
    """Why nothing new should be written to the disk; empty where there is room. Never a budget: the disk itself."""
    needs = room.trial + FLOOR
    if room.free >= needs:
        return ""
    return (
        f"only {room.free / GIB:.2f} GiB are free on the workspace's disk and the next trial may need "
        f"{needs / GIB:.2f} GiB; free some space (`trex clean RUN` shows what can go), then resume"
    )


def over_disk(tree: Tree, room: Room) -> bool:
    """Whether another trial would take the run's folder over its budget."""
    return bool(tree.limits.disk_bytes) and room.used + room.trial > tree.limits.disk_bytes


def can_afford_round(tree: Tree, cheapest: TrialConfig, now: float) -> bool:
    """Whether planning and one cheap trial still fit."""
    rate = rates(tree)
    return rate.research + rate.fixed + trial_seconds(tree, cheapest, rate) <= remaining_seconds(tree, now)


def rounds_left(tree: Tree) -> int:
    return max(0, tree.limits.rounds - tree.rounds)


def finish_estimate(tree: Tree, now: float) -> float:
    """Unix seconds at which the report will probably stand: by what is left to try, at the latest by the budget.

    0 where nothing tells it yet.
    """
    latest = now + max(0.0, tree.allowed_seconds - tree.elapsed(now))
    rate = rates(tree)
    trials = [t for n in tree.nodes.values() for t in n.trials.values() if t.config]
    done = [t for t in trials if t.score]
    if not done:
        return latest if math.isfinite(latest) else 0.0
    mean_trial = sum(t.seconds for t in done) / len(done)
    open_trials = sum(t.state in ("queued", "running", "interrupted") for t in trials)
    ahead = open_trials + rounds_left(tree) * tree.setup.trials_per_round
    if tree.limits.trials:
        ahead = min(ahead, max(0, tree.limits.trials - tree.launched) + len(tree.running()))
    return min(latest, now + ahead * mean_trial + rounds_left(tree) * rate.research + reserve_seconds(tree))
