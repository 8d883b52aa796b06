"""The rows of an operator's input as the language model is shown them, and the rows that it has written so far.

Places count on: behind those of the input come those of the new rows, so that a new row can be an example too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from datasets import Dataset, concatenate_datasets

from engine.aidp.context import Context
from engine.aidp.rows import column, with_columns
from engine.aidp.text import normalise, words
from engine.aidp.writing.frames import LOOKED_AT, Frame, foreign, frames, labels, names, shy
from engine.aidp.writing.novelty import Known
from engine.errors import IdeaFailure

LEAST = 2  # words of a new text
RARE = 20  # one row in so many is shorter, and one is longer, than rows of this task usually are
ALIKE = "too like a row that is there"


class Book:
    """`near`: the overlap of words from which on a new text says what an old one says."""

    def __init__(self, rows: Dataset, near: float, context: Context) -> None:
        self._rows, self._near, self._context = rows, near, context
        self.ids: list[str] = column(rows, "id")
        self.prompts: list[str] = column(rows, "prompt")
        self.answers: list[str] = column(rows, "answer")
        self._sources: list[str] = column(rows, "source")
        self._frames = frames(self.prompts, self._sources, (context.template or ("",))[0])
        self._taken = set(self.ids)
        self.labels = labels(self.answers)
        self.count = len(self.ids)  # rows of the input
        self.made: list[dict[str, Any]] = []

    def frame(self, at: int) -> Frame:
        return self._frames[self._sources[at]]

    def text(self, at: int) -> str:
        """The row's own text, without the wording that all rows have."""
        return self.frame(at).inside(self.prompts[at])

    def size(self, at: int) -> int:
        """Tokens of the row as an example, estimated from above: English has four letters in one, Chinese one."""
        shown = f"{self.text(at)}{self.answers[at]}"
        return 16 + math.ceil(sum(0.34 if letter.isascii() else 1.2 for letter in shown))

    def room(self, name: str) -> int:
        """How many rows may come. Raises IdeaFailure where there is no room for one."""
        if self.count >= self._context.max_rows:
            raise IdeaFailure(f"`{name}`: there are {self.count:,} rows, as many as may be", hint="sample rows first")
        return self._context.max_rows - self.count

    def objection(self, text: str, answer: str, model: str, lengths: tuple[float, float], frame: Frame) -> str:
        """Why a new text cannot be a row; "" where it can. `model`: the text it was made from; `lengths` in words."""
        length = len(words(text))
        if length < max(LEAST, lengths[0]) or not answer:
            return "too short"
        if length > lengths[1]:
            return "too long"
        if normalise(text) == normalise(model):
            return "the same as the original"
        if foreign(text, model):
            return "in another script"
        if not frame.keeps(text):
            return "without the wording inside the text"
        if self.shy and names(text, answer):
            return "it names its answer"
        return ALIKE if self._known.like(text) else ""

    def add(self, text: str, answer: str, places: Sequence[int]) -> None:
        """A row made from those at `places`; it takes after the first."""
        parents = dict.fromkeys(id_ for at in places for id_ in self._parents(at))
        first = next(iter(parents))
        number = len(self.made) + 1
        while (id_ := f"{first}/{self._context.label}.{number}") in self._taken:
            number += self.count
        source, frame = self._sources[places[0]], self.frame(places[0])
        made_by = [*self._made_by(places[0]), self._context.label]
        row = {"id": id_, "prompt": frame.around(text), "answer": answer, "source": source}
        self.made.append({**row, "parents": list(parents), "made_by": made_by})
        for values, value in ((self.ids, id_), (self.prompts, row["prompt"]), (self.answers, answer)):
            values.append(value)
        self._sources.append(source)
        self._taken.add(id_)
        self._known.add(text)

    def closed(self, why: str) -> Dataset:
        """All rows, the new ones last; columns that other operators added are empty in them."""
        if not self.made:
            return self._rows
        self._context.notes.why_added = why
        columns = {name: [row.get(name) for row in self.made] for name in self._rows.column_names}
        return concatenate_datasets([self._rows, Dataset.from_dict(columns, features=self._rows.features)])

    @cached_property
    def shy(self) -> bool:
        """Whether a text that names its answer gives it away."""
        some = range(min(self.count, LOOKED_AT))
        return bool(self.labels) and shy([self.text(at) for at in some], self.answers[: len(some)])

    @cached_property
    def lengths(self) -> tuple[float, float]:
        """Words that a new row may have: half of what short rows have to twice what long ones have."""
        found = sorted(len(words(self.text(at))) for at in range(min(self.count, LOOKED_AT)))
        short, long = found[len(found) // RARE], found[-1 - len(found) // RARE]
        return 0.5 * short, 2.0 * long

    @cached_property
    def _known(self) -> Known:
        return Known([self.text(at) for at in range(self.count)], self._near, self._context.progress)

    def _parents(self, at: int) -> list[str]:
        """The input's own rows behind the one at `at`."""
        return [self.ids[at]] if at < self.count else list(self.made[at - self.count]["parents"])

    def _made_by(self, at: int) -> list[str]:
        found = self._rows[at] if at < self.count else self.made[at - self.count]
        return [label for label in found["made_by"] if label != self._context.label]


def replaced(rows: Dataset, answers: Mapping[int, str], label: str) -> Dataset:
    """The rows with other answers at some places, which have the operator's label behind those they had."""
    texts, made_by = column(rows, "answer"), column(rows, "made_by")
    for at, answer in answers.items():
        texts[at], made_by[at] = answer, [*made_by[at], label]
    return with_columns(rows, {"answer": texts, "made_by": made_by})
