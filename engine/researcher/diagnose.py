"""After a round: what it showed, and the one sentence worth keeping.

What was better, worse or a tie is decided by rule, from the paired interval; the model explains, and its sentence is
kept behind the facts. Where it fails, or there is no model, the rule's own sentence is the insight.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import msgspec

from engine.researcher.asking import Question, Refused, Tape, ask, parse, sentence
from engine.researcher.memory import system
from engine.researcher.model import LanguageModel
from engine.researcher.prompts import prompt
from engine.researcher.rounds import Lesson, Round, facts_of, openings_of, rule_lesson
from engine.researcher.schema import diagnosis_schema
from engine.task import Task

TRIES, TOKENS = 2, 200
PARROT = 0.8  # share of a sentence's words that may stand in one other sentence


class DiagnosisAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    diagnosis: str
    insight: str


async def diagnose(round_: Round, task: Task, model: LanguageModel | None, tape: Tape, seed: int = 0) -> Lesson:
    """Diagnosis and insight of a round with at least one curve. Raises MachineFailure: the model is out of reach.

    The model is asked where there is something to explain: a scored trial that changed something.
    """
    ruled = rule_lesson(round_, task)
    openings = openings_of(round_, ruled.verdict)
    if model is None or not openings:
        return ruled
    question = Question(
        node=round_.node,
        purpose="diagnosis",
        system=system(task),
        user=prompt("diagnosis", facts=facts_of(round_, task), openings=" / ".join(openings)),
        schema=diagnosis_schema(openings),
        max_tokens=TOKENS,
        seed=seed,
    )

    def check(text: str) -> DiagnosisAnswer:
        answer = parse(text, DiagnosisAnswer)
        if objection := objection_to(sentence(answer.insight), openings, (round_.hypothesis, question.user)):
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


def objection_to(insight: str, openings: Sequence[str], known: Sequence[str]) -> str:
    """Why a model's insight is not worth keeping; empty where it is. Pure."""
    opening = next((opening for opening in openings if insight.startswith(opening)), None)
    if opening is None:
        return f"the insight has to begin with one of: {' / '.join(openings)}"
    reason = insight.removeprefix(opening)
    if len(re.findall(r"[a-zA-Z]{3,}", reason)) < 4:
        return "the insight gives no reason"
    if any(_parrots(reason, other) for text in known for other in re.split(r"(?<=[.!?:;])\s|\n", text)):
        return "the insight repeats a sentence of the question; give the reason in your own words"
    return ""


def _parrots(insight: str, other: str) -> bool:
    mine, theirs = (re.findall(r"[\w.]+", text.lower()) for text in (insight, other))
    if len(theirs) < 4:
        return False
    return len(set(mine) & set(theirs)) / max(len(set(mine)), len(set(theirs))) > PARROT
