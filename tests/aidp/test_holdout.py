"""Files that a person holds out: every row guards, with an answer or without."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from engine.aidp import Pipeline, guards
from engine.aidp.context import Context
from engine.aidp.holdout import held_out
from engine.aidp.recipe import Convert, Recipe
from engine.errors import BadInput

LEAK = "a quiet harbour town wakes up to the smell of rain"


def guard(path: Path, written: str) -> Any:
    path.write_text(written, encoding="utf-8")
    context = Context(rng=random.Random(0), root=path.parent, max_broken=0.0)
    return guards.build((text, (text,)) for texts in held_out(path, context) for text in texts).at(8)


def lines(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("labelled.csv", f"text,label\n{LEAK},positive\nanother one of them,negative\n"),
        ("half.csv", f"text,label\n{LEAK},\nanother one of them,negative\n"),
        ("bare.csv", f"text,label\n{LEAK},\nanother one of them,\n"),
        ("questions.txt", f"{LEAK}\nanother one of them\n"),
        ("alpaca.jsonl", lines({"instruction": LEAK, "input": "", "output": ""})),
        ("strange.jsonl", lines({"a": "x", "b": LEAK, "c": 7})),
    ],
)
def test_a_row_guards_with_or_without_its_answer(tmp_path: Path, name: str, written: str) -> None:
    asked = guard(tmp_path / name, written)
    assert asked.overlaps({"prompt": LEAK.upper()})
    assert not asked.overlaps({"prompt": "nothing of the kind stands in that file"})


def test_an_instruction_in_every_row_holds_nothing_out(tmp_path: Path) -> None:
    told = "Say whether this sentence is about the sea"
    asked = guard(tmp_path / "a.jsonl", lines(*({"instruction": told, "input": f"{LEAK} {n}"} for n in range(30))))
    assert not asked.overlaps({"prompt": f"{told}\n\nA dry summer in the hills"})
    assert asked.overlaps({"prompt": f"{told}\n\n{LEAK} 4"})


def test_a_file_without_texts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no row has a text"):
        guard(tmp_path / "a.jsonl", lines({"text": "", "label": ""}))


def test_no_column_that_is_kept_says_what_is_held_out() -> None:
    rows = [{"text": f"film {n}", "label": "pn"[n % 2], "title": LEAK if n == 3 else "none"} for n in range(40)]
    recipe = Recipe(operators=(Convert(keep=("title",)),))
    left = Pipeline(recipe, guards=guards.build([(LEAK, (LEAK,))])).run(rows).rows
    assert len(left) == 39 and set(left["title"]) == {"none"}
