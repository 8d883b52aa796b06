"""A fork's plan: another node's, with a person's edits. Pure; the edits are untrusted words.

Not the event and not the check whether time is left (`engine.steering`).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from engine import strict
from engine.aidp.recipe import Recipe
from engine.errors import BadInput
from engine.plan import Direction, Plan, TrialConfig, trial_fingerprint
from engine.search.tree import ROOT, Node, Tree, Trial
from engine.space import affordable
from engine.task import Task, changed

WHERE = "the fork"
KNOBS = frozenset(TrialConfig.__struct_fields__)  # may be given without `training.`


class Draft(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What can be edited, under the names that `--set` uses."""

    training: TrialConfig
    recipe: Recipe
    hypothesis: str
    direction: Direction


def edited(tree: Tree, node: str, trial: str, changes: Mapping[str, str], start: Plan) -> Plan:
    """The plan of a fork with one trial. `start`: the plan that the root stands for, the task's baseline.

    Raises BadInput where nothing is changed, or a change is none of the plan's.
    """
    plan = start if node == ROOT else tree.nodes[node].plan
    if plan is None:
        raise BadInput(f"{node} has no plan yet", hint="wait until it is planned, or fork its parent")
    draft = Draft(
        training=_config(tree, tree.nodes[node], trial, plan),
        recipe=plan.recipe,
        hypothesis=f"A fork of {trial or node}: {', '.join(f'{k} = {v}' for k, v in changes.items())[:1500]}",
        direction="adjust_training" if plan.direction == "baseline" else plan.direction,
    )
    full = {f"training.{name}" if name in KNOBS else name: value for name, value in changes.items()}
    made = strict.convert(changed(msgspec.to_builtins(draft), full), Draft, source="--set")
    return Plan(
        direction=made.direction,
        hypothesis=made.hypothesis[:2000],
        recipe=made.recipe,
        trials=(made.training,),
        source="person",
    )


def _config(tree: Tree, node: Node, trial: str, plan: Plan) -> TrialConfig:
    chosen: Trial | None = node.trials.get(trial) if trial else node.best(tree.maximize)
    return chosen.config if chosen and chosen.config else plan.trials[0]


def check(tree: Tree, task: Task, plan: Plan) -> None:
    """Raises BadInput where the plan repeats what was tried, or is more than the task allows."""
    tried = tree.tried()
    for config in plan.trials:
        if same := tried.get(trial_fingerprint(plan.recipe, config)):
            raise BadInput(f"{same} is this very trial already", where=WHERE, hint="change something in it")
        if not affordable(config, task.budget.examples_per_trial):
            raise BadInput(
                f"it trains on more than the task's {task.budget.examples_per_trial:,} examples a trial",
                where=WHERE,
                hint="lower rows or epochs",
            )
