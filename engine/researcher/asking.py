"""One question to the language model: taped before use, checked, asked again with the reason where it is refused.

Not what is asked (propose, diagnose) and not who answers (engine.researcher.model).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from engine import strict
from engine.errors import BadInput
from engine.researcher.model import LanguageModel, Request, Schema
from engine.researcher.prompts import prompt
from engine.search.events import Asked, Purpose

T = TypeVar("T")
TEMPERATURES = (0.4, 0.8, 1.0)  # one an attempt: a refused idea is left more easily when the model is bolder


class Refused(Exception):
    """An answer that cannot be used; the text tells the model why."""


class Tape(Protocol):
    """The journal's memory of answers. `record` returns when the event is synced."""

    def record(self, asked: Asked) -> None: ...

    def recall(self, call: str) -> Asked | None: ...


@dataclass(frozen=True)
class Question:
    """What is asked on behalf of a node."""

    node: str
    purpose: Purpose
    system: str
    user: str
    schema: Schema
    max_tokens: int
    seed: int
    turn: int = 0  # how often a person had this tried again


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """The first answer that passed, or None; and why the others did not."""

    value: T | None
    refusals: tuple[str, ...] = ()


async def ask(
    model: LanguageModel, tape: Tape, question: Question, check: Callable[[str], T], tries: int
) -> Outcome[T]:
    """Ask up to `tries` times. `check` turns the answer's text into a value or raises Refused; it is pure.

    A taped answer to the very same prompt is used in place of a new one. Raises MachineFailure.
    """
    refusals: list[str] = []
    user = question.user
    for attempt in range(tries):
        try:
            asked = await _answer(model, tape, question, user, attempt, check)
        except BadInput as error:  # longer than the model's context, say: asking again would not mend it
            return Outcome(None, (*refusals, str(error)))
        if not asked.refused:
            return Outcome(check(asked.answer), tuple(refusals))
        refusals.append(asked.refused)
        user = prompt("refused", question=question.user, reason=asked.refused)
    return Outcome(None, tuple(refusals))


async def _answer(
    model: LanguageModel, tape: Tape, question: Question, user: str, attempt: int, check: Callable[[str], object]
) -> Asked:
    again = f"again{question.turn}/" if question.turn else ""
    call = f"{question.node}/{question.purpose}/{again}{attempt}"
    whole = f"{question.system}\n\n{user}"
    taped = tape.recall(call)
    if taped is not None and taped.prompt == whole:
        return taped
    request = Request(
        system=question.system,
        user=user,
        schema=question.schema,
        max_tokens=question.max_tokens,
        temperature=TEMPERATURES[min(attempt, len(TEMPERATURES) - 1)],
        seed=zlib.crc32(f"{question.seed}/{call}".encode()) >> 1,
    )
    answer = await model.ask(request)
    asked = Asked(
        call=call,
        node=question.node,
        purpose=question.purpose,
        attempt=attempt,
        model=model.name,
        prompt=whole,
        answer=answer.text,
        seconds=answer.seconds,
        prompt_tokens=answer.prompt_tokens,
        answer_tokens=answer.answer_tokens,
        refused=_refusal(answer.text, check),
    )
    tape.record(asked)
    return asked


def _refusal(text: str, check: Callable[[str], object]) -> str:
    try:
        check(text)
    except Refused as refused:
        return str(refused)
    return ""


def parse(text: str, kind: type[T]) -> T:
    """The answer as its type. Raises Refused: cut short, or not what the schema says."""
    try:
        return strict.from_json(text.encode(), kind, source="the answer")
    except BadInput as error:
        raise Refused(str(error)) from None


def sentence(text: str) -> str:
    """A model's text as whole sentences: white space folded, a last one cut by the length limit left out."""
    folded = " ".join(text.split())
    end = max(folded.rfind(mark) for mark in (". ", "! ", "? "))
    if folded[-1:] in (".", "!", "?") or end < len(folded) // 3:
        return folded
    return folded[: end + 1]
