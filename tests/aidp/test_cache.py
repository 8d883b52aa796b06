"""Results by fingerprint: the beginning of a recipe is not done twice, and a damaged cache harms nobody."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.aidp import guards
from engine.aidp.cache import StepCache
from engine.aidp.job import ModelPaths
from engine.aidp.models import named
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
    assert reused(child) == [True, True, False, False]
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
