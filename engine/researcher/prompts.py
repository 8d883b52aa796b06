"""The prompts: text files in assets/prompts with {placeholders}, and findings chosen from the playbook.

Values are filled in once and never read as templates again, so text from data cannot reach a placeholder.
"""

from __future__ import annotations

import re
from functools import lru_cache

from engine.plan import Direction
from engine.workspace import shipped

FINDING = re.compile(r"^- \[([a-z_, ]+)\] (.+)$", re.MULTILINE)


def prompt(name: str, **values: object) -> str:
    """The text of assets/prompts/`name`.md with its placeholders filled. KeyError where one is missing."""
    return _template(name).format(**values)


def findings(direction: Direction, turn: int, count: int = 3) -> list[str]:
    """`count` findings for a direction, without their sources: the first two always, the rest by turns."""
    fit = [text for directions, text in playbook() if direction in directions]
    fixed, rest = fit[:2], fit[2:]
    by_turns = [rest[(turn + i) % len(rest)] for i in range(min(count - 2, len(rest)))]
    return [*fixed, *by_turns][:count]


@lru_cache(maxsize=1)
def playbook() -> tuple[tuple[tuple[str, ...], str], ...]:
    """(directions, finding) for each line of assets/playbook.md; the source in brackets is left to the reader."""
    lines = FINDING.findall((shipped("assets") / "playbook.md").read_text(encoding="utf-8"))
    return tuple((tuple(names.split(", ")), re.sub(r" \([^()]*\)\.$", ".", text)) for names, text in lines)


@lru_cache(maxsize=32)
def _template(name: str) -> str:
    return (shipped("assets") / "prompts" / f"{name}.md").read_text(encoding="utf-8").rstrip("\n")
