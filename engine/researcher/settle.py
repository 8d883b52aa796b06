"""From a model's answer to a plan: on the grid, new, affordable; or the reason why it cannot be one. Pure.

What the grammar already guarantees is checked again, because an answer is untrusted wherever it comes from.
"""

from __future__ import annotations

import msgspec

from engine.aidp import recipe as aidp
from engine.plan import Direction, Plan, TrialConfig, plan_fingerprint, trial_fingerprint
from engine.researcher.asking import Refused, sentence
from engine.researcher.facts import Facts
from engine.researcher.schema import AMOUNT, NO_INSIGHT, offered, written
from engine.space import affordable, changed, examples_seen, grid_for, with_knob

Changes = tuple[str, ...]  # as `engine.researcher.schema.written` spells them


class PlanAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    hypothesis: str
    trials: tuple[Changes, ...]
    recipe: tuple[aidp.AnyOperator, ...] = ()
    builds_on: str = NO_INSIGHT


def settle(facts: Facts, direction: Direction, answer: PlanAnswer) -> Plan:
    """The answer as a plan that is new and affordable. Raises Refused with the reason. Pure."""
    recipe = _recipe(facts, direction, answer)
    configs = list(dict.fromkeys(_config(facts, changes) for changes in answer.trials))
    if not configs:
        raise Refused("there is no trial in it")
    if plan_fingerprint(recipe, tuple(configs)) in facts.taken:
        raise Refused("this very plan was tried already")
    refusals = {config: reason for config in configs if (reason := _objection(facts, recipe, config))}
    kept = tuple(config for config in configs if config not in refusals)
    if not kept:
        raise Refused("; ".join(dict.fromkeys(refusals.values())))
    named = dict(zip((f"i{n}" for n in range(1, len(facts.insights) + 1)), facts.insights, strict=True))
    return Plan(
        direction=direction,
        hypothesis=sentence(answer.hypothesis),
        recipe=recipe,
        trials=kept,
        source="researcher",
        insights_given=given(facts),
        insights_named=(named[answer.builds_on].id,) if answer.builds_on in named else (),
        note="; ".join(f"dropped: {reason}" for reason in refusals.values()),
    )


def _recipe(facts: Facts, direction: Direction, answer: PlanAnswer) -> aidp.Recipe:
    if direction != "refine_data":
        return facts.start.recipe
    names = [aidp.operator_name(operator) for operator in answer.recipe]
    if not names:
        raise Refused("the recipe is empty")
    if len(set(names)) < len(names):
        raise Refused("the recipe uses an operator twice")
    there = {aidp.operator_name(kind) for kind in offered(facts.task)}
    if strange := [name for name in names if name not in there]:
        raise Refused(f"{strange[0]} is not offered; there are {', '.join(sorted(there))}")
    for operator in answer.recipe:
        if isinstance(operator, aidp.FilterLength) and operator.min_words > operator.max_words:
            raise Refused("filter_length with min_words above max_words keeps no row")
    if answer.recipe == facts.start.recipe.operators:
        raise Refused("the recipe is the start recipe; refine_data has to change it")
    return aidp.Recipe(operators=answer.recipe, seed=facts.start.recipe.seed)


def _config(facts: Facts, changes: Changes) -> TrialConfig:
    """The start configuration with these changes. Raises Refused for what is not on the grid."""
    grid = grid_for(facts.task.space)
    config = facts.start.config
    changes = tuple(dict.fromkeys(changes))  # the same change said twice is one change
    named = [change.partition("=")[0] for change in changes]
    if len(set(named)) < len(named):
        raise Refused(f"a trial changes one knob twice: {', '.join(changes)}")
    for change in changes:
        for name, text in _single(change):
            spelt = {written(name, v): v for v in grid.get(name, ())}
            if f"{name}={text}" not in spelt:
                raise Refused(f"{name} cannot be {text}")
            config = with_knob(config, name, spelt[f"{name}={text}"])
    return config


def _single(change: str) -> list[tuple[str, str]]:
    """A change as (knob, value) pairs: two of them where it is the amount of data."""
    knob, _, value = change.partition("=")
    if knob != AMOUNT:
        return [(knob, value)]
    rows, _, epochs = value.partition("x")
    return [("rows", rows), ("epochs", epochs)]


def _objection(facts: Facts, recipe: aidp.Recipe, config: TrialConfig) -> str:
    """Why this trial cannot be run; empty where it can."""
    what = changed(facts.start.config, config)
    if trial_fingerprint(recipe, config) in facts.trained:
        return (
            "the start configuration itself was tried already"
            if config == facts.start.config
            else f"{what} was tried already"
        )
    limit = facts.task.budget.examples_per_trial
    if not affordable(config, limit):
        return f"{what} trains on {examples_seen(config):,} examples, more than the {limit:,} of a trial"
    return ""


def given(facts: Facts) -> tuple[str, ...]:
    """Ids of the insights that a plan is given."""
    return tuple(known.id for known in facts.insights)
