"""Rows that come one by one, as a Dataset: through Arrow files in a folder, or in memory where there is no folder.

Columns may appear late: then another file begins, and the parts are put together with nothing where a column was not.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
from datasets import Dataset, concatenate_datasets

from engine.aidp.rows import BATCH, tables, written
from engine.errors import IdeaFailure, ResourceFailure
from engine.files import disk_errors

MOST_COLUMNS = 1_000
IN_MEMORY = 512 * 1024**2  # bytes of text without a folder

Row = Mapping[str, Any]


def raw(rows: Iterable[Row], first: tuple[tuple[str, pa.DataType], ...], folder: Path | None, where: str) -> Dataset:
    """Rows with the columns `first`, and text in all others. Raises IdeaFailure for columns without end."""
    batches = _Batches(rows, dict(first), where)
    parts = []
    while batches.left:
        schema = batches.schema
        parts.append(_filed(batches, schema, folder) if folder else _held(batches, schema, where))
    return concatenate_datasets(parts) if parts else Dataset(batches.schema.empty_table())


def fresh(folder: Path) -> Path:
    """A new file: another output may lie in one that is there."""
    handle, name = tempfile.mkstemp(dir=folder, suffix=".arrow")
    os.close(handle)
    return Path(name)


class _Batches:
    """Rows by the batch, as long as they bring no new column."""

    def __init__(self, rows: Iterable[Row], types: dict[str, pa.DataType], where: str) -> None:
        self._rows, self._types, self._where = iter(rows), types, where
        self._next()

    @property
    def left(self) -> bool:
        return bool(self._batch)

    @property
    def schema(self) -> pa.Schema:
        return pa.schema(list(self._types.items()))

    def rows(self) -> Iterator[Row]:
        columns = len(self._types)
        while self._batch and columns == len(self._types):
            yield from self._batch
            self._next()

    def _next(self) -> None:
        self._batch = []
        for row in islice(self._rows, BATCH):
            self._batch.append(row)
            for name in row:
                self._types.setdefault(name, pa.string())
            if len(self._types) > MOST_COLUMNS:
                what = f"more than {MOST_COLUMNS:,} different columns"
                raise IdeaFailure(what, where=self._where, hint="give its rows the same fields")


def _filed(batches: _Batches, schema: pa.Schema, folder: Path) -> Dataset:
    with disk_errors(folder):
        return written(batches.rows(), fresh(folder), schema)


def _held(batches: _Batches, schema: pa.Schema, where: str) -> Dataset:
    parts, size = [], 0
    for table in tables(batches.rows(), schema):
        parts.append(table)
        size += table.nbytes
        if size > IN_MEMORY:
            what = f"more than {IN_MEMORY:,} bytes of text, and no folder to keep them in"
            raise ResourceFailure(what, where=where, hint="use a smaller file")
    return Dataset(pa.concat_tables(parts))


Told = Callable[[int, int], None]


def told(rows: Iterable[Any], progress: Told, total: int = 0, every: int = 5_000) -> Iterator[Any]:
    """The same rows; every so many, a word of progress."""
    for number, row in enumerate(rows):
        if not number % every:
            progress(number, total)
        yield row
