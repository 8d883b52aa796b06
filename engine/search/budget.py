"""Budgets: what a step will cost, and whether the rest of the run's time allows it. Pure.

Costs come from the run's own finished trials, so the estimate is right for this machine after the first.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.plan import TrialConfig
from engine.search.tree import ROOT, ROOT_TRIAL, Tree
from engine.space import examples_seen

# Before any training was seen: one example costs about three times the judging of one (forward and backward
# against forward alone); measured 2.2-3 on a 2-core CPU.
TRAIN_TO_JUDGE = 3.0
FIRST_RESEARCH = 30.0  # seconds of planning and diagnosis of a round, before one was seen


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
    """Kept back for confirming the best few."""
    rate = rates(tree)
    trained = sum(1 for t in tree.scored() if t.config is not None)
    candidates = min(tree.setup.confirm_candidates, max(1, trained))
    return candidates * (rate.fixed + rate.per_item * validation_items(tree))


def remaining_seconds(tree: Tree, now: float) -> float:
    """What is left of the wall budget for planning and training."""
    return tree.setup.wall_seconds - tree.elapsed(now) - reserve_seconds(tree)


def can_afford_trial(tree: Tree, config: TrialConfig, now: float) -> bool:
    return trial_seconds(tree, config) <= remaining_seconds(tree, now)


def can_afford_round(tree: Tree, cheapest: TrialConfig, now: float) -> bool:
    """Whether planning and one cheap trial still fit."""
    rate = rates(tree)
    return rate.research + rate.fixed + trial_seconds(tree, cheapest, rate) <= remaining_seconds(tree, now)


def rounds_left(tree: Tree) -> int:
    return max(0, tree.setup.rounds - (len(tree.nodes) - 1))


def finish_estimate(tree: Tree, now: float) -> float:
    """Unix seconds at which the search will probably end: by its rounds, at the latest by its budget."""
    latest = now + max(0.0, tree.setup.wall_seconds - tree.elapsed(now))
    rate = rates(tree)
    done = [t for n in tree.nodes.values() for t in n.trials.values() if t.score and t.config]
    if not done:
        return latest
    mean_trial = sum(t.seconds for t in done) / len(done)
    open_trials = sum(
        t.state in ("queued", "running", "interrupted") for n in tree.nodes.values() for t in n.trials.values()
    )
    ahead = open_trials + rounds_left(tree) * tree.setup.trials_per_round
    return min(latest, now + ahead * mean_trial + rounds_left(tree) * rate.research + reserve_seconds(tree))
