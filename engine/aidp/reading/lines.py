"""Text as rows: CSV, TSV, JSON lines, a JSON array, plain text.

A row that cannot be read is told, and the next follows. Memory does not grow with the text: lines, fields and elements
have a greatest size. No types are guessed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Literal

from engine.aidp.reading.arrays import Unread, elements
from engine.aidp.reading.separated import Remark, separated
from engine.aidp.reading.values import MAX_FIELD, MAX_LINE, NO_TEXT, RENAME, Bad, Row, flat, undecodable

TextFormat = Literal["csv", "tsv", "jsonl", "json", "text", "paragraphs"]


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
    if kind == "paragraphs":
        return _paragraphs(text, name)
    return separated(text, kind == "tsv", columns, name, remark)


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
