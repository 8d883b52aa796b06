"""What a new search will take, from earlier ones of the same task and base model. Pure.

Not what is left of a search that goes on (`engine.search.budget`), whose rates are used.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from engine.search import budget
from engine.search.tree import Tree
from engine.task import Task
from trex_tui.model.format import duration, plural


def outlook(task: Task, runs: Mapping[str, Tree], rounds: int, seconds: float) -> str:
    """`rounds` in at most `seconds` (0 = no limit), as a sentence."""
    asked = f"{plural(rounds, 'round')} of at most {plural(task.budget.trials_per_round, 'trial')}"
    limit = f"at most {duration(seconds)}" if seconds else "no limit of time"
    earlier = source(task, runs)
    if earlier is None:
        return f"{asked}, {limit}; no earlier run of {task.name} to estimate from"
    tree = runs[earlier]
    trial, per_round, fixed = costs(task, tree)
    whole = fixed + rounds * per_round
    said = f"{asked} at {duration(trial)} a trial: about {duration(whole)}, by {earlier}"
    if not seconds or whole <= seconds:
        return f"{said}; {limit}"
    fitting = max(0, math.floor((seconds - fixed) / per_round))
    return f"{said}; {limit} leave room for {'about ' + plural(fitting, 'round') if fitting else 'no round'}"


def source(task: Task, runs: Mapping[str, Tree]) -> str | None:
    """The latest run of this task and base model in which a trial was trained."""
    for name, tree in reversed(list(runs.items())):
        same = tree.setup.task == task.name and tree.setup.base_model == task.model.base
        if same and any(trial.config is not None for trial in tree.scored()):
            return name
    return None


def costs(task: Task, tree: Tree) -> tuple[float, float, float]:
    """Seconds of a baseline trial, of a round, and of what every search does once (base model, confirm, test, report).

    At this machine's speed as that run saw it.
    """
    rate = budget.rates(tree)
    trial = budget.trial_seconds(tree, task.baseline, rate)
    judged = rate.fixed + rate.per_item * (tree.setup.confirm_items or budget.validation_items(tree))
    tested = rate.fixed + rate.per_item * (tree.setup.test_items or budget.validation_items(tree))
    once = judged * (1 + task.budget.confirm_candidates) + tested * budget.TESTED + budget.REPORT
    return trial, rate.research + task.budget.trials_per_round * trial, once
