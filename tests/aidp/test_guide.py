"""The guide's code does what it says."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from engine.aidp.recipe import Recipe, describe

GUIDE = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)


def test_its_python_runs() -> None:
    there: dict[str, Any] = {}
    code = blocks("python")
    assert len(code) == 3
    for block in code:
        exec(compile(block, "docs/data.md", "exec"), there)


def test_its_recipe_is_one() -> None:
    (text,) = blocks("toml")
    recipe = msgspec.convert(tomllib.loads(text), Recipe, strict=True)
    assert describe(recipe) == "dedup_exact -> filter_length(min_words=4) -> balance_labels -> shuffle"
