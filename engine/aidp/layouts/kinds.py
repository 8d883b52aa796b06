"""What a layout is: a way from a row's columns to a prompt and an answer, and what speaks for it. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

LABEL = 60  # characters of a label, at most
Pair = tuple[str, str]
Columns = Mapping[str, str | None]
Convert = Callable[[Columns], Pair | str]
"""From a row to its prompt and answer, or to the reason why it has none."""


class Turn(NamedTuple):
    """What one side of a dialogue said. `who`: system, user, assistant, or another name in small letters."""

    who: str
    text: str


class Talk(tuple[str, str]):
    """A pair that was a dialogue: with the turns before its answer, which make its prompt."""

    turns: tuple[Turn, ...]

    def __new__(cls, turns: Iterable[Turn], answer: str) -> Talk:
        said = tuple(turns)
        made = super().__new__(cls, (joined(said), answer))
        made.turns = said
        return made


def joined(turns: Iterable[Turn]) -> str:
    """The prompt that turns make: one turn per paragraph."""
    return "\n\n".join(turn.text for turn in turns)


class Fit(NamedTuple):
    """A layout that the columns allow. `reason`: which columns, and what stands in them. `sure`: nothing is guessed."""

    convert: Convert
    reason: str
    sure: bool = True


@dataclass(frozen=True)
class Options:
    """What a recipe says about the answers. `labels`: the words for values; `choice`: how a choice is answered."""

    labels: Mapping[str, str] = field(default_factory=dict)
    choice: Literal["letter", "text"] = "letter"


class Kind(NamedTuple):
    """One layout. `needs`: its columns, for people. `fit` looks at names and at a few rows; None: it cannot be."""

    needs: str
    fit: Callable[[Sequence[str], Sequence[Columns], Options], Fit | None]


def named(columns: Iterable[str], usual: Iterable[str]) -> str:
    """The first of the usual names that is a column, upper or lower case; "" = none."""
    by_name = {column.casefold(): column for column in columns}
    return next((by_name[name] for name in usual if name in by_name), "")


def pair(prompt: str | None, answer: str | None) -> Pair | str:
    """Both, or what is missing."""
    if not prompt or not prompt.strip():
        return "the prompt is empty"
    return (prompt, answer) if answer and answer.strip() else "the answer is empty"


def decoded(text: str | None) -> Any:
    """The JSON value that the text is; None where it is none."""
    if not text or text[0] not in '[{"':
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def share(rows: Sequence[Columns], column: str, holds: Callable[[str], bool]) -> float:
    """The share of the rows' values in a column, empty ones left out, of which that holds; 1 where there are none."""
    values = [value for row in rows if (value := row.get(column))]
    return sum(map(holds, values)) / len(values) if values else 1.0
