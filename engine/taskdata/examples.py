"""Raw rows made into examples: a label where rules say so, prompt and answer by the task's format.

A row that lacks a column the format names is an error with file and line, never an empty prompt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from engine.aidp.reading.readers import Row
from engine.aidp.text import fill, normalise, placeholders
from engine.errors import BadInput
from engine.task import Labels, Task, label_texts

Refuse = Callable[[BadInput], None]


@dataclass(frozen=True)
class Example:
    """One row, ready: `columns` are the values that `prompt` was made of; `id` may be empty."""

    where: str
    id: str
    prompt: str
    answer: str
    columns: tuple[str, ...]
    values: dict[str, str] = field(compare=False)

    @property
    def key(self) -> str:
        """Equal for rows that must not stand in two splits."""
        return normalise(self.prompt)

    def as_json(self, name: str) -> dict[str, str]:
        """The row as a split holds it: the source's own columns stay, except where ours have their names."""
        return {"id": name, "prompt": self.prompt, "answer": self.answer} | {
            column: value for column, value in self.values.items() if column not in ("id", "prompt", "answer")
        }


def build(task: Task, rows: Iterable[Row], refuse: Refuse) -> tuple[list[Example], int]:
    """Examples, and how many rows no label rule took. A wrong row goes to `refuse`, which may raise."""
    made: list[Example] = []
    left_out = 0
    for row in rows:
        try:
            values = row.values if task.data.labels is None else labelled(row, task.data.labels)
            if values is None:
                left_out += 1
            else:
                made.append(_example(task, Row(row.where, values)))
        except BadInput as error:
            refuse(error)
    return made, left_out


def labelled(row: Row, labels: Labels) -> dict[str, str] | None:
    """The row with column `answer` set by the first rule that takes it; None where none does."""
    raw = _value(row, labels.column)
    try:
        number = float(raw)
    except ValueError:
        raise BadInput(f"column `{labels.column}`: {raw[:40]!r} is not a number", where=row.where) from None
    for rule in labels.rules:
        above = rule.at_least is None or number >= rule.at_least
        below = rule.at_most is None or number <= rule.at_most
        if above and below:
            return {**row.values, "answer": rule.label}
    return None


def _example(task: Task, row: Row) -> Example:
    columns = tuple(_value(row, name) for name in placeholders(task.format.prompt))
    for name in placeholders(task.format.answer):
        _value(row, name)
    prompt, answer = fill(task.format.prompt, row.values), fill(task.format.answer, row.values)
    known = label_texts(task.evaluation, task.format)
    if task.evaluation.mode == "label_likelihood" and answer not in known.values():
        hint = f"answers that say a label: {', '.join(map(repr, known.values()))}"
        raise BadInput(f"the answer {answer[:60]!r} is none of the labels of [evaluation]", where=row.where, hint=hint)
    return Example(row.where, row.values.get("id", ""), prompt, answer, columns, row.values)


def _value(row: Row, column: str) -> str:
    if column not in row.values:
        hint = f"columns here: {', '.join(row.values)}"
        if len(row.values) == 1 and ";" in next(iter(row.values)):
            hint = "the file seems to be separated by semicolons; save it with commas or tabs (.tsv)"
        raise BadInput(f"no column `{column}`", where=row.where, hint=hint)
    value = row.values[column]
    if not value.strip():
        raise BadInput(f"column `{column}` is empty", where=row.where, hint="fill it in or remove the row")
    return value
