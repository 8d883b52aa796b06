"""Stand-ins for the language model: what they write is a pure function of the question, or told beforehand."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from engine.aidp.services import ModelAnswerError, Schema, Services

ENDS = ("kan", "lor", "mis", "nef", "pol", "rud", "sab", "tex", "vun", "wip", "zel")
WORDS = [letter + vowel + end for letter in "bdfgklm" for vowel in "aeiou" for end in ENDS]
Answerer = Callable[[str, Schema, int], dict[str, Any] | str]


class StandIn:
    """Answers by `answerer` (a text: the answer cannot be used, and why), and remembers what it was asked."""

    name = "stand-in"

    def __init__(self, answerer: Answerer | None = None) -> None:
        self.answerer, self.prompts = answerer or fresh, list[str]()

    def write(self, prompt: str, schema: Schema, *, seed: int, temperature: float, tokens: int) -> dict[str, Any]:
        self.prompts.append(prompt)
        answer = self.answerer(prompt, schema, seed)
        if isinstance(answer, str):
            raise ModelAnswerError(answer)
        return answer

    @property
    def services(self) -> Services:
        return Services(writer=lambda: self)


def fresh(prompt: str, schema: Schema, seed: int) -> dict[str, Any]:
    """Words that nobody has said before; one of an enum's values."""
    draw = random.Random(f"{seed} {prompt}")
    fields: dict[str, Schema] = schema["properties"]
    return {
        name: draw.choice(field["enum"]) if "enum" in field else " ".join(draw.sample(WORDS, 4))
        for name, field in fields.items()
    }
