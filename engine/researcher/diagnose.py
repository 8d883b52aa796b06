"""After a round: what it showed, and the one sentence worth keeping.

What was better, worse or a tie is decided by rule, from the paired interval; the model explains, and its sentence is
kept behind the facts. Where it fails, or there is no model, the rule's own sentence is the insight.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import msgspec

from engine.aidp.recipe import Recipe, describe
from engine.plan import TrialConfig
from engine.researcher.asking import Question, Refused, Tape, ask, parse, sentence
from engine.researcher.memory import one_line, steps, system
from engine.researcher.model import LanguageModel
from engine.researcher.prompts import prompt
from engine.researcher.schema import AMOUNT, OPERATORS, diagnosis_schema
from engine.space import GRID
from engine.task import Task

Verdict = Literal["better", "worse", "tie"]

TRIES, TOKENS = 2, 200
BAD_CASES, CASE_CHARACTERS = 4, 120
PARROT = 0.8  # share of a sentence's words that may stand in one other sentence

NAMES = {
    *(knob.replace("_", " ") for knob in GRID),
    *(str(kind.__struct_config__.tag).replace("_", " ") for kind in OPERATORS),
    *(AMOUNT.replace("_", " "), "rank", "alpha", "dropout", "row", "epoch", "warmup", "warm-up", "dedup", "duplicates"),
    *("balanc", "filter", "shuffl", "noise", "target modules", "recipe"),
}
EFFECT = re.compile(
    r"\b(rais|increas|low|reduc|decreas|more|few|high|larg|small|add|remov|drop|without|improv|help|hurt|harm|better|worse"
    r"|no (clear )?(effect|difference|change)|little|same|keep|us(e|ing)|noise|longer|shorter)",
    re.IGNORECASE,
)
DOUBT = re.compile(
    r"noise|not clear|no clear|unclear|tie|inconclusive|no (real )?(difference|effect|change)|little|same", re.I
)


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
    bad_cases: tuple[BadCase, ...] = ()


@dataclass(frozen=True)
class Lesson:
    """`insight` opens with the facts; `verdict` is the rule's. `refusals`: why the model's answers were not used."""

    diagnosis: str
    insight: str
    verdict: Verdict
    source: Literal["researcher", "rule"]
    refusals: tuple[str, ...] = ()


class DiagnosisAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    diagnosis: str
    insight: str


async def diagnose(round_: Round, task: Task, model: LanguageModel | None, tape: Tape, seed: int = 0) -> Lesson:
    """Diagnosis and insight of a round with at least one curve. Raises MachineFailure: the model is out of reach."""
    ruled = rule_lesson(round_, task)
    if model is None:
        return ruled
    question = Question(
        node=round_.node,
        purpose="diagnosis",
        system=system(task),
        user=prompt("diagnosis", facts=facts_of(round_, task), verdict=_verdict_line(ruled.verdict)),
        schema=diagnosis_schema(),
        max_tokens=TOKENS,
        seed=seed,
    )

    def check(text: str) -> DiagnosisAnswer:
        answer = parse(text, DiagnosisAnswer)
        objection = objection_to(sentence(answer.insight), ruled.verdict, (round_.hypothesis, question.user))
        if objection:
            raise Refused(objection)
        return answer

    outcome = await ask(model, tape, question, check, TRIES)
    if outcome.value is None:
        return replace(ruled, refusals=outcome.refusals)
    return Lesson(
        diagnosis=sentence(outcome.value.diagnosis),
        insight=f"{ruled.insight} {sentence(outcome.value.insight)}",
        verdict=ruled.verdict,
        source="researcher",
        refusals=outcome.refusals,
    )


def rule_lesson(round_: Round, task: Task) -> Lesson:
    """What can be said without a model."""
    maximize = task.metric.direction == "maximize"
    paired = round_.against_reference
    verdict = paired.verdict(maximize) if paired else "tie"
    return Lesson(
        diagnosis="; ".join(_curve_line(round_, curve) for curve in round_.curves),
        insight=_headline(round_, paired, verdict),
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


def objection_to(insight: str, verdict: Verdict, known: Sequence[str]) -> str:
    """Why a model's insight is not worth keeping; empty where it is. Pure."""
    lowered = insight.lower().replace("_", " ")
    if not any(name in lowered for name in NAMES):
        return "the insight names no knob and no data operator"
    if not EFFECT.search(insight):
        return "the insight does not say what raising, lowering or using it did"
    if verdict == "tie" and not DOUBT.search(insight):
        return "the difference is within the noise, and the insight has to say so"
    if any(_parrots(insight, other) for text in known for other in re.split(r"(?<=[.!?:])\s|\n", text)):
        return "the insight repeats a sentence of the question"
    return ""


def _parrots(insight: str, other: str) -> bool:
    mine, theirs = (re.findall(r"[\w.]+", text.lower()) for text in (insight, other))
    if len(theirs) < 4:
        return False
    return len(set(mine) & set(theirs)) / max(len(set(mine)), len(set(theirs))) > PARROT


def _headline(round_: Round, paired: Paired | None, verdict: Verdict) -> str:
    """`learning_rate=0.0003 (was 0.0001): +4.0 points (n2t0 against n1t0, beyond the noise).`"""
    what = _what_changed(round_)
    if not round_.best:
        causes = "; ".join(dict.fromkeys(one_line(c.failure, 120) for c in round_.curves if c.failure))
        return f"{what}: every trial failed ({causes or 'no reason given'})."
    if paired is None:
        score = next(c.score for c in round_.curves if c.trial == round_.best)
        return f"{what}: {score:.3f} ({round_.best}, nothing to compare it with)."
    noise = "within the noise: no clear difference" if verdict == "tie" else f"beyond the noise: {verdict}"
    return f"{what}: {_points(paired)} ({round_.best} against {paired.against}, {noise})."


def _what_changed(round_: Round) -> str:
    config = next((c.config for c in round_.curves if c.trial == round_.best), round_.curves[0].config)
    new, old = steps(round_.start, config), steps(config, round_.start)
    parts = [] if config == round_.start else [f"{new} instead of {old}"]
    if round_.recipe != round_.start_recipe:
        parts.append(f"recipe {describe(round_.recipe)} instead of {describe(round_.start_recipe)}")
    return ", ".join(parts) or "the start configuration"


def _curve_line(round_: Round, curve: Curve) -> str:
    head = f"{curve.trial}: {steps(round_.start, curve.config)}"
    if curve.score is None:
        return f"{head}: failed ({one_line(curve.failure, 120)})"
    training = f"loss {curve.first_loss:.2f} to {curve.last_loss:.2f}, top gradient norm {curve.top_grad_norm:.1f}"
    return f"{head}: score {curve.score:.3f}, {training}"


def _points(paired: Paired) -> str:
    return f"{100 * paired.difference:+.1f} points [{100 * paired.low:+.1f}, {100 * paired.high:+.1f}]"


def _case_line(case: BadCase) -> str:
    new = " | new mistake" if case.was_right else ""
    return f"- {one_line(case.prompt, CASE_CHARACTERS)} | {one_line(case.gold, 30)} | {one_line(case.answer, 30)}{new}"


def _verdict_line(verdict: Verdict) -> str:
    if verdict == "tie":
        return " The difference is within the noise: the insight must say that nothing clear was seen."
    return f" The result is {verdict} beyond the noise; do not repeat the line above, say what it teaches."
