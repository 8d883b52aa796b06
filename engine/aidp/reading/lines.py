"""Text as rows: CSV, TSV, JSON lines, a JSON array, plain text.

A row that cannot be read is told, and the next follows. Memory does not grow with the text: lines, fields and elements
have a greatest size. No types are guessed.
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, Literal, NamedTuple

from engine.aidp.reading.arrays import Unread, elements
from engine.errors import BadInput

TextFormat = Literal["csv", "tsv", "jsonl", "json", "text", "paragraphs"]

MAX_FIELD = 4 * 1024**2  # characters of one value
MAX_LINE = 16 * 1024**2  # characters of one line, or of one element of a JSON array

NO_TEXT = "holds bytes that are no text in this encoding"
RENAME = 'save it as UTF-8, or name its encoding: --encoding cp1252, in a recipe encoding = "cp1252"'
Remark = Callable[[str], None]
"""Takes what was found out about a file as a whole."""

_HALF = re.compile("[\ud800-\udfff]")  # half a character, or a byte that was none
_QUOTED = re.compile(r'"[^"]*"?')
_NAMED = 8  # columns that a reason names
_AGAIN = 2 * MAX_LINE  # characters that may be read again, besides twice those that were read once
_TALL = 100_000  # lines of one row
_LOOKED_AT = 1_000  # lines in which the first that says something has to be


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


def silent(_: str) -> None:
    """A remark that nobody wants."""


def rows_of(
    text: Iterable[str], kind: TextFormat, columns: tuple[str, ...], name: str, remark: Remark = silent
) -> Iterator[Row | Bad]:
    """Rows of lines with their ends (of any pieces, for `json`). Raises BadInput where no further row can be read."""
    if kind == "jsonl":
        return _json_lines(text, name)
    if kind == "json":
        return _json(text, name)
    if kind == "text":
        return _text(text, name)
    return _paragraphs(text, name) if kind == "paragraphs" else _separated(text, kind, columns, name, remark)


class _Lines:
    """Lines with their numbers. `taken` are those of the row being read; all but the first can be given back.

    A row ends, its quote open, where it grows too long; and with its first line where giving back has cost so much
    that a file full of open quotes would take for ever. `ended` says so.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines, self._again = iter(lines), deque[str]()
        self.number = 0
        self.taken: list[str] = []
        self.ended = ""
        self._size = self._once = self._twice = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.taken and self._ends():
            raise StopIteration
        if self._again:
            line = self._again.popleft()
            self._twice += len(line)
        else:
            line = next(self._lines)
            self._once += len(line)
        self.number += 1
        self._size += len(line)
        self.taken.append(line)
        return line

    def _ends(self) -> bool:
        if self._size > MAX_LINE or len(self.taken) > _TALL:
            self.ended = f"a quote is not closed within {MAX_LINE:,} characters and {_TALL:,} lines"
        elif self._twice > _AGAIN + 2 * self._once:
            self.ended = "a quote is not closed on its line, and too many before were not closed at all"
        return self.ended != ""

    def begin(self) -> None:
        """What comes is another row."""
        self.taken.clear()
        self._size, self.ended = 0, ""

    def first(self) -> str:
        """The first line that is not blank, which stays to be read; "" = there is none near the beginning."""
        for line in islice(self._lines, _LOOKED_AT):
            self._again.append(line)
            if line.strip():
                return line
        return ""

    def give_back(self) -> str:
        """The row is its first line alone, which is given; what a quote that never closes swallowed is read again."""
        self._again.extendleft(reversed(self.taken[1:]))
        self.number -= len(self.taken) - 1
        return self.taken[0]


def _separated(
    text: Iterable[str], kind: TextFormat, columns: tuple[str, ...], name: str, remark: Remark
) -> Iterator[Row | Bad]:
    """CSV with the usual quotes; TSV without any: there a quote is an ordinary character."""
    csv.field_size_limit(MAX_FIELD)
    lines, header = _Lines(text), list(columns)
    if kind == "tsv":
        reader = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    elif semicolons(lines.first(), columns):
        remark("its fields are separated by `;`")
        reader = csv.reader(lines, delimiter=";", strict=True)
    else:
        reader = csv.reader(lines, strict=True)
    while True:
        lines.begin()
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            fields, why = [], lines.ended or f"not valid {kind.upper()}: {error}"
        else:
            if not any(field.strip() for field in fields):
                continue
            if not header:
                header = _checked_header(fields, f"{name}:{lines.number}", lines.taken)
                continue
            why = _misfit(fields, header, lines.taken)
        if why:
            hint = RENAME if why == NO_TEXT else "put text that holds the separator in quotes, and double its quotes"
            line = lines.give_back()
            yield Bad(f"{name}:{lines.number}", why, hint, line)
        else:
            yield Row(f"{name}:{lines.number}", dict(zip(header, fields, strict=False)), lines.number)


