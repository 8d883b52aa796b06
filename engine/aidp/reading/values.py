"""A row of a file as text, or why there is none, and what text may hold. Not how rows are found in a file.

Values are text whatever they were; no types are guessed.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from engine.errors import BadInput

MAX_FIELD = 4 * 1024**2  # characters of one value
MAX_LINE = 16 * 1024**2  # characters of one line, or of one element of a JSON array

NO_TEXT = "holds bytes that are no text in this encoding"
RENAME = 'save it as UTF-8, or name its encoding: --encoding cp1252, in a recipe encoding = "cp1252"'

_HALF = re.compile("[\ud800-\udfff]")  # half a character, or a byte that was none


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
