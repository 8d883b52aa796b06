"""Tables as text: CSV with commas or semicolons, TSV. A quote that never closes costs its own line and no more."""

from __future__ import annotations

import csv
import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from engine.aidp.reading.values import MAX_FIELD, MAX_LINE, NO_TEXT, RENAME, Bad, Row, undecodable
from engine.errors import BadInput

Remark = Callable[[str], None]
"""Takes what was found out about a file as a whole."""

_QUOTED = re.compile(r'"[^"]*"?')
_NAMED = 8  # columns that a reason names
_AGAIN = 2 * MAX_LINE  # characters that may be read again, besides twice those that were read once
_TALL = 100_000  # lines of one row
_LOOKED_AT = 1_000  # lines in which the first that says something has to be


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


def separated(
    text: Iterable[str], tabs: bool, columns: tuple[str, ...], name: str, remark: Remark
) -> Iterator[Row | Bad]:
    """CSV with the usual quotes; TSV without any: there a quote is an ordinary character."""
    csv.field_size_limit(MAX_FIELD)
    lines, header = _Lines(text), list(columns)
    if tabs:
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
            fields, why = [], lines.ended or f"not valid {'TSV' if tabs else 'CSV'}: {error}"
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
