"""Results by fingerprint: the beginning of a recipe is not done twice, and a damaged cache harms nobody."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.aidp import guards
from engine.aidp.cache import StepCache
from engine.aidp.context import Context
from engine.aidp.job import ModelPaths
from engine.aidp.models import named
from engine.aidp.operators import APPLY
from engine.aidp.pipeline import Around, Output, Pipeline
from engine.aidp.recipe import (
    AnyOperator,
    BalanceLabels,
    DedupExact,
    Load,
    Recipe,
    SampleRandom,
    Shuffle,
)
from engine.aidp.samples import Sampler

ROWS = [
    {"id": str(at), "prompt": f"film {at % 7} of {at % 5} parts", "answer": "yes" if at % 3 else "no"}
    for at in range(40)
]


@pytest.fixture
def around(tmp_path: Path) -> Around:
    return Around(cache=StepCache(tmp_path / "cache", worth=0.0))


def run(around: Around, *operators: AnyOperator, seed: int = 0, watch: Sampler | None = None) -> Output:
    return Pipeline(Recipe(operators=operators, seed=seed), around=around).run(ROWS, watch=watch)


def reused(output: Output) -> list[bool]:
    return [step.cached for step in output.steps]


def test_a_child_that_changes_the_last_operator_does_not_repeat_the_first(around: Around) -> None:
    first = run(around, DedupExact(), BalanceLabels(), SampleRandom(rows=9))
    assert not any(reused(first))
    child = run(around, DedupExact(), BalanceLabels(), SampleRandom(rows=8))
    assert reused(child) == [True, True, True, False]
    again = run(around, DedupExact(), BalanceLabels(), SampleRandom(rows=9))
    assert all(reused(again)) and again.rows.to_list() == first.rows.to_list()


def test_the_seed_counts_where_something_is_drawn_and_nowhere_else(around: Around) -> None:
    run(around, DedupExact(), Shuffle(), seed=1)
    assert reused(run(around, DedupExact(), Shuffle(), seed=2)) == [True, False, False]


def test_another_file_and_other_held_out_rows_are_other_work(around: Around, tmp_path: Path) -> None:
    file = tmp_path / "extra.csv"
    file.write_text("prompt,answer\na film,yes\n")
    around = replace(around, root=tmp_path)
    run(around, Load(path="extra.csv"))
    assert all(reused(run(around, Load(path="extra.csv"))))
    file.write_text("prompt,answer\nno film,yes\n")
    assert not any(reused(run(around, Load(path="extra.csv"))))
    held = replace(around, guards=guards.build([("film 1 of 1 parts", ("film 1 of 1 parts",))]))
    before, after = run(around, DedupExact()), run(held, DedupExact())
    assert reused(after) == [True, False] and len(after.rows) < len(before.rows)


def test_examples_are_kept_with_the_rows(around: Around) -> None:
    first, second = Sampler(), Sampler()
    run(around, DedupExact(), BalanceLabels(), watch=first)
    assert all(reused(run(around, DedupExact(), BalanceLabels(), watch=second)))
    assert first.samples == second.samples and first.samples.steps[0].samples


@given(damage=st.sampled_from(["step.json", "rows/state.json", "arrow"]), cut=st.floats(0, 1), flip=st.booleans())
@settings(max_examples=20, deadline=None)
def test_a_damaged_entry_is_work_done_again(
    tmp_path_factory: pytest.TempPathFactory, damage: str, cut: float, flip: bool
) -> None:
    folder = tmp_path_factory.mktemp("cache")
    around = Around(cache=StepCache(folder, worth=0.0))
    first = run(around, DedupExact(), BalanceLabels())
    for entry in folder.iterdir():
        (place,) = entry.glob("rows/*.arrow") if damage == "arrow" else [entry / damage]
        data = place.read_bytes()
        at = min(len(data) - 1, int(len(data) * cut))
        place.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :] if flip else data[:at])
    again = run(around, DedupExact(), BalanceLabels())
    assert again.rows.to_list() == first.rows.to_list()


def test_the_oldest_go_when_there_are_too_many(tmp_path: Path) -> None:
    small = Around(cache=StepCache(tmp_path / "cache", limit=1, worth=0.0))
    run(small, DedupExact())
    assert list((tmp_path / "cache").iterdir()) == []
    assert not any(reused(run(small, DedupExact())))


def test_a_place_that_cannot_be_written_keeps_nothing_and_fails_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    around = Around(cache=StepCache(tmp_path / "file" / "cache", worth=0.0))
    assert len(run(around, DedupExact()).rows) == 35


def test_whatever_decides_what_a_model_says_is_part_of_its_name() -> None:
    one = ModelPaths(base_sha256="a", language_sha256="b")
    others = [
        ModelPaths(base_sha256="c", language_sha256="b"),
        ModelPaths(base_sha256="a", language_sha256="c"),
        msgspec.structs.replace(one, template="chat"),
        msgspec.structs.replace(one, system="be brief"),
    ]
    assert len({named(paths) for paths in (one, *others)}) == 5
    assert named(one) == named(msgspec.structs.replace(one, threads=3, base_model="/elsewhere"))


def entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


@given(swap=st.sampled_from(["whole", "step.json", "rows"]))
@settings(max_examples=6, deadline=None)
def test_an_entry_is_only_what_was_written_under_its_fingerprint(
    tmp_path_factory: pytest.TempPathFactory, swap: str
) -> None:
    folder = tmp_path_factory.mktemp("cache")
    around = Around(cache=StepCache(folder, worth=0.0))
    first = run(around, DedupExact(), BalanceLabels(), SampleRandom(rows=9))
    one, other = (place if swap == "whole" else place / swap for place in entries(folder)[:2])
    one.rename(folder.parent / "aside")
    other.rename(one)
    (folder.parent / "aside").rename(other)
    again = run(around, DedupExact(), BalanceLabels(), SampleRandom(rows=9))
    assert again.rows.to_list() == first.rows.to_list()
    counts = [[(step.operator, step.rows_in, step.rows_out) for step in output.steps] for output in (first, again)]
    assert counts[0] == counts[1]
    assert swap == "rows" or reused(again).count(False) == 2, "rows that are the same do no harm"


def test_what_a_step_is_said_to_have_done_is_sealed_too(around: Around, tmp_path: Path) -> None:
    run(around, DedupExact())
    for place in entries(tmp_path / "cache"):
        data = (place / "step.json").read_bytes()
        (place / "step.json").write_bytes(data.replace(b'"dropped":5', b'"dropped":4'))
    again = run(around, DedupExact())
    assert [step.dropped for step in again.steps if step.operator == "dedup_exact"] == [5]
    assert not all(reused(again))


@pytest.mark.parametrize("name", ["step.json", "rows/state.json", "rows/pipe", ""])
def test_a_pipe_in_an_entry_is_not_waited_for(around: Around, tmp_path: Path, name: str) -> None:
    first = run(around, DedupExact())
    for place in entries(tmp_path / "cache"):
        pipe = place / name
        if not name:
            shutil.rmtree(place)
        pipe.unlink(missing_ok=True)
        os.mkfifo(pipe)
    again = run(around, DedupExact())
    assert not any(reused(again)) and again.rows.to_list() == first.rows.to_list()
    assert all(reused(run(around, DedupExact())))


def test_a_file_that_changes_while_it_is_read_is_not_kept(
    around: Around, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "extra.csv"
    file.write_text("prompt,answer\na film,yes\n")
    around = replace(around, root=tmp_path)
    load = APPLY[Load]

    def slowly(rows: Dataset, op: Load, context: Context) -> Dataset:
        read = load(rows, op, context)
        file.write_text("prompt,answer\nno film,yes\n")
        return read

    monkeypatch.setitem(APPLY, Load, slowly)
    run(around, Load(path="extra.csv"), DedupExact())
    file.write_text("prompt,answer\na film,yes\n")
    assert not list((tmp_path / "cache").glob("*")), "neither these rows nor what was made of them"
    monkeypatch.setitem(APPLY, Load, load)
    run(around, Load(path="extra.csv"), DedupExact())
    assert all(reused(run(around, Load(path="extra.csv"), DedupExact())))


def test_rows_that_differ_only_in_what_they_were_made_from_are_other_rows(around: Around) -> None:
    made = [[{**row, "parents": [parent], "made_by": ["x:0"]} for row in ROWS] for parent in ("a", "b")]
    recipe = Recipe(operators=(DedupExact(),))
    outputs = [Pipeline(recipe, around=around).run(rows) for rows in made]
    assert not any(reused(outputs[1])) and outputs[1].rows["parents"][0] == ["b"]
