"""Rows as the data operators pass them on: a Dataset with our columns first, and whatever operators added after them.

`id`, `prompt`, `answer` and `source` (where the row was read from: `train`, a file) are text. `parents` are the ids of
the rows that a made row was made from, `made_by` the operators that read, changed or wrote it (`mix:2`: the recipe's
third), both empty for a row that is as it came. Rows live in Arrow, in memory or in a file; never in Python lists.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa
from datasets import Dataset, Features, List, Value

from engine.aidp.reading.values import as_text, encodable, undecodable
from engine.errors import BadInput

TEXTS = ("id", "prompt", "answer", "source")
TRACES = ("parents", "made_by")
COLUMNS = (*TEXTS, *TRACES)
FEATURES = Features({**{name: Value("string") for name in TEXTS}, **{name: List(Value("string")) for name in TRACES}})
SCHEMA: pa.Schema = FEATURES.arrow_schema
BATCH = 10_000  # rows that are in Python's hands at once
GIVEN = "train"  # the source of rows that come from no file

Types = Mapping[str, pa.DataType]
ADDED: Types = MappingProxyType(
    {"score": pa.float64(), "loss": pa.float64(), "split": pa.string(), "turns": pa.string()}
)
"""Columns that operators add and that come back when a result is read again. `turns`: JSON, [role, text] of each turn
before the answer, where there were several."""

Row = Mapping[str, Any]


def dataset(rows: Iterable[Row], extra: Types = MappingProxyType({})) -> Dataset:
    """Rows as a Dataset in memory: our columns in their order, then `extra`, and nothing else.

    A row without an id is called by its source and its number. Raises BadInput for a row without prompt or answer.
    """
    whole = list(rows)
    ours = [_ours(row, number) for number, row in enumerate(whole, 1)]
    made = Dataset.from_dict({name: [row[name] for row in ours] for name in COLUMNS}, features=FEATURES)
    return with_columns(
        made, {name: pa.array([typed(row.get(name), kind) for row in whole], kind) for name, kind in extra.items()}
    )


def _ours(row: Row, number: int) -> dict[str, Any]:
    values = {name: _text(row, name, number) for name in ("prompt", "answer")}
    source = encodable(str(row.get("source") or GIVEN))
    traces = {name: listed(row.get(name)) for name in TRACES}
    return {"id": encodable(str(row.get("id") or f"{source}:{number}")), **values, "source": source, **traces}


def _text(row: Row, name: str, number: int) -> str:
    value = row.get(name)
    if isinstance(value, int | float):
        return as_text(value)
    if not isinstance(value, str):
        what = f"row {number:,} has no `{name}`" if value is None else f"`{name}` of row {number:,} is no text"
        raise BadInput(what, hint="give every row both, as text")
    if undecodable(value):
        raise BadInput(f"`{name}` of row {number:,} holds half a character (a lone surrogate)", hint="write it whole")
    return value


def listed(value: Any) -> list[str]:
    """Ids or operators: a list, or the JSON of one, as columns of text hold it. Anything else is none."""
    if isinstance(value, str) and value.startswith("["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return []
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        return []
    return list(map(encodable, value))


def typed(value: Any, kind: pa.DataType) -> Any:
    """A value of another column than ours: a number or text; nothing stays nothing. Raises BadInput."""
    if pa.types.is_string(kind):
        return None if value is None else encodable(as_text(value))
    try:
        return None if value in (None, "") else float(value)
    except (TypeError, ValueError):
        raise BadInput(f"{as_text(value)[:40]!r} is no number, where a score or a loss should stand") from None


def written(rows: Iterable[Row], path: Path, schema: pa.Schema = SCHEMA) -> Dataset:
    """The same, through an Arrow file at `path`: memory does not grow with the rows. `schema`: of other columns."""
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, schema) as stream:
        for table in tables(rows, schema):
            stream.write_table(table)
    return Dataset.from_file(str(path))


def tables(rows: Iterable[Row], schema: pa.Schema) -> Iterator[pa.Table]:
    """The rows in Arrow, batch by batch; nothing where a row lacks a column."""
    left = iter(rows)
    while batch := list(islice(left, BATCH)):
        yield pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in batch], schema=schema)


def each(rows: Dataset) -> Iterator[dict[str, Any]]:
    """Row by row, read by the batch."""
    names = rows.column_names
    for batch in rows.iter(BATCH):
        for values in zip(*(batch[name] for name in names), strict=True):
            yield dict(zip(names, values, strict=True))


def with_columns(rows: Dataset, columns: Mapping[str, Any]) -> Dataset:
    """The same rows with these columns, Arrow arrays or lists: in the place of those that there were, or at the end."""
    if not columns:
        return rows
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


def nbytes(rows: Dataset) -> int:
    """Bytes of the rows as they are: of a table from which some are chosen, or one of them often, only these."""
    return sum(batch.nbytes for batch in rows.with_format("arrow").iter(BATCH // 10))  # copies what is chosen


def answers(rows: Dataset, most: int = 20) -> dict[str, int]:
    """Rows per answer, the most frequent first."""
    return dict(Counter(column(rows, "answer")).most_common(most))
