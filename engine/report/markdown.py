"""A document as Markdown. Drawings become fixed-width text where they have one; all text is escaped."""

from __future__ import annotations

import re

from engine.report.document import Block, Cell, Code, Column, Document, Heading, Listing, Plot, Table, Text

_MARKUP = re.compile(r"[\\`*|<~]|(?<!\w)_|_(?!\w)|\](?=[(\[])")
# A bracket at the start that is closed before a colon would define a link.
_AT_START = re.compile(r"^(?:([-+>#=](?!\d)|\[(?=.*\]:))|(\d+)(?=[.)](?:\s|$)))")


def render(document: Document) -> str:
    """The whole document, ending with a newline."""
    parts = [f"# {escape(document.title)}", escape(document.subtitle), *map(_block, document.blocks)]
    return "\n\n".join(part for part in parts if part) + "\n"


def escape(text: str) -> str:
    """Text on one line in which nothing is markup: no image, link, heading, table cell or HTML can come out of it."""
    flat = _MARKUP.sub(lambda found: "\\" + found[0], " ".join(text.split()))
    return _AT_START.sub(lambda found: "\\" + found[1] if found[1] else f"{found[2]}\\", flat)


def _block(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * level} {escape(text)}"
        case Text(text, tone):
            return f"**{escape(text)}**" if tone == "warning" else escape(text)
        case Listing(items):
            return "\n".join(f"- {escape(item)}" for item in items)
        case Code(text):
            return _fenced(text)
        case Plot(_, caption, text):
            return f"{_fenced(text)}\n\n*{escape(caption)}*" if text else ""
        case Table():
            return _table(block)


def _fenced(text: str) -> str:
    """A fence longer than any run of backticks inside."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text.rstrip()}\n{fence}"


def _table(table: Table) -> str:
    head = "| " + " | ".join(escape(c.name) or " " for c in table.columns) + " |"
    rule = "|" + "|".join(" ---: " if c.kind == "number" else " --- " for c in table.columns) + "|"
    rows = ["| " + " | ".join(map(_cell, row, table.columns)) + " |" for row in table.rows]
    return "\n".join([head, rule, *rows])


def _cell(cell: Cell, column: Column) -> str:
    if not cell.text.strip():
        return " "
    if column.kind == "code" and "`" not in cell.text and "|" not in cell.text:
        text = f"`{' '.join(cell.text.split())}`"
    else:
        text = escape(cell.text)
    return f"**{text}**" if cell.tone in ("mark", "strong") else text