def _misfit(fields: list[str], header: list[str], taken: list[str]) -> str:
    """Why these fields are no row; "" = they are. A row over several lines that is too short lost a quote."""
    if any(map(undecodable, taken)):
        return NO_TEXT
    if len(fields) > len(header) or (len(taken) > 1 and len(fields) < len(header)):
        lost = ", over several lines: a quote may be missing" if len(taken) > 1 else ""
        named = ", ".join(name[:40] for name in header[:_NAMED])
        more = ", ..." if len(header) > _NAMED else ""
        return f"{len(fields)} fields, but {len(header)} columns ({named}{more}){lost}"
    return ""


def semicolons(first: str, columns: tuple[str, ...] = ()) -> bool:
    """Whether the first line of a CSV file says that `;` separates its fields, as where a comma is a decimal point.

    Of a file without a header line that is known where so many fields have names."""
    bare = _QUOTED.sub("", first)
    return ";" in bare and "," not in bare and (not columns or bare.count(";") + 1 == len(columns))


def _checked_header(fields: list[str], where: str, taken: list[str]) -> list[str]:
    header = [field.strip() for field in fields]
    if any("\0" in line or undecodable(line) for line in taken):
        raise BadInput(f"the header {NO_TEXT}", where=where, hint=RENAME)
    twice = sorted(field for field, count in Counter(header).items() if count > 1)
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
            yield Bad(where, NO_TEXT, RENAME, line)
        else:
            yield _decoded(line, where, number)


def _decoded(line: str, where: str, number: int) -> Row | Bad:
    try:
        return flat(json.loads(line), where, number)
    except (ValueError, RecursionError) as error:
        return Bad(where, f"not valid JSON: {error}", "", line)


def _json(pieces: Iterable[str], name: str) -> Iterator[Row | Bad]:
    for number, row in enumerate(elements(pieces, name, MAX_LINE), 1):
        where = f"{name}[{number}]"
        yield Bad(where, row.why, "mend the value") if isinstance(row, Unread) else flat(row, where, number)


def flat(row: object, where: str, number: int) -> Row | Bad:
    """A JSON object's or a table's row, its values as text."""
    if not isinstance(row, dict):
        return Bad(where, "expected a JSON object", 'write rows like {"text": "...", "label": "..."}', _begin(row))
    try:
        values = {str(key): as_text(value) for key, value in row.items()}
    except RecursionError:
        return Bad(where, "lists or objects inside each other, far too deep", "flatten them")
    except ValueError as error:
        return Bad(where, f"a value cannot be written: {error}", "mend the value")
    if any("\0" in name for name in values):
        return Bad(where, "the name of a column holds a NUL character", "rename the column")
    whole = "".join([*values, *values.values()])
    if undecodable(whole):
        what = "the row cannot be written as UTF-8: it holds half a character (a lone surrogate)"
        return Bad(where, what, "write the character whole", whole)
    if len(whole) > MAX_FIELD and any(len(value) > MAX_FIELD for value in values.values()):
        return Bad(where, f"a value of more than {MAX_FIELD:,} characters", "cut it", whole)
    return Row(where, values, number)


def _begin(row: object) -> str:
    try:
        return str(row)[:1000]
    except RecursionError:
        return ""


def as_text(value: Any) -> str:
    """A value of a JSON or Parquet row as text: strings as they are, null as nothing, the rest as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False, default=str)


def undecodable(text: str) -> bool:
    """Whether it holds half a character: Python's mark of bytes that were no text, or a broken escape of JSON."""
    return not text.isascii() and _HALF.search(text) is not None


def encodable(text: str) -> str:
    """The text as it can be shown and stored: a replacement character for each half one and each byte that was none."""
    return _HALF.sub("\ufffd", text) if undecodable(text) else text


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
        return Bad(where, NO_TEXT, RENAME, text)
    if len(text) > MAX_FIELD:
        return Bad(where, f"a line of more than {MAX_FIELD:,} characters", "break it into lines", text)
    return Row(where, {"text": text}, number)
