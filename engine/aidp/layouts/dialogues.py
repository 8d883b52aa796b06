"""Layouts that are dialogues: ShareGPT, messages, preference pairs.

A dialogue becomes one pair: its last answer, and everything said before it, one turn per paragraph.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.aidp.layouts.kinds import Columns, Fit, Options, Pair, Talk, Turn, decoded, named, pair, share

MESSAGES = ("messages", "conversations", "conversation", "dialogue", "dialog", "chat", "turns")
_ROLES = {
    **dict.fromkeys(("gpt", "assistant", "model", "chatgpt", "bot", "ai"), "assistant"),
    **dict.fromkeys(("user", "human", "prompter"), "user"),
}
_ANSWER = "\n\nAssistant:"  # of dialogues that are one text


def said(value: Any) -> list[Turn] | str:
    """The turns of a decoded dialogue, whichever keys it has, or why there are none."""
    if not isinstance(value, list) or not value or not all(isinstance(turn, dict) for turn in value):
        return "no list of turns"
    turns = []
    for turn in value:
        who = turn.get("role", turn.get("from"))
        text = _text(turn.get("content", turn.get("value")))
        if not isinstance(who, str):
            return "a turn does not say whose it is"
        if text is None:
            return "a turn is not text"
        turns.append(Turn(_ROLES.get(who.casefold(), who.casefold()), text))
    return turns


def _text(content: Any) -> str | None:
    """A turn's text, put together where it comes in parts; "" of a turn that only calls a tool; None where a part is a
    picture or the like."""
    if content is None:
        return ""
    if isinstance(content, list):
        parts = [part.get("text") if isinstance(part, dict) else part for part in content]
        texts = [part for part in parts if isinstance(part, str)]
        return "".join(texts) if texts and len(texts) == len(parts) else None
    return content if isinstance(content, str) else None


def spoken(turns: Sequence[Turn], before: str = "") -> Pair | str:
    """The last answer of a dialogue, and everything before it that has a text."""
    last = max((at for at, turn in enumerate(turns) if turn.who == "assistant"), default=0)
    if not last:
        return "nobody answers"
    if not turns[last].text.strip():
        return "its last answer has no text"
    earlier = [turn for turn in (Turn("system", before), *turns[:last]) if turn.text.strip()]
    return Talk(earlier, turns[last].text) if earlier else "the prompt is empty"


def messages(columns: Sequence[str], sample: Sequence[Columns], _options: Options) -> Fit | None:
    """`role` and `content`."""
    return _dialogue(columns, sample, "role", "content")


def sharegpt(columns: Sequence[str], sample: Sequence[Columns], _options: Options) -> Fit | None:
    """`from` and `value`."""
    return _dialogue(columns, sample, "from", "value")


def _dialogue(columns: Sequence[str], sample: Sequence[Columns], who: str, text: str) -> Fit | None:
    column = named(columns, MESSAGES)
    if not column or share(sample, column, lambda value: _has(decoded(value), who)) < 0.5:
        return None
    system = named(columns, ("system", "system_prompt"))

    def convert(row: Columns) -> Pair | str:
        turns = said(decoded(row[column]))
        return turns if isinstance(turns, str) else spoken(turns, (row.get(system) or "") if system else "")

    return Fit(convert, f"`{column}` holds turns with `{who}` and `{text}`; the last answer is taken")


def _has(value: Any, key: str) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict) and key in value[0]


def preference(columns: Sequence[str], _sample: Sequence[Columns], _options: Options) -> Fit | None:
    """A better and a worse answer, to the prompt or at the end of a dialogue: the better is taken, the worse left."""
    if not {"chosen", "rejected"} <= set(columns):
        return None
    before = named(columns, ("prompt", "question", "instruction", "input", *MESSAGES))
    system = named(columns, ("system", "system_prompt"))

    def convert(row: Columns) -> Pair | str:
        first = (row.get(system) or "") if system else ""
        return _preferred(row.get(before) if before else None, row["chosen"], first)

    shown = f" to `{before}`" if before else ""
    return Fit(convert, f"`chosen` is the better answer{shown} and is taken; `rejected` is left out")


def _preferred(before: str | None, chosen: str | None, first: str) -> Pair | str:
    value = decoded(chosen)
    better = said(value if isinstance(value, list) else [value] if isinstance(value, dict) else None)
    asked = said(decoded(before))
    if not isinstance(better, str):
        if len(better) > 1:
            return spoken(better, first)
        chosen = better[0].text
    if not isinstance(asked, str):
        return spoken([*asked, Turn("assistant", chosen or "")], first)
    if before and before.strip():
        return spoken([Turn("user", before), Turn("assistant", chosen or "")], first)
    prompt, answered, answer = (chosen or "").rpartition(_ANSWER)
    return pair(prompt.strip(), answer.strip()) if answered else "no prompt stands before the answer"
