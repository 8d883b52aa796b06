"""The rows that a pipeline is given: a task's train split, rows of Python, or a Dataset. What they hold decides what
they are: rows of ours, with `prompt` and `answer`, or raw ones, which keep their own columns as those of a file do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from datasets import Dataset

from engine.aidp.kinds.loading import RAW
from engine.aidp.naming import apart
from engine.aidp.reading import spool
from engine.aidp.reading.values import Bad, flat
from engine.aidp.rows import ADDED, COLUMNS, GIVEN, SCHEMA, Row, converted, dataset, each
from engine.errors import BadInput

PAIR = frozenset({"prompt", "answer"})
_FIRST = ((RAW[0], pa.string()), (RAW[1], pa.int64()))
_LIKE = 'give rows like {"prompt": "...", "answer": "..."}, or a file\'s own columns'


class Given(NamedTuple):
    """The rows as operators take them, and the columns of theirs that were left out."""

    rows: Dataset
    left: frozenset[str] = frozenset()


def taken(rows: Dataset | Iterable[Row], keep: Sequence[str], scratch: Path | None) -> Given:
    """Rows of ours as they are; others with `keep` of their columns; raw ones whole. Raises BadInput."""
    if isinstance(rows, Dataset):
        if _ready(rows):
            return Given(rows)
        names = frozenset(rows.column_names)
        given: Iterable[Row] = each(rows.with_format(None))
    else:
        given = _checked(rows)
        names = frozenset(name for row in given for name in row)
    if names and not names >= PAIR:
        return Given(spool.raw(_raw(given), _FIRST, scratch, GIVEN))
    extra = {name: kind for name, kind in ADDED.items() if name in names} if names >= set(COLUMNS) else {}
    extra |= {name: pa.string() for name in keep if name in names}
    return Given(dataset(given, extra), names - set(COLUMNS) - set(extra))


def _ready(rows: Dataset) -> bool:
    """Whether it is one that a pipeline made, in every column and row."""
    schema = rows.data.schema
    whole = converted(rows) and all(schema.field(field.name).type == field.type for field in SCHEMA)
    return whole and not any(rows.data.column(name).null_count for name in COLUMNS)


def _checked(rows: Iterable[Row]) -> list[Row]:
    if isinstance(rows, Mapping):
        names = ", ".join(map(str, rows))
        raise BadInput(f"these are no rows, but things by name ({names[:200]})", hint="give one of them")
    whole = list(rows)
    if wrong := next((number for number, row in enumerate(whole, 1) if not isinstance(row, Mapping)), 0):
        kind = type(whole[wrong - 1]).__name__
        raise BadInput(f"row {wrong:,} is no row with columns, but a value of type `{kind}`", hint=_LIKE)
    return whole


def _raw(rows: Iterable[Row]) -> Iterator[dict[str, Any]]:
    """Values as text, behind the columns RAW, as the readers of files give them."""
    for number, row in enumerate(rows, 1):
        found = flat(dict(row), f"row {number:,}", number)
        if isinstance(found, Bad):
            raise found.error()
        yield {RAW[0]: GIVEN, RAW[1]: number, **apart(found.values)}
