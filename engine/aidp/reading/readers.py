"""Reading rows from data files a person or a recipe names: CSV, TSV, JSON lines, JSON, text (all of them also packed
with gzip), Parquet, Arrow.

Every row comes with the line it stands on, so that an error can say where. Values are text: a number or a nested
value of a JSON row keeps its JSON form, null becomes "". No types are guessed, nothing in a file is executed.
A row that cannot be read ends the reading, unless the caller says where such rows go.
"""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Literal, cast

from engine.aidp.reading import MAX_FILE, Alive, lines, nothing
from engine.aidp.reading.archives import Counted
from engine.aidp.reading.lines import TextFormat, silent
from engine.aidp.reading.separated import Remark
from engine.aidp.reading.values import MAX_FIELD, MAX_LINE, Bad, Row, as_text
from engine.errors import BadInput
from engine.files import open_regular

FileFormat = Literal["auto", "csv", "tsv", "jsonl", "json", "parquet", "arrow", "text", "paragraphs"]
Aside = Callable[[str, str, str], None]
"""Takes a row that cannot be read: where it stands, why, and how it begins."""

MAX_ROWS = 2_000_000
LONGEST = 400  # characters of a reason: it may quote what stands in the file

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
_BUFFER = 128 * 1024  # bytes
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_MARKED = "trex.marked"


def _half(error: UnicodeError) -> tuple[str, int]:
    """Half a character for bytes that are no text, so that the row in which they stand is known by it."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\udcff", error.end


codecs.register_error(_MARKED, _half)


def read_rows(
    path: Path,
    format: FileFormat = "auto",
    *,
    encoding: str = "utf-8",
    columns: tuple[str, ...] = (),
    name: str = "",
    file: IO[bytes] | None = None,
    aside: Aside | None = None,
    remark: Remark = silent,
    max_bytes: int = MAX_FILE,
    max_rows: int = MAX_ROWS,
    alive: Alive = nothing,
) -> Iterator[Row]:
    """All rows of a file, one by one. `columns` names the fields of a file without a header line.

    `encoding`: utf-8, utf-16, or one that Python knows of a byte for each character; a byte-order mark overrules it.
    `remark` is told what was found out about the file as a whole, `alive` called every few megabytes.
    `file`: where the bytes are, if not at `path`. Raises BadInput, naming file and line, for a missing, too large,
    undecodable or malformed file; rows that are malformed, too large or undecodable go to `aside` where one is given.
    """
    shown = name or path.name
    kind = detect_format(path, format)
    try:
        with open_regular(path) if file is None else file as opened:
            size = opened.seek(0, io.SEEK_END)
            opened.seek(0)
            if size > max_bytes:
                raise BadInput(f"larger than {max_bytes:,} bytes", where=shown, hint="cut it into smaller files")
            if kind in _TABLES:
                found = _table(opened, kind, shown, alive)
            else:
                plain = _watched(opened, shown, max_bytes, alive)
                if path.suffix.lower() == ".gz":
                    plain = _watched(gzip.GzipFile(fileobj=plain, mode="rb"), shown, max_bytes, alive)
                codec = _codec(encoding, plain.peek(3)[:3])
                if codec == "utf-16" and encoding != codec:
                    remark("its byte-order mark says UTF-16")
                    encoding = codec
                pieces = _pieces(plain, kind, codec, tolerant=aside is not None)
                found = lines.rows_of(pieces, cast(TextFormat, kind), columns, shown, remark)
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
        return io.StringIO(data.decode(_codec(encoding, data[:3])), newline="")
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
            aside(row.where, row.why if len(row.why) <= LONGEST else f"{row.why[:LONGEST]} ...", row.text)
            continue
        number += 1
        if number > most:
            raise BadInput(f"more than {most:,} rows", where=name, hint="use a part of it")
        yield row


def _watched(source: IO[bytes] | gzip.GzipFile, name: str, max_bytes: int, alive: Alive) -> io.BufferedReader:
    return io.BufferedReader(Counted(source, name, max_bytes, alive), _BUFFER)


def _pieces(plain: IO[bytes], kind: FileFormat, codec: str, *, tolerant: bool) -> Iterator[str]:
    """The text by the line; in pieces where it is one JSON array. What cannot be decoded is marked, or an error."""
    text = io.TextIOWrapper(plain, encoding=codec, errors=_MARKED if tolerant else "strict", newline="")
    return iter(partial(text.read, _CHUNK), "") if kind == "json" else _lines(text)


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    """Lines with their ends; of one that is too long a beginning that shows it."""
    most = MAX_LINE + 1
    for line in iter(partial(text.readline, most), ""):
        yield line
        while len(line) == most and not line.endswith(("\n", "\r")):
            line = text.readline(most)


def _table(opened: IO[bytes], kind: str, name: str, alive: Alive) -> Iterator[Row | Bad]:
    from engine.aidp.reading import tables  # heavy: only the data process gets here

    return tables.rows_of(opened, "parquet" if kind == "parquet" else "arrow", name, alive)


def _codec(encoding: str, start: bytes) -> str:
    """Python's name of the encoding: what a byte-order mark says; UTF-16 without one is little-endian."""
    marked = next((codec for mark, codec in _MARKS if start.startswith(mark)), "")
    return marked or ("utf-16-le" if encoding == "utf-16" else encoding)


__all__ = [
    "MAX_FIELD",
    "MAX_FILE",
    "MAX_ROWS",
    "Aside",
    "FileFormat",
    "Row",
    "as_text",
    "detect_format",
    "parse",
    "read_rows",
    "text_lines",
]
