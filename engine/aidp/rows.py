"""Rows as the data operators pass them on: a Dataset with our columns first, and whatever operators added after them.

`id`, `prompt`, `answer` and `source` (where the row was read from: `train`, a file) are text. `parents` are the ids of
the rows that a made row was made from, `made_by` the operators that read, changed or wrote it (`mix:2`: the recipe's
third), both empty for a row that is as it came. Rows live in Arrow, in memory or in a file; never in Python lists.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
from datasets import Dataset, Features, List, Value

TEXTS = ("id", "prompt", "answer", "source")
TRACES = ("parents", "made_by")
COLUMNS = (*TEXTS, *TRACES)
FEATURES = Features({**{name: Value("string") for name in TEXTS}, **{name: List(Value("string")) for name in TRACES}})
SCHEMA: pa.Schema = FEATURES.arrow_schema
BATCH = 10_000  # rows that are in Python's hands at once

Row = Mapping[str, Any]


def dataset(rows: Iterable[Row]) -> Dataset:
    """Rows as a Dataset in memory, our columns in their order and nothing else."""
    whole = list(rows)
    columns: dict[str, list[Any]] = {name: [row.get(name, "") for row in whole] for name in TEXTS}
    columns |= {name: [list(row.get(name, ())) for row in whole] for name in TRACES}
    return Dataset.from_dict(columns, features=FEATURES)


def written(rows: Iterable[Row], path: Path, schema: pa.Schema = SCHEMA) -> Dataset:
    """The same, through an Arrow file at `path`: memory does not grow with the rows. `schema`: of other columns."""
    names, left = schema.names, iter(rows)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, schema) as stream:
        while batch := list(islice(left, BATCH)):
            stream.write_table(pa.Table.from_pylist([{n: row.get(n) for n in names} for row in batch], schema=schema))
    return Dataset.from_file(str(path))


def with_columns(rows: Dataset, columns: Mapping[str, Any]) -> Dataset:
    """The same rows with these columns, Arrow arrays or lists: in the place of those that there were, or at the end."""
    table = rows.with_format("arrow")[:].replace_schema_metadata(None)
    for name, values in columns.items():
        at = table.schema.get_field_index(name)
        column = values if isinstance(values, pa.Array | pa.ChunkedArray) else _array(values, table.schema, at)
        table = table.append_column(name, column) if at < 0 else table.set_column(at, name, column)
    return Dataset(table)


def _array(values: list[Any], schema: pa.Schema, at: int) -> pa.Array:
    return pa.array(values, type=None if at < 0 else schema.field(at).type)


def converted(rows: Dataset) -> bool:
    """Whether the rows have our form. A file's own columns never do: they come in another order."""
    return tuple(rows.column_names[: len(COLUMNS)]) == COLUMNS


def column(rows: Dataset, name: str) -> list[Any]:
    """A column in one piece; asking a Dataset row by row takes five times as long."""
    return list(rows[name][:])


def by(rows: Dataset, name: str) -> dict[str, list[int]]:
    """The places of the rows with each value of a column, values in order of their first row."""
    places: dict[str, list[int]] = {}
    for at, value in enumerate(column(rows, name)):
        places.setdefault(value, []).append(at)
    return places


def answers(rows: Dataset, most: int = 20) -> dict[str, int]:
    """Rows per answer, the most frequent first."""
    return dict(Counter(column(rows, "answer")).most_common(most))
