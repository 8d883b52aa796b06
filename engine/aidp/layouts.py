"""Field conventions of public data sets, turned into `prompt` and `answer`. Pure; rows are dicts of text.

A dialogue becomes one pair: its last answer, and everything said before it, one turn per paragraph.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from engine.aidp.text import fill, placeholders
from engine.errors import IdeaFailure

Layout = Literal["auto", "prompt_answer", "prompt_completion", "alpaca", "sharegpt", "messages"]
Pair = tuple[str, str]
Columns = Mapping[str, str | None]

NEEDS: dict[Layout, tuple[str, ...]] = {
    "prompt_answer": ("prompt", "answer"),
    "prompt_completion": ("prompt", "completion"),
    "alpaca": ("instruction", "output"),
    "sharegpt": ("conversations",),
    "messages": ("messages",),
}
_ANSWERERS = {"gpt", "assistant", "model", "chatgpt", "bot"}


def converter(
    layout: Layout, columns: Sequence[str], template: Pair | None, where: str
) -> Callable[[Columns], Pair | None]:
    """A function from a row to its pair, or to None where the row has none. `template`: the task's prompt and answer.

    `auto` takes the task's own columns first, then the first convention whose columns are there. Raises IdeaFailure.
    """
    if layout == "auto" and template and set(_columns(template)) <= set(columns):
        return lambda row: _filled(template, row)
    fitting = [name for name, needed in NEEDS.items() if set(needed) <= set(columns)]
    if layout != "auto" and layout not in fitting:
        needed = ", ".join(NEEDS[layout])
        raise IdeaFailure(f"`{layout}` needs the columns {needed}; there are {', '.join(columns)}", where=where)
    if not fitting:
        known = "; ".join(", ".join(needed) for needed in NEEDS.values())
        raise IdeaFailure(f"no layout fits the columns {', '.join(columns)}", where=where, hint=f"known: {known}")
    return _CONVERTERS[fitting[0] if layout == "auto" else layout]


def _columns(template: Pair) -> list[str]:
    return placeholders(template[0]) + placeholders(template[1])


def _filled(template: Pair, row: Columns) -> Pair | None:
    values = {name: row[name] or "" for name in _columns(template)}
    if not all(value.strip() for value in values.values()):
        return None
    return fill(template[0], values), fill(template[1], values)


def _pair(prompt: str | None, answer: str | None) -> Pair | None:
    return (prompt, answer) if prompt and answer and prompt.strip() and answer.strip() else None


def _alpaca(row: Columns) -> Pair | None:
    given = [part for part in (row["instruction"], row.get("input")) if part and part.strip()]
    return _pair("\n\n".join(given), row["output"])


def _sharegpt(row: Columns) -> Pair | None:
    return _dialogue(row["conversations"], "from", "value")


def _messages(row: Columns) -> Pair | None:
    return _dialogue(row["messages"], "role", "content")


def _dialogue(turns: str | None, who: str, text: str) -> Pair | None:
    """The pair of a dialogue in JSON; None where it is malformed or nobody answers."""
    try:
        said: Any = json.loads(turns or "")
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, list) or not all(isinstance(t, dict) and isinstance(t.get(text), str) for t in said):
        return None
    last = max((at for at, turn in enumerate(said) if turn.get(who) in _ANSWERERS), default=0)
    return _pair("\n\n".join(turn[text] for turn in said[:last]), said[last][text]) if last else None


_CONVERTERS: dict[Layout, Callable[[Columns], Pair | None]] = {
    "prompt_answer": lambda row: _pair(row["prompt"], row["answer"]),
    "prompt_completion": lambda row: _pair(row["prompt"], row["completion"]),
    "alpaca": _alpaca,
    "sharegpt": _sharegpt,
    "messages": _messages,
}
