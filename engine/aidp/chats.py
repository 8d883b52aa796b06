"""Rows as chats: who said what before the answer, in the words of the formats that other programs read.

A row that was a dialogue has its turns in the column `turns`. They hold as long as they make its prompt: where an
operator has written that anew, and where a format has no such order of turns, the prompt is what one user says.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from typing import Any

from engine.aidp.layouts.kinds import Turn, joined

Row = Mapping[str, Any]
TURNS = "turns"
_TRL = frozenset({"system", "user", "assistant", "tool"})
_SHAREGPT = {"user": "human", "assistant": "gpt"}


class Chats:
    """Lines of a chat format, and how many rows kept the turns that they had. `system`: some row has such a text."""

    def __init__(self, system: bool = False) -> None:
        self.system = system
        self.whole = self.flat = 0

    def messages(self, row: Row) -> dict[str, Any]:
        """As TRL reads it."""
        turns = [*self._before(row, _any), Turn("assistant", row["answer"])]
        return {"messages": [{"role": turn.who, "content": turn.text} for turn in turns]}

    def sharegpt(self, row: Row) -> dict[str, Any]:
        """As LLaMA-Factory reads it: a system text apart, then a person and the model in turn."""
        turns = [*self._before(row, _in_turn), Turn("assistant", row["answer"])]
        system = turns.pop(0).text if turns[0].who == "system" else ""
        line = {"conversations": [{"from": _SHAREGPT[turn.who], "value": turn.text} for turn in turns]}
        return {**line, "system": system} if self.system else line

    @property
    def note(self) -> str:
        """What became of the rows that had several turns."""
        parts = [f"{self.whole:,} rows keep their turns"] if self.whole else []
        if self.flat:
            parts.append(
                f"{self.flat:,} rows have their turns in one of the user's: their prompt was written anew, or the "
                "format has no such order"
            )
        return "; ".join(parts)

    def _before(self, row: Row, fits: Callable[[Sequence[Turn]], bool]) -> Sequence[Turn]:
        turns = _turns(row.get(TURNS))
        if turns and joined(turns) == row["prompt"] and fits(turns):
            self.whole += 1
            return turns
        self.flat += bool(turns)
        return [Turn("user", row["prompt"])]


def systems(turns: Sequence[str | None]) -> bool:
    """Whether one of these dialogues begins with a system text."""
    return any(found[0].who == "system" for text in turns if (found := _turns(text)))


def _turns(text: str | None) -> list[Turn]:
    """What stands in the column; nothing where it holds no turns."""
    try:
        value = json.loads(text or "[]")
    except (ValueError, RecursionError):
        return []
    return [Turn(*turn) for turn in value] if isinstance(value, list) and all(map(_is_turn, value)) else []


def _is_turn(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(part, str) for part in value)


def _any(turns: Sequence[Turn]) -> bool:
    return all(turn.who in _TRL for turn in turns)


def _in_turn(turns: Sequence[Turn]) -> bool:
    """A person and the model by turns, a person first and last; a system text may stand before."""
    who = [turn.who for turn in turns]
    own = who[1:] if who[0] == "system" else who
    return len(own) % 2 == 1 and all(
        one == other for one, other in zip(own, cycle(("user", "assistant")), strict=False)
    )
