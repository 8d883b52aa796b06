"""Rows of Parquet and Arrow files, batch by batch. Heavy (pyarrow): imported when a row is read, not before.

A value that Python has no form for (a date in the year 3,000,000, text that is no UTF-8) costs its row alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any, Literal

import pyarrow
import pyarrow.parquet

from engine.aidp.reading import Alive, nothing
from engine.aidp.reading.values import Bad, Row, flat
from engine.errors import BadInput

TableFormat = Literal["parquet", "arrow"]

BATCH = 2_000  # rows in Python's hands at once
_NAMES: dict[TableFormat, str] = {"parquet": "Parquet", "arrow": "Arrow"}
_FILE = b"ARROW1"  # how an Arrow file begins; a stream, which `datasets` writes, has no sign
_SAID = (  # by pyarrow, of files and values that are damaged
    pyarrow.ArrowException,
    OSError,
    ValueError,
    ArithmeticError,
    LookupError,
    TypeError,
    AttributeError,
    SystemError,
    RecursionError,
)


def rows_of(file: IO[bytes], kind: TableFormat, name: str, alive: Alive = nothing) -> Iterator[Row | Bad]:
    """Rows with their numbers from 1, nested values as JSON. Raises BadInput for a file that is damaged.

    `alive` is called with every batch, also where it holds no row.
    """
    number = 0
    for batch in _batches(file, kind, name):
        alive()
        for found in _rows(batch):
            number += 1
            where = f"{name}[{number}]"
            yield Bad(where, found, "mend the value") if isinstance(found, str) else flat(found, where, number)


def _batches(file: IO[bytes], kind: TableFormat, name: str) -> Iterator[Any]:
    try:
        yield from _parquet(file) if kind == "parquet" else _arrow(file)
    except _SAID as error:
        raise BadInput(f"not a readable {_NAMES[kind]} file: {_first_line(error)}", where=name) from None


def _parquet(file: IO[bytes]) -> Iterator[Any]:
    yield from pyarrow.parquet.ParquetFile(file).iter_batches(BATCH)


def _arrow(file: IO[bytes]) -> Iterator[Any]:
    """Batches of a file or of a stream, no larger than BATCH. Raises ArrowInvalid where one points out of itself."""
    start = file.read(len(_FILE))
    file.seek(0)
    if start == _FILE:
        reader = pyarrow.ipc.open_file(file)
        batches = (reader.get_batch(at) for at in range(reader.num_record_batches))
    else:
        batches = iter(pyarrow.ipc.open_stream(file))
    for batch in batches:
        batch.validate()
        for column in batch.columns:
            column.view(_bare(column.type)).validate(full=True)
        yield from (batch.slice(start, BATCH) for start in range(0, max(1, batch.num_rows), BATCH))


def _bare(kind: Any) -> Any:
    """The type with the same places and lengths whose values may be anything: a bad value is no damage of the file."""
    types = pyarrow.types
    if types.is_string(kind):
        return pyarrow.binary()
    if types.is_large_string(kind):
        return pyarrow.large_binary()
    if types.is_string_view(kind):
        return pyarrow.binary_view()
    if types.is_decimal(kind):
        return pyarrow.binary(kind.byte_width)
    if types.is_date(kind) or types.is_time(kind):
        return pyarrow.int32() if kind.bit_width == 32 else pyarrow.int64()
    if types.is_list(kind):
        return pyarrow.list_(_bare(kind.value_type))
    if types.is_large_list(kind):
        return pyarrow.large_list(_bare(kind.value_type))
    if types.is_struct(kind):
        return pyarrow.struct([pyarrow.field(field.name, _bare(field.type)) for field in kind])
    return kind


def _rows(batch: Any) -> Iterator[dict[str, Any] | str]:
    """The rows as Python values; of one with a value that cannot be such, the reason."""
    try:
        yield from batch.to_pylist()
    except _SAID:
        yield from (_row(batch, at) for at in range(batch.num_rows))


def _row(batch: Any, at: int) -> dict[str, Any] | str:
    values: dict[str, Any] = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            values[name] = column[at].as_py()
        except _SAID as error:
            return f"the value of `{name}` cannot be read: {_first_line(error)}"
    return values


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
