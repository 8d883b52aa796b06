"""Rows of Parquet and Arrow files, batch by batch. Heavy (pyarrow): imported when a row is read, not before."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import IO, Any, Literal

import pyarrow
import pyarrow.parquet

from engine.aidp.reading.lines import Bad, Row, flat
from engine.errors import BadInput

TableFormat = Literal["parquet", "arrow"]

BATCH = 2_000  # rows in Python's hands at once
_NAMES: dict[TableFormat, str] = {"parquet": "Parquet", "arrow": "Arrow"}
_FILE = b"ARROW1"  # how an Arrow file begins; a stream, which `datasets` writes, has no sign


def rows_of(file: IO[bytes], kind: TableFormat, name: str) -> Iterator[Row | Bad]:
    """Rows with their numbers from 1, nested values as JSON. Raises BadInput for a file that is damaged."""
    number = 0
    try:
        for batch in _parquet(file) if kind == "parquet" else _arrow(file):
            for row in batch.to_pylist():
                number += 1
                yield flat(row, f"{name}[{number}]", number)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        said = str(error).splitlines() or [type(error).__name__]
        raise BadInput(f"not a readable {_NAMES[kind]} file: {said[0]}", where=name) from None


def _parquet(file: IO[bytes]) -> Iterator[Any]:
    yield from pyarrow.parquet.ParquetFile(file).iter_batches(BATCH)


def _arrow(file: IO[bytes]) -> Iterator[Any]:
    """Batches of a file or of a stream, no larger than BATCH."""
    start = file.read(len(_FILE))
    file.seek(0)
    if start == _FILE:
        reader = pyarrow.ipc.open_file(file)
        batches = (reader.get_batch(at) for at in range(reader.num_record_batches))
    else:
        batches = iter(pyarrow.ipc.open_stream(file))
    return chain.from_iterable(
        (batch.slice(start, BATCH) for start in range(0, batch.num_rows, BATCH)) for batch in batches
    )
