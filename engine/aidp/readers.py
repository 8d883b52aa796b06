"""Reading rows from data files a person or a recipe names: CSV, TSV, JSON lines, JSON, Parquet.

Every row comes with the line it stands on, so that an error can say where. Values are text: a number or a nested
value of a JSON row keeps its JSON form, null becomes "". No types are guessed, nothing in a file is executed.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from engine.errors import BadInput

FileFormat = Literal["auto", "csv", "tsv", "jsonl", "json", "parquet"]

MAX_FILE = 1024**3  # bytes of one data file
MAX_ROWS = 2_000_000
MAX_FIELD = 4 * 1024**2  # characters of one value

_SUFFIXES: dict[str, FileFormat] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".txt": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
}


class Row(NamedTuple):
    """One row as it stands in its file. `where`: `reviews.csv:12`."""

    where: str
    values: dict[str, str]


def read_rows(
    path: Path, format: FileFormat = "auto", *, encoding: str = "utf-8", columns: tuple[str, ...] = (), name: str = ""
) -> Iterator[Row]:
    """All rows of a file, one by one. `columns` names the fields of a file without a header line.

    Raises BadInput, naming file and line, for a missing, too large, undecodable or malformed file.
    """
    shown = name or path.name
    kind = detect_format(path, format)
    try:
        if path.stat().st_size > MAX_FILE:
            raise BadInput(f"larger than {MAX_FILE:,} bytes", where=shown, hint="cut it into smaller files")
        if kind == "parquet":
            yield from _parquet(path, shown)
        else:
            codec = "utf-8-sig" if encoding == "utf-8" else encoding
            with path.open(encoding=codec, newline="") as lines:
                yield from parse(lines, kind, columns=columns, name=shown)
    except FileNotFoundError:
        raise BadInput("no such data file", where=str(path), hint="check the path") from None
    except UnicodeDecodeError as error:
        hint = 'save it as UTF-8, or write encoding = "latin-1" in [data]'
        raise BadInput(f"not {encoding} text (byte {error.start:,})", where=shown, hint=hint) from None
    except OSError as error:
        raise BadInput(
            f"cannot be read ({error.strerror})", where=str(path), hint="check the path and its rights"
        ) from None


def detect_format(path: Path, format: FileFormat) -> FileFormat:
    """The format asked for, or the one the file's name says. Raises BadInput where neither helps."""
    if format != "auto":
        return format
    if found := _SUFFIXES.get(path.suffix.lower()):
        return found
    raise BadInput(
        f"`{path.suffix}` is no data format known here", where=path.name, hint="use .csv, .tsv, .jsonl or .parquet"
    )


def parse(lines: Iterable[str], kind: FileFormat, *, columns: tuple[str, ...] = (), name: str) -> Iterator[Row]:
    """Rows of already opened text (opened with newline="")."""
    rows = _json_lines(lines, name) if kind == "jsonl" else _json(lines, name) if kind == "json" else None
    for number, row in enumerate(rows if rows is not None else _separated(lines, kind, columns, name), 1):
        if number > MAX_ROWS:
            raise BadInput(f"more than {MAX_ROWS:,} rows", where=name, hint="use a part of it")
        yield row


def _separated(lines: Iterable[str], kind: FileFormat, columns: tuple[str, ...], name: str) -> Iterator[Row]:
    """CSV with the usual quotes; TSV without any: there a quote is an ordinary character."""
    csv.field_size_limit(MAX_FIELD)
    if kind == "tsv":
        reader = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    else:
        reader = csv.reader(lines, strict=True)
    header = list(columns)
    try:
        for fields in reader:
            if not any(field.strip() for field in fields):
                continue
            where = f"{name}:{reader.line_num}"
            if not header:
                header = _checked_header(fields, where)
                continue
            if len(fields) > len(header):
                what = f"{len(fields)} fields, but {len(header)} columns ({', '.join(header)})"
                raise BadInput(what, where=where, hint="put quotes around text that holds the separator")
            yield Row(where, dict(zip(header, fields, strict=False)))
    except csv.Error as error:
        raise BadInput(f"not valid {kind.upper()}: {error}", where=f"{name}:{reader.line_num}") from None


def _checked_header(fields: list[str], where: str) -> list[str]:
    header = [field.strip() for field in fields]
    twice = sorted({field for field in header if header.count(field) > 1})
    if twice or not all(header):
        what = f"the column `{twice[0]}` stands twice in the header" if twice and twice[0] else "a column has no name"
        raise BadInput(what, where=where, hint="give every column its own name in the first line")
    return header


def _json_lines(lines: Iterable[str], name: str) -> Iterator[Row]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield Row(f"{name}:{number}", _flat(_decoded(line, f"{name}:{number}"), f"{name}:{number}"))


def _json(lines: Iterable[str], name: str) -> Iterator[Row]:
    rows = _decoded("".join(lines), name)
    if not isinstance(rows, list):
        raise BadInput("expected a JSON array of rows", where=name, hint="or write one JSON object per line (.jsonl)")
    for number, row in enumerate(rows, 1):
        yield Row(f"{name}[{number}]", _flat(row, f"{name}[{number}]"))


def _decoded(text: str, where: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"not valid JSON: {error}", where=where) from None


def _flat(row: object, where: str) -> dict[str, str]:
    if not isinstance(row, dict):
        raise BadInput("expected a JSON object", where=where, hint='write rows like {"text": "...", "label": "..."}')
    flat = {str(key): as_text(value) for key, value in row.items()}
    try:
        "".join(flat.values()).encode()
    except UnicodeEncodeError:
        what = "the row cannot be written as UTF-8: it holds half a character (a lone surrogate)"
        raise BadInput(what, where=where, hint="write the character whole") from None
    return flat


def as_text(value: Any) -> str:
    """A value of a JSON or Parquet row as text: strings as they are, null as nothing, the rest as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False, default=str)


def _parquet(path: Path, name: str) -> Iterator[Row]:
    import pyarrow  # heavy: only the data process gets here
    import pyarrow.parquet

    try:
        number = 0
        for batch in pyarrow.parquet.ParquetFile(path).iter_batches():
            for row in batch.to_pylist():
                number += 1
                if number > MAX_ROWS:
                    raise BadInput(f"more than {MAX_ROWS:,} rows", where=name, hint="use a part of it")
                yield Row(f"{name}[{number}]", _flat(row, f"{name}[{number}]"))
    except pyarrow.ArrowException as error:
        raise BadInput(f"not a readable Parquet file: {str(error).splitlines()[0]}", where=name) from None


def text_lines(data: bytes, encoding: str, name: str) -> Iterable[str]:
    """Bytes read from an archive, as `parse` wants them."""
    codec = "utf-8-sig" if encoding == "utf-8" else encoding
    try:
        return io.StringIO(data.decode(codec), newline="")
    except UnicodeDecodeError as error:
        raise BadInput(
            f"not {encoding} text (byte {error.start:,})", where=name, hint="set `encoding` in [data]"
        ) from None
