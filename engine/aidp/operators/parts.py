"""Which text of a row an operator looks at: the prompt, the answer or both, and of prompts what is the row's own.

A task's prompt is often fixed wording around the fields of a row. It is in every row, and says nothing about any of
them: an English question around a Chinese text does not make the text English.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from datasets import Dataset

from engine.aidp.context import Context
from engine.aidp.kinds.base import Part
from engine.aidp.operators.keeping import Objection, keep
from engine.aidp.reading.readers import as_text
from engine.aidp.rows import column
from engine.aidp.text import fill, placeholders
from engine.errors import IdeaFailure

BOTH = "prompt and answer"  # a column for the time of one pass
_FIELD = "\0"


def judged(rows: Dataset, objection: Objection, context: Context, part: Part) -> Dataset:
    """The rows whose own text of this part meets no objection, in order."""
    own = own_text(context)
    if part == "answer":
        return keep(rows, objection, context, "answer")
    if part == "prompt":
        return keep(rows, lambda prompt: objection(own(prompt)), context)
    return keep(rows.add_column(BOTH, texts(rows, "both", context)), objection, context, BOTH).remove_columns(BOTH)


def texts(rows: Dataset, part: Part, context: Context) -> list[str]:
    """The own text of each row."""
    if part == "answer":
        return column(rows, "answer")
    own = own_text(context)
    prompts = map(own, column(rows, "prompt"))
    if part == "prompt":
        return list(prompts)
    return [f"{prompt}\n{answer}" for prompt, answer in zip(prompts, column(rows, "answer"), strict=True)]


def own_text(context: Context) -> Callable[[str], str]:
    """A function from a prompt to the fields in it, a line each; prompts that the task did not write stay whole."""
    template = context.template[0] if context.template else ""
    fixed = fill(template, dict.fromkeys(placeholders(template), _FIELD)).split(_FIELD)
    return lambda prompt: "\n".join(_between(prompt, fixed) or [prompt])


def _between(text: str, fixed: list[str]) -> list[str]:
    """What stands between the fixed parts; nothing where they are not all there."""
    if len(fixed) < 2 or not text.startswith(fixed[0]) or not text.endswith(fixed[-1]):
        return []
    places = [(0, len(fixed[0]))]
    for part in fixed[1:-1]:
        if (at := text.find(part, places[-1][1])) < 0:
            return []
        places.append((at, at + len(part)))
    places.append((len(text) - len(fixed[-1]), len(text)))
    found = [text[before[1] : after[0]] for before, after in pairwise(places)]
    return found if places[-1][0] >= places[-2][1] else []


def values(rows: Dataset, name: str) -> list[str]:
    """A column as text, whatever it holds. Raises IdeaFailure, naming the columns that there are."""
    if name not in rows.column_names:
        raise IdeaFailure(f"there is no column `{name}`", hint=f"there are {', '.join(rows.column_names)}")
    return [as_text(value) for value in column(rows, name)]
