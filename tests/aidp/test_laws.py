"""What holds for every operator: where rows come from is known, nothing held out comes out, same work, same rows.

Each operator has a line in CASES; that all have one is a law too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.aidp import guards
from engine.aidp.cache import StepCache
from engine.aidp.job import Limits
from engine.aidp.pipeline import Around, Output, Pipeline
from engine.aidp.recipe import (
    AnyOperator,
    BalanceLabels,
    Convert,
    Decontaminate,
    DedupExact,
    FilterLength,
    Load,
    Mix,
    Operator,
    Recipe,
    SampleRandom,
    SampleStratified,
    Shuffle,
    operator_name,
)
from engine.aidp.rows import COLUMNS
from engine.aidp.services import Services
from engine.errors import IdeaFailure


class Case(NamedTuple):
    """An operator, and what it promises. `settled`: doing it twice is doing it once. `unordered`: which rows come out
    does not depend on the order in which they went in."""

    operator: Operator
    settled: bool = False
    unordered: bool = False


CASES = (
    Case(Load(path="extra.csv"), settled=True),
    Case(Convert(), settled=True, unordered=True),
    Case(Mix(path="extra.csv", share=0.3)),
    Case(FilterLength(min_words=2, max_words=4), settled=True, unordered=True),
    Case(DedupExact(), settled=True),
    Case(Decontaminate(), settled=True, unordered=True),
    Case(BalanceLabels(), settled=True),
    Case(BalanceLabels(method="up"), settled=True),
    Case(SampleStratified(rows=7), settled=True),
    Case(SampleRandom(rows=7), settled=True),
    Case(Shuffle()),
)
HELD = "the one film that nobody may train on"
WORDS = st.lists(st.sampled_from(["good", "Good", "bad", "film", "so", "好"]), min_size=1, max_size=6).map(" ".join)
ROW = st.fixed_dictionaries(
    {"prompt": st.one_of(WORDS, st.just(HELD)), "answer": st.sampled_from(["yes", "no", "well"])}
)
ROWS = st.lists(ROW, min_size=4, max_size=30).map(lambda rows: [{"id": str(at), **row} for at, row in enumerate(rows)])
EACH = pytest.mark.parametrize("case", CASES, ids=lambda case: operator_name(case.operator))


@pytest.fixture(scope="module")
def around(tmp_path_factory: pytest.TempPathFactory) -> Around:
    root = tmp_path_factory.mktemp("extra")
    lines = [f"a strange film number {at},yes" for at in range(9)]
    (root / "extra.csv").write_text("\n".join(["prompt,answer", *lines, f"{HELD},no", ""]), encoding="utf-8")
    return Around(guards=guards.build([(HELD, (HELD,))]), root=root, services=Services())


def run(rows: Any, around: Around, *operators: Operator) -> Output | None:
    """The output; None where nothing is left, which a recipe may not do and a law does not mind."""
    try:
        return Pipeline(Recipe(operators=operators, seed=3), around=around).run(rows)  # type: ignore[arg-type]
    except IdeaFailure as error:
        assert "leaves no rows" in str(error)
        return None


def test_every_operator_has_a_case() -> None:
    def kinds(union: Any) -> set[type]:
        return set().union(*(kinds(part) for part in get_args(union))) if get_args(union) else {union}

    assert {type(case.operator) for case in CASES} == kinds(AnyOperator)


@EACH
@given(rows=ROWS)
@settings(max_examples=25, deadline=None)
def test_where_a_row_comes_from_is_known(case: Case, around: Around, rows: list[dict[str, str]]) -> None:
    if (output := run(rows, around, case.operator)) is None:
        return
    assert tuple(output.rows.column_names[: len(COLUMNS)]) == COLUMNS
    known = {row["id"]: row for row in rows}
    for row in output.rows:
        if not row["made_by"]:
            assert row["prompt"] == known[row["id"]]["prompt"] and row["answer"] == known[row["id"]]["answer"]
            assert row["source"] == "train" and row["parents"] == []
        else:
            assert all(":" in label for label in row["made_by"])
            assert set(row["parents"]) <= set(known)
            assert row["parents"] or row["source"] != "train" or row["id"] in known


@EACH
@given(rows=ROWS)
@settings(max_examples=25, deadline=None)
def test_nothing_held_out_comes_out(case: Case, around: Around, rows: list[dict[str, str]]) -> None:
    output = run(rows, around, case.operator)
    assert output is None or HELD not in output.rows["prompt"][:]


@EACH
@given(rows=ROWS)
@settings(max_examples=15, deadline=None)
def test_the_same_again_with_and_without_a_cache(
    case: Case, around: Around, rows: list[dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    cached = Around(**{**vars(around), "cache": StepCache(tmp_path_factory.mktemp("cache"), worth=0.0)})
    outputs = [run(rows, place, case.operator) for place in (around, cached, cached)]
    told = [None if output is None else output.rows.to_list() for output in outputs]
    assert told[0] == told[1] == told[2]
    if outputs[2] is not None and "output" not in case.operator.needs:
        assert all(step.cached for step in outputs[2].steps)


@EACH
@given(rows=ROWS)
@settings(max_examples=15, deadline=None)
def test_twice_is_once_where_that_is_promised(case: Case, around: Around, rows: list[dict[str, str]]) -> None:
    if case.settled and (once := run(rows, around, case.operator)) is not None:
        twice = run(rows, around, case.operator, case.operator)
        assert twice is not None and _texts(twice) == _texts(once)


@EACH
@given(rows=ROWS, shuffled=st.randoms(use_true_random=False))
@settings(max_examples=15, deadline=None)
def test_the_order_of_rows_does_not_matter_where_that_is_promised(
    case: Case, around: Around, rows: list[dict[str, str]], shuffled: Any
) -> None:
    if case.unordered:
        other = shuffled.sample(rows, len(rows))
        one, two = run(rows, around, case.operator), run(other, around, case.operator)
        assert (one is None) == (two is None)
        assert one is None or two is None or sorted(_texts(one)) == sorted(_texts(two))


@pytest.mark.parametrize("case", CASES, ids=lambda case: operator_name(case.operator))
def test_one_process_or_several(case: Case, around: Around, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.aidp.operators.keeping.PARALLEL", 2)
    rows = [
        {"id": str(at), "prompt": f"film {at % 9} of {at}", "answer": "yes" if at % 3 else "no"} for at in range(40)
    ]
    two = Around(**{**vars(around), "limits": Limits(processes=2)})
    outputs = [run(rows, place, case.operator) for place in (around, two)]
    assert outputs[0] is not None and outputs[1] is not None
    assert outputs[0].rows.to_list() == outputs[1].rows.to_list()


def _texts(output: Output) -> list[tuple[str, str]]:
    return list(zip(output.rows["prompt"][:], output.rows["answer"][:], strict=True))


def test_the_example_file_is_read(around: Around) -> None:
    assert isinstance(around.root, Path)
    output = run([{"id": "1", "prompt": "a", "answer": "b"}], around, Load(path="extra.csv"))
    assert output is not None and len(output.rows) == 9, "ten, less the one that is held out"
