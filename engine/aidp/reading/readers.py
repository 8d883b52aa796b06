"""Reading rows from data files a person or a recipe names: CSV, TSV, JSON lines, JSON, text (all of them also packed
with gzip), Parquet, Arrow.

Every row comes with the line it stands on, so that an error can say where. Values are text: a number or a nested
value of a JSON row keeps its JSON form, null becomes "". No types are guessed, nothing in a file is executed.
A row that cannot be read ends the reading, unless the caller says where such rows go.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Literal, cast

from engine.aidp.reading import MAX_FILE, lines
from engine.aidp.reading.archives import Counted
from engine.aidp.reading.lines import MAX_FIELD, MAX_LINE, Bad, Row, TextFormat, as_text
from engine.errors import BadInput

FileFormat = Literal["auto", "csv", "tsv", "jsonl", "json", "parquet", "arrow", "text", "paragraphs"]
Encoding = Literal["utf-8", "latin-1"]
Aside = Callable[[str, str, str], None]
"""Takes a row that cannot be read: where it stands, why, and how it begins."""

MAX_ROWS = 2_000_000

_SUFFIXES: dict[str, FileFormat] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".txt": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
    ".arrow": "arrow",
}
_TABLES = ("parquet", "arrow")
_CHUNK = 1024**2  # characters of a JSON array read at once


def read_rows(
    path: Path,
    format: FileFormat = "auto",
    *,
    encoding: str = "utf-8",
    columns: tuple[str, ...] = (),
    name: str = "",
    file: IO[bytes] | None = None,
    aside: Aside | None = None,
    max_bytes: int = MAX_FILE,
    max_rows: int = MAX_ROWS,
) -> Iterator[Row]:
    """All rows of a file, one by one. `columns` names the fields of a file without a header line.

    `file`: where the bytes are, if not at `path`. Raises BadInput, naming file and line, for a missing, too large,
    undecodable or malformed file; rows that are malformed, too large or undecodable go to `aside` where one is given.
    """
    shown = name or path.name
    kind = detect_format(path, format)
    try:
        with path.open("rb") if file is None else file as opened:
            size = opened.seek(0, io.SEEK_END)
            opened.seek(0)
            if size > max_bytes:
                raise BadInput(f"larger than {max_bytes:,} bytes", where=shown, hint="cut it into smaller files")
            if kind in _TABLES:
                found = _table(opened, kind, shown)
            else:
                plain = _unpacked(opened, shown, max_bytes) if path.suffix.lower() == ".gz" else opened
                pieces = _pieces(plain, kind, encoding, tolerant=aside is not None)
                found = lines.rows_of(pieces, cast(TextFormat, kind), columns, shown)
            yield from _counted(found, shown, aside, max_rows)
    except FileNotFoundError:
        raise BadInput("no such data file", where=str(path), hint="check the path") from None
    except UnicodeDecodeError as error:
        hint = 'save it as UTF-8, or write encoding = "latin-1" in [data]'
        raise BadInput(f"not {encoding} text (byte {error.start:,})", where=shown, hint=hint) from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BadInput(f"not a whole gzip file: {error}", where=shown, hint="fetch it again") from None
    except OSError as error:
        raise BadInput(
            f"cannot be read ({error.strerror})", where=str(path), hint="check the path and its rights"
        ) from None


def detect_format(path: Path, format: FileFormat) -> FileFormat:
    """The format asked for, or the one the file's name says. Raises BadInput where neither helps."""
    if format != "auto":
        return format
    plain = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    found = _SUFFIXES.get(plain.suffix.lower())
    if found and (plain == path or found not in _TABLES):
        return found
    raise BadInput(
        f"`{path.suffix}` is no data format known here",
        where=path.name,
        hint="use .csv, .tsv, .jsonl, .parquet or .arrow",
    )


def parse(text: Iterable[str], kind: FileFormat, *, columns: tuple[str, ...] = (), name: str) -> Iterator[Row]:
    """Rows of already opened text (opened with newline=""). Raises BadInput."""
    return _counted(lines.rows_of(text, cast(TextFormat, kind), columns, name), name, None, MAX_ROWS)


def text_lines(data: bytes, encoding: str, name: str) -> Iterable[str]:
    """Bytes read from an archive, as `parse` wants them."""
    try:
        return io.StringIO(data.decode(_codec(encoding)), newline="")
    except UnicodeDecodeError as error:
        raise BadInput(
            f"not {encoding} text (byte {error.start:,})", where=name, hint="set `encoding` in [data]"
        ) from None


def _counted(rows: Iterable[Row | Bad], name: str, aside: Aside | None, most: int) -> Iterator[Row]:
    """The rows that could be read; the others to `aside`, or the first of them as an error."""
    number = 0
    for row in rows:
        if isinstance(row, Bad):
            if aside is None:
                raise row.error()
            aside(row.where, row.why, row.text)
            continue
        number += 1
        if number > most:
            raise BadInput(f"more than {most:,} rows", where=name, hint="use a part of it")
        yield row


def _unpacked(opened: IO[bytes], name: str, max_bytes: int) -> IO[bytes]:
    return io.BufferedReader(Counted(gzip.GzipFile(fileobj=opened, mode="rb"), name, max_bytes))


def _pieces(plain: IO[bytes], kind: FileFormat, encoding: str, *, tolerant: bool) -> Iterator[str]:
    """The text by the line; in pieces where it is one JSON array. What cannot be decoded is marked, or an error."""
    errors = "surrogateescape" if tolerant else "strict"
    text = io.TextIOWrapper(plain, encoding=_codec(encoding), errors=errors, newline="")
    return iter(partial(text.read, _CHUNK), "") if kind == "json" else _lines(text)


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    """Lines with their ends; of one that is too long a beginning that shows it."""
    most = MAX_LINE + 1
    for line in iter(partial(text.readline, most), ""):
        yield line
        while len(line) == most and not line.endswith(("\n", "\r")):
            line = text.readline(most)


def _table(opened: IO[bytes], kind: str, name: str) -> Iterator[Row | Bad]:
    from engine.aidp.reading import tables  # heavy: only the data process gets here

    return tables.rows_of(opened, "parquet" if kind == "parquet" else "arrow", name)


def _codec(encoding: str) -> str:
    return "utf-8-sig" if encoding == "utf-8" else encoding


__all__ = [
    "MAX_FIELD",
    "MAX_FILE",
    "MAX_ROWS",
    "Aside",
    "Encoding",
    "FileFormat",
    "Row",
    "as_text",
    "detect_format",
    "parse",
    "read_rows",
    "text_lines",
]
