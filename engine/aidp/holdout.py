"""What is held out by files that a person names: the prompt of every row, labelled or not. No task's splits.

A row with a pair gives its prompt. One without (a benchmark's questions have no answers, a text file has no columns)
gives each of its own texts: those that few rows share, so that an instruction in every row holds nothing out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from datasets import Dataset

from engine.aidp import layouts
from engine.aidp.context import Context
from engine.aidp.guards import SHARED_BY
from engine.aidp.kinds.loading import RAW, Load
from engine.aidp.operators.forming import sample
from engine.aidp.operators.loading import load
from engine.aidp.reading.values import RENAME
from engine.aidp.rows import each
from engine.errors import BadInput, IdeaFailure

Row = dict[str, str | None]


def held_out(path: Path, context: Context) -> list[tuple[str, ...]]:
    """The texts of each row of the file. `context`: how it is read. Raises BadInput: it cannot be, or is empty."""
    try:
        rows = load(Dataset.from_dict({}), Load(path=path.name), context)
    except IdeaFailure as error:
        hint = error.hint.replace(RENAME, "save it as UTF-8")  # what the command can name is another file's encoding
        raise BadInput(error.what, where=f"--holdout {path}", hint=hint) from None
    texts = list(_texts(rows)) if len(rows) else []
    found = [row for row in texts if row]
    if not found:
        raise BadInput("no row has a text, so it holds nothing out", where=f"--holdout {path}")
    return found


def _texts(rows: Dataset) -> Iterator[tuple[str, ...]]:
    columns = [name for name in rows.column_names if name not in RAW]
    try:
        convert, _ = layouts.converter("auto", columns, sample(rows))
    except IdeaFailure:
        convert = _none
    own = rows.select_columns(columns)
    often: Counter[str] | None = None
    for row in each(own):
        if not isinstance(pair := convert(row), str):
            yield (pair[0],)
            continue
        if often is None:
            often = Counter(value for other in each(own) for value in other.values() if value)
        yield _own(row, often)


def _none(_row: layouts.Columns) -> str:
    return "no layout fits"


def _own(row: Row, often: Counter[str]) -> tuple[str, ...]:
    """All texts where every one is shared by many rows."""
    texts = [value for value in row.values() if value and value.strip()]
    return tuple(value for value in texts if often[value] <= SHARED_BY) or tuple(texts)
