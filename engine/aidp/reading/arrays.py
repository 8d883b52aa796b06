"""The elements of a JSON array, one after the other as its text comes in: the whole is never held.

Python's own decoder reads each element. An array that is wrong in the middle has no rows after that place, so that is
an error of the file, not of a row.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from engine.errors import BadInput

_PIECE = 1024**2  # characters read at once, at least
_SPACE = " \t\r\n"
_DECODER = json.JSONDecoder()
_SKIPPING = json.JSONDecoder(parse_int=str)  # takes a whole number of any length


class Unread(NamedTuple):
    """An element that is JSON, but no Python value: it holds a number of thousands of digits."""

    why: str


def elements(pieces: Iterable[str], name: str, longest: int) -> Iterator[Any]:
    """Elements of the array that the pieces form together; one has at most `longest` characters. Raises BadInput."""
    text = _Text(pieces)
    if text.char() != "[":
        hint = "say jsonl where each line is an object of its own, or write one array"
        raise BadInput("expected a JSON array of rows", where=name, hint=hint)
    text.step()
    number = 0
    empty = text.char() == "]"
    while not empty:
        number += 1
        yield _element(text, f"{name}[{number}]", longest)
        if (char := text.char()) == "]":
            break
        if char != ",":
            raise BadInput("not valid JSON: the array ends here, or a comma is missing", where=f"{name}[{number}]")
        text.step()
        text.char()
    text.step()
    if text.char():
        raise BadInput("not valid JSON: something follows the array", where=name)


def _element(text: _Text, where: str, longest: int) -> Any:
    while True:
        try:
            value, end = _decoded(text.held, text.at)
        except (ValueError, RecursionError) as error:
            why = getattr(error, "msg", str(error))
            if len(text.held) - text.at > longest or isinstance(error, RecursionError) or not text.more():
                hint = "the rows after this one cannot be found: mend the file"
                raise BadInput(f"not valid JSON: {why}", where=where, hint=hint) from None
            continue
        if end < len(text.held) or not text.more():  # a number at the end may go on
            text.at = end
            return value


def _decoded(text: str, at: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, at)
    except json.JSONDecodeError:
        raise
    except ValueError as error:
        _, end = _SKIPPING.raw_decode(text, at)
        return Unread(f"a number is too long: {error}"), end


class _Text:
    """Text that comes in pieces, read from `at` on."""

    def __init__(self, pieces: Iterable[str]) -> None:
        self._pieces = iter(pieces)
        self.held, self.at = "", 0

    def more(self) -> bool:
        """Twice as much as there is, so that no text is looked at many times; False at the end."""
        fresh, size = [], 0
        while size < max(_PIECE, len(self.held) - self.at) and (piece := next(self._pieces, "")):
            fresh.append(piece)
            size += len(piece)
        self.held, self.at = self.held[self.at :] + "".join(fresh), 0
        return bool(fresh)

    def char(self) -> str:
        """The next character that is no white space; "" at the end."""
        while True:
            while self.at < len(self.held) and self.held[self.at] in _SPACE:
                self.at += 1
            if self.at < len(self.held):
                return self.held[self.at]
            if not self.more():
                return ""

    def step(self) -> None:
        self.at += 1
