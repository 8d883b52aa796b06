"""A language model that reads its answers off a script: the fake behind tests and dry runs, held to the same
conformance suite as the real one. Not a fall-back: nothing in the engine chooses it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from engine.errors import MachineFailure
from engine.researcher.model import Answer, Request

Line = str | dict[str, object] | Callable[[Request], object]


class ScriptedModel:
    """Answers line by line; a function is called with the request. Raises MachineFailure when the script ends."""

    def __init__(self, lines: Iterable[Line] = (), name: str = "scripted") -> None:
        self.name = name
        self.lines = list(lines)
        self.asked: list[Request] = []

    async def ask(self, request: Request) -> Answer:
        self.asked.append(request)
        if not self.lines:
            raise MachineFailure("the script has no more answers")
        line = self.lines.pop(0)
        value = line(request) if callable(line) else line
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        return Answer(
            text=text, prompt_tokens=len((request.system + request.user).split()), answer_tokens=len(text.split())
        )

    async def close(self) -> None:
        """Nothing to free."""
