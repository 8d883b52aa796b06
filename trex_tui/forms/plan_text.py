"""A form's lines as a TOML file for the person's editor, and back. Pure; for plans, whose names have dots."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from engine import strict
from engine.errors import BadInput
from trex_tui.forms import toml
from trex_tui.forms.fork import CHOICES, TEXTS, WHEN
from trex_tui.forms.sheet import Row
from trex_tui.model.format import clean

WORDS = (*TEXTS, "when")  # lines that a form shows without quotes
HEAD = (
    "# Change what you want to try, save and leave. Unchanged, nothing happens. An empty hypothesis names the changes."
)
PROBLEM = "# ! "


def document(title: str, rows: Sequence[Row]) -> str:
    """The lines as TOML, tables last; what a line may be stands behind it."""
    tables: dict[str, list[str]] = {"": []}
    for row in rows:
        table, _, name = row.name.rpartition(".")
        tables.setdefault(table, []).append(f"{name} = {_value(row)}{_remark(row)}")
    parts = [f"# {clean(title)}", HEAD]
    for table, lines in tables.items():
        parts += ["", *([f"[{table}]"] if table else []), *lines]
    return "\n".join([*parts, ""])


def with_problem(text: str, problem: str) -> str:
    """The text with a sentence on top, in place of an earlier one."""
    kept = [line for line in text.splitlines() if not line.startswith(PROBLEM)]
    return "\n".join([f"{PROBLEM}{clean(problem)}", *kept, ""])


def values(text: str, rows: Sequence[Row]) -> dict[str, str]:
    """The form's values; a line that was taken out is as it was. Raises BadInput."""
    found = dict(_flat(strict.toml(text, "the plan")))
    known = {row.name: row.value for row in rows}
    if unknown := next((name for name in found if name not in known), ""):
        near = difflib.get_close_matches(unknown, known, n=1, cutoff=0.4)
        raise BadInput(f"unknown name `{unknown[:60]}`", hint=f"did you mean `{near[0]}`?" if near else "remove it")
    return known | {name: _line(name, value) for name, value in found.items()}


def _value(row: Row) -> str:
    if row.name in WORDS:
        return toml.text(row.value)
    if row.name != "recipe.operators":
        return row.value
    operators = toml.value(row.value)
    assert isinstance(operators, list)
    return "\n".join(["[", *(f"  {toml.text(operator)}," for operator in operators), "]"])


def _remark(row: Row) -> str:
    if row.name == "when":
        return "  # " + "; ".join(f"{name}: {what}" for name, what in WHEN.items())
    return f"  # {', '.join(CHOICES[row.name])}" if row.name in CHOICES else ""


def _flat(tables: Mapping[str, Any], prefix: str = "") -> list[tuple[str, object]]:
    lines: list[tuple[str, object]] = []
    for name, value in tables.items():
        if isinstance(value, Mapping) and not prefix:
            lines += _flat(value, f"{name}.")
        else:
            lines.append((f"{prefix}{name}", value))
    return lines


def _line(name: str, value: object) -> str:
    return clean(value) if name in WORDS and isinstance(value, str) else toml.text(value)
