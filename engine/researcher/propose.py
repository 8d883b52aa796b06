"""Proposing a plan: direction, then plan, from the language model; checked; a sampled plan where it fails.

Two rules hold whatever the model says: every plan is new and affordable, and a round with room left is filled up
with a sampled trial, so that a weak model costs the search little more than sampling alone would.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import msgspec

from engine.plan import Direction, Plan, trial_fingerprint
from engine.researcher.asking import Outcome, Question, Refused, Tape, ask, parse, sentence
from engine.researcher.facts import Facts, first_recipe, parent_plan, tried
from engine.researcher.memory import brief, system
from engine.researcher.model import LanguageModel
from engine.researcher.prompts import findings, prompt
from engine.researcher.schema import direction_schema, offered, plan_schema
from engine.researcher.settle import PlanAnswer, given, settle
from engine.space import changed, grid_for, sample_config, sample_plan
from engine.task import Task

OFFERED: tuple[Direction, ...] = (
    "adjust_training",
    "refine_data",
)  # synthesise_data: a small model's rows are too dear
DIRECTION_TRIES, PLAN_TRIES = 2, 3
DIRECTION_TOKENS, PLAN_TOKENS = 100, 400
COUNTS = {1: "one trial", 2: "two trials", 3: "three trials", 4: "four trials", 5: "five trials"}


class DirectionAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reason: str
    direction: Direction


async def propose(facts: Facts, model: LanguageModel | None, tape: Tape, direction: Direction | None = None) -> Plan:
    """The plan for `facts.node`, in `direction` where that is settled. `model` None: sampled.

    Raises MachineFailure where the model cannot be reached, BadInput where the space holds nothing new.
    """
    if direction == "baseline":
        return baseline_plan(facts.task)
    rng = random.Random(f"{facts.seed}/{facts.node}" + (f"/again{facts.turn}" if facts.turn else ""))
    offered = (direction,) if direction else offer(facts)
    if model is None:
        return sampled(facts, rng.choice(offered), rng, "no Researcher in this run")
    first = await _choose_direction(facts, model, tape, offered)
    if first.value is None:
        return sampled(facts, rng.choice(offered), rng, _why("direction", first.refusals))
    reason, chosen = first.value
    second = await _choose_plan(facts, model, tape, chosen, reason)
    if second.value is None:
        return sampled(facts, chosen, rng, _why("plan", second.refusals))
    return filled_up(facts, second.value, rng)


def baseline_plan(task: Task) -> Plan:
    """What one would try by hand: the task's baseline configuration on plainly cleaned rows. One trial, by rule."""
    return Plan(
        direction="baseline",
        hypothesis="The task's own baseline: the score that every later plan has to beat.",
        recipe=first_recipe(task),
        trials=(task.baseline,),
        source="baseline",
    )


def offer(facts: Facts) -> tuple[Direction, ...]:
    """Directions to choose from: those that no sibling has tried, all where each was tried."""
    possible = tuple(d for d in OFFERED if d == "adjust_training" or not facts.task.search.no_operators)
    fresh = tuple(d for d in possible if d not in tried(facts.siblings))
    return fresh or possible


def sampled(facts: Facts, direction: Direction, rng: random.Random, why: str) -> Plan:
    """A plan from the same space, marked as sampled. Raises BadInput where nothing new is left."""
    taken = facts.taken
    while True:
        plan = sample_plan(
            direction,
            parent_plan(facts),
            grid_for(facts.task.space),
            examples=facts.task.budget.examples_per_trial,
            trials=facts.trials,
            taken=taken,
            rng=rng,
        )
        new = [config for config in plan.trials if trial_fingerprint(plan.recipe, config) not in facts.trained]
        if new:
            return msgspec.structs.replace(plan, trials=tuple(new), note=why, insights_given=given(facts))
        taken = taken | {plan.fingerprint}


def filled_up(facts: Facts, plan: Plan, rng: random.Random) -> Plan:
    """One more trial by rule where the model left room: the recipe alone, or a sample near the start."""
    if len(plan.trials) >= facts.trials:
        return plan
    grid, examples = grid_for(facts.task.space), facts.task.budget.examples_per_trial
    draws = (sample_config(facts.start.config, grid, examples, rng) for _ in range(32))
    candidates = [facts.start.config, *draws] if plan.direction == "refine_data" else draws
    for config in candidates:
        if trial_fingerprint(plan.recipe, config) not in facts.trained and config not in plan.trials:
            extra = f"trial {len(plan.trials)} was sampled ({changed(facts.start.config, config)})"
            note = f"{plan.note}; {extra}" if plan.note else extra
            return msgspec.structs.replace(plan, trials=(*plan.trials, config), note=note)
    return plan


async def _choose_direction(
    facts: Facts, model: LanguageModel, tape: Tape, offered: Sequence[Direction]
) -> Outcome[tuple[str, Direction]]:
    if len(offered) == 1:
        return Outcome(("", offered[0]))
    question = Question(
        node=facts.node,
        purpose="direction",
        system=system(facts.task),
        user=prompt("direction", facts=brief(facts)),
        schema=direction_schema(offered),
        max_tokens=DIRECTION_TOKENS,
        seed=facts.seed,
        turn=facts.turn,
    )

    def check(text: str) -> tuple[str, Direction]:
        answer = parse(text, DirectionAnswer)
        if answer.direction not in offered:
            raise Refused(f"the direction must be one of {', '.join(offered)}")
        return sentence(answer.reason), answer.direction

    return await ask(model, tape, question, check, DIRECTION_TRIES)


async def _choose_plan(
    facts: Facts, model: LanguageModel, tape: Tape, direction: Direction, reason: str
) -> Outcome[Plan]:
    grid, examples = grid_for(facts.task.space), facts.task.budget.examples_per_trial
    turn = len(facts.taken)
    both = " The trials differ from each other." if facts.trials > 1 else ""
    builds = "\nbuilds_on: the insight this plan makes use of." if facts.insights else ""
    question = Question(
        node=facts.node,
        purpose="plan",
        system=system(facts.task),
        user=prompt(
            "plan",
            facts=brief(facts),
            direction=direction,
            reason=reason,
            findings="\n".join(f"- {finding}" for finding in findings(direction, turn)),
            ask=prompt(f"plan_{direction}", trials=COUNTS[facts.trials], both=both, builds_on=builds),
        ),
        schema=plan_schema(
            direction,
            grid,
            facts.start.config,
            examples,
            facts.trials,
            len(facts.insights),
            facts.poor,
            offered(facts.task),
        ),
        max_tokens=PLAN_TOKENS,
        seed=facts.seed,
        turn=facts.turn,
    )
    return await ask(model, tape, question, lambda text: settle(facts, direction, parse(text, PlanAnswer)), PLAN_TRIES)


def _why(purpose: str, refusals: Sequence[str]) -> str:
    return f"the Researcher's {purpose} was refused {len(refusals)} times: {' | '.join(refusals)}"
