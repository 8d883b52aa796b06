"""What every form is made of: rows with a name, a value and a remark, and what comes out: a message, or a job here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

from engine.control import protocol as p
from engine.errors import BadInput

Values = Mapping[str, str]
Job = Callable[[], p.Reply]
"""Work that needs no engine: done in a thread, its reply is a sentence like the engine's. Raises TrexError."""
Order = p.Command | Job


class Row(NamedTuple):
    """One line of a form. `choices`: what the arrows go through; something else may be written all the same."""

    name: str
    label: str
    value: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Remarks:
    """What the form says of the values as they stand. `marked`: rows that differ from what was there at first."""

    notes: Mapping[str, str] = field(default_factory=dict)
    marked: frozenset[str] = frozenset()
    below: str = ""


class Sheet(ABC):
    """A form without its looks. `kind` is its style, `verb` what the key bar calls sending it."""

    kind: ClassVar[str]
    verb: ClassVar[str]
    enter_sends: ClassVar[bool] = True  # else enter goes to the next line
    title: str
    lead: str
    rows: tuple[Row, ...]
    first: str  # the row that is filled in first

    def prepare(self) -> None:
        """Slow reading for the remarks; called once, in a thread."""
        return

    def study(self, values: Values) -> None:  # noqa: ARG002 - for those that have something to read
        """Slow reading of what was written; called in a thread when somebody has stopped typing for a moment."""
        return

    def remarks(self, values: Values) -> Remarks:
        """Called at every letter."""
        return Remarks(marked=frozenset(changed(self.rows, values)))

    @abstractmethod
    def command(self, values: Values) -> Order:
        """What is sent or done. Raises BadInput, one sentence about the first thing that is wrong."""


def changed(rows: tuple[Row, ...], values: Values) -> dict[str, str]:
    """Values that are not what they were at first."""
    return {row.name: values[row.name].strip() for row in rows if values[row.name].strip() != row.value}


def whole(text: str, name: str, most: int, least: int = 0) -> int:
    """A whole number. Raises BadInput."""
    if not (text.isascii() and text.isdecimal()) or not least <= int(text) <= most:
        raise BadInput(f"{name}: `{text[:40]}` is not a whole number from {least} to {most:,}")
    return int(text)
