"""Text as rows: CSV, TSV, JSON lines, a JSON array, plain text.

A row that cannot be read is told, and the next follows. Memory does not grow with the text: lines, fields and elements
have a greatest size. No types are guessed.
"""

from __future__ import annotations

import csv
import json
import re
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple

from engine.aidp.reading.arrays import elements
from engine.errors import BadInput

TextFormat = Literal["csv", "tsv", "jsonl", "json", "text", "paragraphs"]

MAX_FIELD = 4 * 1024**2  # characters of one value
MAX_LINE = 16 * 1024**2  # characters of one line, or of one element of a JSON array

_HALF = re.compile("[\ud800-\udfff]")  # half a character, or a byte that was none
_NO_TEXT = "holds bytes that are no text in this encoding"
_RENAME = 'save it as UTF-8, or name its encoding: encoding = "latin-1"'


class Row(NamedTuple):
    """One row as it stands in its file. `where`: `reviews.csv:12`; `line`: 12, in a table the row's number."""

    where: str
    values: dict[str, str]
    line: int = 0


class Bad(NamedTuple):
    """A row that cannot be read: where it stands, why, what to do, how it begins."""

    where: str
    why: str
    hint: str = ""
    text: str = ""

    def error(self) -> BadInput:
        return BadInput(self.why, where=self.where, hint=self.hint)


def rows_of(text: Iterable[str], kind: TextFormat, columns: tuple[str, ...], name: str) -> Iterator[Row | Bad]:
    """Rows of lines with their ends (of any pieces, for `json`). Raises BadInput where no further row can be read."""
    if kind == "jsonl":
        return _json_lines(text, name)
    if kind == "json":
        return _json(text, name)
    if kind == "text":
        return _text(text, name)
    return _paragraphs(text, name) if kind == "paragraphs" else _separated(text, kind, columns, name)


class _Lines:
    """Lines with their numbers. `taken` are those of the row being read; all but the first can be given back."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines, self._again = iter(lines), deque[str]()
        self.number = 0
        self.taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self.number += 1
        self.taken.append(line)
        return line

    def give_back(self) -> str:
        """The row is its first line alone, which is given; what a quote that never closes swallowed is read again."""
        self._again.extendleft(reversed(self.taken[1:]))
        self.number -= len(self.taken) - 1
        return self.taken[0]


def _separated(text: Iterable[str], kind: TextFormat, columns: tuple[str, ...], name: str) -> Iterator[Row | Bad]:
    """CSV with the usual quotes; TSV without any: there a quote is an ordinary character."""
    csv.field_size_limit(MAX_FIELD)
    lines, header = _Lines(text), list(columns)
    tabs = kind == "tsv"
    reader = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE) if tabs else csv.reader(lines, strict=True)
    while True:
        lines.taken.clear()
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            fields, why = [], f"not valid {kind.upper()}: {error}"
        else:
            if not any(field.strip() for field in fields):
                continue
            if not header:
                header = _checked_header(fields, f"{name}:{lines.number}")
                continue
            why = _misfit(fields, header, lines.taken)
        if why:
            hint = _RENAME if why == _NO_TEXT else "put text that holds the separator in quotes, and double its quotes"
            line = lines.give_back()
            yield Bad(f"{name}:{lines.number}", why, hint, line)
        else:
            yield Row(f"{name}:{lines.number}", dict(zip(header, fields, strict=False)), lines.number)


def _misfit(fields: list[str], header: list[str], taken: list[str]) -> str:
    """Why these fields are no row; "" = they are. A row over several lines that is too short lost a quote."""
    if any(map(undecodable, taken)):
        return _NO_TEXT
    if len(fields) > len(header) or (len(taken) > 1 and len(fields) < len(header)):
        lost = ", over several lines: a quote may be missing" if len(taken) > 1 else ""
        return f"{len(fields)} fields, but {len(header)} columns ({', '.join(header)}){lost}"
    return ""


def _checked_header(fields: list[str], where: str) -> list[str]:
    header = [field.strip() for field in fields]
    twice = sorted({field for field in header if header.count(field) > 1})
    if twice or not all(header):
        what = f"the column `{twice[0]}` stands twice in the header" if twice and twice[0] else "a column has no name"
        raise BadInput(what, where=where, hint="give every column its own name in the first line")
    return header


def _json_lines(lines: Iterable[str], name: str) -> Iterator[Row | Bad]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{name}:{number}"
        if len(line) > MAX_LINE:
            yield Bad(where, f"a line of more than {MAX_LINE:,} characters", "", line)
        elif undecodable(line):
            yield Bad(where, _NO_TEXT, _RENAME, line)
        else:
            yield _decoded(line, where, number)


def _decoded(line: str, where: str, number: int) -> Row | Bad:
    try:
        return flat(json.loads(line), where, number)
    except (ValueError, RecursionError) as error:
        return Bad(where, f"not valid JSON: {error}", "", line)


def _json(pieces: Iterable[str], name: str) -> Iterator[Row | Bad]:
    for number, row in enumerate(elements(pieces, name, MAX_LINE), 1):
        yield flat(row, f"{name}[{number}]", number)


def flat(row: object, where: str, number: int) -> Row | Bad:
    """A JSON object's or a table's row, its values as text."""
    if not isinstance(row, dict):
        return Bad(where, "expected a JSON object", 'write rows like {"text": "...", "label": "..."}', str(row)[:1000])
    values = {str(key): as_text(value) for key, value in row.items()}
    whole = "".join([*values, *values.values()])
    if undecodable(whole):
        what = "the row cannot be written as UTF-8: it holds half a character (a lone surrogate)"
        return Bad(where, what, "write the character whole", whole)
    if len(whole) > MAX_FIELD and any(len(value) > MAX_FIELD for value in values.values()):
        return Bad(where, f"a value of more than {MAX_FIELD:,} characters", "cut it", whole)
    return Row(where, values, number)


def as_text(value: Any) -> str:
    """A value of a JSON or Parquet row as text: strings as they are, null as nothing, the rest as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False, default=str)


def undecodable(text: str) -> bool:
    """Whether it holds half a character: Python's mark of bytes that were no text, or a broken escape of JSON."""
    return not text.isascii() and _HALF.search(text) is not None


def _text(lines: Iterable[str], name: str) -> Iterator[Row | Bad]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _one_text(line.rstrip("\r\n"), f"{name}:{number}", number)


def _paragraphs(lines: Iterable[str], name: str) -> Iterator[Row | Bad]:
    """What blank lines separate; a paragraph stands where it begins. One that is too long ends where it is."""
    paragraph: list[str] = []
    first = size = 0
    for number, line in enumerate(lines, 1):
        size += len(line)
        if paragraph and (size > MAX_FIELD or not line.strip()):
            yield _one_text("".join(paragraph).strip("\r\n"), f"{name}:{first}", first)
            paragraph, size = [], len(line)
        if line.strip():
            first = first if paragraph else number
            paragraph.append(line)
    if paragraph:
        yield _one_text("".join(paragraph).strip("\r\n"), f"{name}:{first}", first)


def _one_text(text: str, where: str, number: int) -> Row | Bad:
    if undecodable(text):
        return Bad(where, _NO_TEXT, _RENAME, text)
    if len(text) > MAX_FIELD:
        return Bad(where, f"a line of more than {MAX_FIELD:,} characters", "break it into lines", text)
    return Row(where, {"text": text}, number)
