"""A finished round as plain facts, and what it showed by rule: better, worse or a tie, and by which change.

Not the model's reading of it (`engine.researcher.diagnose`). Pure; validation rows only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

from engine.aidp.recipe import Recipe, describe, operator_name
from engine.plan import TrialConfig
from engine.researcher.memory import one_line
from engine.researcher.schema import steps
from engine.search.tree import ROOT_TRIAL
from engine.task import Task

Verdict = Literal["better", "worse", "tie"]

BAD_CASES, CASE_CHARACTERS = 4, 120


@dataclass(frozen=True)
class Paired:
    """One trial against another over the same items: the difference of the metric with its 95% paired interval."""

    against: str  # trial
    difference: float  # this trial's score minus the other's
    low: float
    high: float

    def verdict(self, maximize: bool) -> Verdict:
        """Beyond the noise or not: the interval has to leave zero out."""
        if self.low <= 0.0 <= self.high:
            return "tie"
        return "better" if (self.low > 0.0) == maximize else "worse"


@dataclass(frozen=True)
class Curve:
    """A trial of the round: its end, and its training in four numbers. NaN-free; 0.0 where nothing was trained."""

    trial: str
    config: TrialConfig
    score: float | None = None
    first_loss: float = 0.0
    last_loss: float = 0.0
    top_grad_norm: float = 0.0
    failure: str = ""


@dataclass(frozen=True)
class BadCase:
    """A validation row that the best trial got wrong. Validation only: no other split may come here."""

    prompt: str
    gold: str
    answer: str
    was_right: bool  # the reference trial had it right


@dataclass(frozen=True)
class Round:
    """A finished round and what it is compared with: `engine.researcher.facts.reference_of` names that trial."""

    node: str
    best: str  # the best trial; empty where all failed
    hypothesis: str
    start_recipe: Recipe
    recipe: Recipe
    start: TrialConfig
    curves: tuple[Curve, ...]
    against_reference: Paired | None = None
    against_base: Paired | None = None

    @property
    def is_against_base(self) -> bool:
        """Whether what the plan set out from has no score: the difference is training's, not a changed knob's."""
        return self.against_reference is not None and self.against_reference.against == ROOT_TRIAL

    bad_cases: tuple[BadCase, ...] = ()
    cancelled: frozenset[str] = frozenset()  # ended unjudged, by a person or for want of time: they show nothing


@dataclass(frozen=True)
class Lesson:
    """`insight` opens with the facts; `verdict` is the rule's. `refusals`: why the model's answers were not used.

    An empty insight: no trial has shown anything, and nothing is to be learned from that.
    """

    diagnosis: str
    insight: str
    verdict: Verdict
    source: Literal["researcher", "rule"]
    refusals: tuple[str, ...] = ()


def rule_lesson(round_: Round, task: Task) -> Lesson:
    """What can be said without a model."""
    maximize = task.metric.direction == "maximize"
    paired = round_.against_reference
    verdict = paired.verdict(maximize) if paired else "tie"
    return Lesson(
        diagnosis="; ".join(_curve_line(round_, curve) for curve in round_.curves),
        insight="" if round_.cancelled >= {c.trial for c in round_.curves} else _headline(round_, paired, verdict),
        verdict=verdict,
        source="rule",
    )


def facts_of(round_: Round, task: Task) -> str:
    """The round as the model reads it, newest and most telling last."""
    rows = [f"Round {round_.node} is over. Its hypothesis: {one_line(round_.hypothesis, 240)}"]
    if round_.recipe != round_.start_recipe:
        rows.append(f"Recipe: {describe(round_.start_recipe)} was replaced by {describe(round_.recipe)}")
    rows += [_curve_line(round_, curve) for curve in round_.curves]
    if round_.against_base:
        rows.append(f"{round_.best} against the untrained base model: {_points(round_.against_base)}")
    if round_.bad_cases:
        rows.append("Rows it still gets wrong (text | right answer | its answer):")
        rows += [_case_line(case) for case in round_.bad_cases[:BAD_CASES]]
    rows.append(rule_lesson(round_, task).insight)
    return "\n".join(rows)


def openings_of(round_: Round, verdict: Verdict) -> tuple[str, ...]:
    """How an insight may begin: each change of the best trial with what came of it, `Raising learning_rate helped`.

    By rule, so that a sentence can neither leave out the knob nor turn its effect round.
    """
    best = next((curve.config for curve in round_.curves if curve.trial == round_.best), None)
    if best is None or round_.is_against_base:
        return ()
    effect = {"better": "helped", "worse": "hurt", "tie": "made no clear difference"}[verdict]
    changes = [*_knob_changes(round_.start, best), *_recipe_changes(round_.start_recipe, round_.recipe)]
    return tuple(f"{change} {effect}" for change in changes)


def _knob_changes(old: TrialConfig, new: TrialConfig) -> list[str]:
    before, after = msgspec.structs.asdict(old), msgspec.structs.asdict(new)
    found = []
    for knob, value in after.items():
        if value == before[knob]:
            continue
        if isinstance(value, str):
            found.append(f"Setting {knob} to {value}")
        else:
            found.append(f"{'Raising' if value > before[knob] else 'Lowering'} {knob}")
    return found


def _recipe_changes(old: Recipe, new: Recipe) -> list[str]:
    before = {operator_name(operator): operator for operator in old.operators}
    after = {operator_name(operator): operator for operator in new.operators}
    found = [f"Adding {name}" for name in after if name not in before]
    found += [f"Removing {name}" for name in before if name not in after]
    found += [f"Changing {name}" for name in after if name in before and after[name] != before[name]]
    return found or (["Reordering the recipe"] if old.operators != new.operators else [])


def _headline(round_: Round, paired: Paired | None, verdict: Verdict) -> str:
    """`learning_rate=0.0003 (was 0.0001): +4.0 points (n2t0 against n1t0, beyond the noise).`"""
    what = _what_changed(round_)
    if not round_.best:
        ran = [c for c in round_.curves if c.trial not in round_.cancelled]
        causes = "; ".join(dict.fromkeys(one_line(c.failure, 120) for c in ran if c.failure))
        every = "every trial" if len(ran) == len(round_.curves) else "every trial that was not cancelled"
        return f"{what}: {every} failed ({causes or 'no reason given'})."
    if paired is None:
        score = next(c.score for c in round_.curves if c.trial == round_.best)
        return f"{what}: {score:.3f} ({round_.best}, nothing to compare it with)."
    noise = "within the noise: no clear difference" if verdict == "tie" else f"beyond the noise: {verdict}"
    return f"{what}: {_points(paired)} ({round_.best} against {paired.against}, {noise})."


def _what_changed(round_: Round) -> str:
    ran = [c for c in round_.curves if c.trial not in round_.cancelled]
    config = next((c.config for c in ran if c.trial == round_.best), ran[0].config)
    new, old = steps(round_.start, config), steps(config, round_.start)
    if round_.is_against_base and config != round_.start:
        return f"training with {new}"
    parts = [] if config == round_.start else [f"{new} instead of {old}"]
    if round_.recipe != round_.start_recipe:
        parts.append(f"recipe {describe(round_.recipe)} instead of {describe(round_.start_recipe)}")
    return ", ".join(parts) or "the start configuration"


def _curve_line(round_: Round, curve: Curve) -> str:
    head = f"{curve.trial}: {steps(round_.start, curve.config)}"
    if curve.trial in round_.cancelled:
        return f"{head}: cancelled ({one_line(curve.failure, 120) or 'no reason given'})"
    if curve.score is None:
        return f"{head}: failed ({one_line(curve.failure, 120)})"
    training = f"loss {curve.first_loss:.2f} to {curve.last_loss:.2f}, top gradient norm {curve.top_grad_norm:.1f}"
    return f"{head}: score {curve.score:.3f}, {training}"


def _points(paired: Paired) -> str:
    return f"{100 * paired.difference:+.1f} points [{100 * paired.low:+.1f}, {100 * paired.high:+.1f}]"


def _case_line(case: BadCase) -> str:
    new = " | new mistake" if case.was_right else ""
    return f"- {one_line(case.prompt, CASE_CHARACTERS)} | {one_line(case.gold, 30)} | {one_line(case.answer, 30)}{new}"
