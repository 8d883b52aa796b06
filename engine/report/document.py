"""A document as blocks: what the two renderers (Markdown, HTML) have in common. Plain text only, no markup inside.

Text in blocks is untrusted (a model wrote some of it): each renderer escapes it.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Tone = Literal["", "good", "bad", "muted", "strong", "mark"]


class Cell(msgspec.Struct, frozen=True):
    """A table cell. `mark`: differs from what it is compared with."""

    text: str
    tone: Tone = ""


class Column(msgspec.Struct, frozen=True):
    """A table column. `number`: right-aligned figures; `wide`: running text that may wrap; `code`: a name."""

    name: str
    kind: Literal["text", "number", "wide", "code"] = "text"


class Heading(msgspec.Struct, frozen=True):
    text: str
    level: Literal[1, 2, 3] = 2


class Text(msgspec.Struct, frozen=True):
    """One paragraph."""

    text: str
    tone: Literal["", "lead", "muted", "warning"] = ""


class Listing(msgspec.Struct, frozen=True):
    """Short points, one a line."""

    items: tuple[str, ...]


class Table(msgspec.Struct, frozen=True):
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


class Code(msgspec.Struct, frozen=True):
    """Commands or fixed-width text."""

    text: str


class Plot(msgspec.Struct, frozen=True):
    """An SVG drawing and, for renderers that draw nothing, the same in fixed-width text (may be empty)."""

    svg: str
    caption: str
    text: str = ""


Block = Heading | Text | Listing | Table | Code | Plot


class Document(msgspec.Struct, frozen=True):
    title: str
    subtitle: str
    blocks: tuple[Block, ...]


def table(columns: tuple[Column, ...], rows: list[tuple[Cell | str, ...]]) -> Table:
    """A table whose plain strings are cells without tone."""
    return Table(columns, tuple(tuple(c if isinstance(c, Cell) else Cell(c) for c in row) for row in rows))
