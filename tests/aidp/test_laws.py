"""What holds for every operator: where rows come from is known, nothing held out comes out, same work, same rows.

Each operator has a line in CASES; that all have one is a law too.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, NamedTuple, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.aidp import guards
from engine.aidp.cache import StepCache
from engine.aidp.job import Limits
from engine.aidp.models.embedding import WordEmbedder
from engine.aidp.pipeline import Around, Output, Pipeline
from engine.aidp.recipe import (
    AnyOperator,
    BalanceLabels,
    Cap,
    Convert,
    Decontaminate,
    DedupExact,
    DedupMinhash,
    DedupSemantic,
    Embed,
    Export,
    FilterAlphanumeric,
    FilterField,
    FilterLabelNoise,
    FilterLanguage,
    FilterLength,
    FilterLoss,
    FilterRegex,
    FilterRepetition,
    FilterTokens,
    Generate,
    KeepTop,
    Load,
    Mix,
    Operator,
    Paraphrase,
    Rationale,
    Recipe,
    SampleDifficulty,
    SampleDiverse,
    SampleRandom,
    SampleStratified,
    SampleWeighted,
    Score,
    ScoreLoss,
    SelfInstruct,
    Shuffle,
    Split,
    Template,
    operator_name,
)
from engine.aidp.rows import COLUMNS
from engine.aidp.services import Services
from engine.errors import IdeaFailure
from tests.aidp.measures import LengthLosses, WordTokens
from tests.aidp.writers import StandIn


class Case(NamedTuple):
    """An operator, and what it promises. `settled`: doing it twice is doing it once. `unordered`: which rows come out
    does not depend on the order in which they went in. `first`: what must run before it."""

    operator: Operator
    settled: bool = False
    unordered: bool = False
    first: tuple[Operator, ...] = ()


CASES = (
    Case(Load(path="extra.csv"), settled=True),
    Case(Convert(), settled=True, unordered=True),
    Case(Template(prompt="Review: {prompt}", answer="{answer}"), unordered=True),
    Case(Mix(path="extra.csv", share=0.3)),
    Case(FilterLength(min_words=2, max_words=4), settled=True, unordered=True),
    Case(FilterTokens(max_tokens=5), settled=True, unordered=True),
    Case(FilterLanguage(keep=("en", "zh"), min_letters=12), settled=True, unordered=True),
    Case(FilterRepetition(ngram=1, max_ngrams=0.4), settled=True, unordered=True),
    Case(FilterAlphanumeric(part="both", min_share=0.9), settled=True, unordered=True),
    Case(FilterRegex(pattern="good.*film", ignore_case=True, matching="drop"), settled=True, unordered=True),
    Case(FilterField(column="answer", values=("yes", "no")), settled=True, unordered=True),
    Case(FilterLoss(max_loss=4.5), settled=True, unordered=True),
    Case(FilterLabelNoise(folds=2, max_probability=0.3)),
    Case(DedupExact(), settled=True),
    Case(DedupMinhash(), settled=True),
    Case(DedupSemantic(part="both"), settled=True),
    Case(Decontaminate(), settled=True, unordered=True),
    Case(BalanceLabels(), settled=True),
    Case(BalanceLabels(method="up"), settled=True),
    Case(SampleStratified(rows=7), settled=True),
    Case(SampleRandom(rows=7), settled=True),
    Case(SampleWeighted(rows=7, by="answer", temperature=3.0), settled=True),
    Case(SampleDiverse(rows=7), settled=True),
    Case(SampleDiverse(rows=7, method="farthest"), settled=True),
    Case(SampleDifficulty(rows=7, take="curriculum"), settled=True),
    Case(Cap(rows=2), settled=True),
    Case(Shuffle()),
    Case(Paraphrase(share=0.8, each=2)),
    Case(SelfInstruct(rows=3, calls=20)),
    Case(Generate(weakness="irony", rows=3, calls=20)),
    Case(Rationale(share=0.5)),
    Case(Score(), settled=True, unordered=True),
    Case(ScoreLoss(), settled=True, unordered=True),
    Case(KeepTop(rows=5), settled=True, first=(Score(),)),
    Case(Split(shares={"train": 0.6, "test": 0.4}), settled=True),
    Case(Embed(), settled=True, unordered=True),
    Case(Export(), unordered=True),
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
    return Around(
        guards=guards.build([(HELD, (HELD,))]),
        root=root,
        services=Services(embedder=cache(WordEmbedder), writer=StandIn, losses=LengthLosses, tokens=WordTokens),
    )


def run(rows: Any, around: Around, *operators: Operator) -> Output | None:
    """The output; None where nothing is left, which a recipe may not do and a law does not mind."""
    try:
        place = Around(**{**vars(around), "out": Path(mkdtemp(dir=str(around.root)))})  # nothing is written over
        return Pipeline(Recipe(operators=operators, seed=3), around=place).run(rows)  # type: ignore[arg-type]
    except IdeaFailure as error:
        few = error.where == "filter_label_noise"  # too few rows to judge labels by
        split = error.where == "split"  # too few prompts to divide
        assert few or split or "leaves no rows" in str(error) or "could not be used" in str(error)
        return None


def test_every_operator_has_a_case() -> None:
    def kinds(union: Any) -> set[type]:
        return set().union(*(kinds(part) for part in get_args(union))) if get_args(union) else {union}

    assert {type(case.operator) for case in CASES} == kinds(AnyOperator)


@EACH
@given(rows=ROWS)
@settings(max_examples=25, deadline=None)
def test_where_a_row_comes_from_is_known(case: Case, around: Around, rows: list[dict[str, str]]) -> None:
    if (output := run(rows, around, *case.first, case.operator)) is None:
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
    output = run(rows, around, *case.first, case.operator)
    assert output is None or HELD not in output.rows["prompt"][:]


@EACH
@given(rows=ROWS)
@settings(max_examples=15, deadline=None)
def test_the_same_again_with_and_without_a_cache(
    case: Case, around: Around, rows: list[dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    cached = Around(**{**vars(around), "cache": StepCache(tmp_path_factory.mktemp("cache"), worth=0.0)})
    outputs = [run(rows, place, *case.first, case.operator) for place in (around, cached, cached)]
    told = [None if output is None else output.rows.to_list() for output in outputs]
    assert told[0] == told[1] == told[2]
    if outputs[2] is not None and "output" not in case.operator.needs:
        assert all(step.cached for step in outputs[2].steps)


@EACH
@given(rows=ROWS)
@settings(max_examples=15, deadline=None)
def test_twice_is_once_where_that_is_promised(case: Case, around: Around, rows: list[dict[str, str]]) -> None:
    if case.settled and (once := run(rows, around, *case.first, case.operator)) is not None:
        twice = run(rows, around, *case.first, case.operator, case.operator)
        assert twice is not None and _texts(twice) == _texts(once)


@EACH
@given(rows=ROWS, shuffled=st.randoms(use_true_random=False))
@settings(max_examples=15, deadline=None)
def test_the_order_of_rows_does_not_matter_where_that_is_promised(
    case: Case, around: Around, rows: list[dict[str, str]], shuffled: Any
) -> None:
    if case.unordered:
        other = shuffled.sample(rows, len(rows))
        one, two = run(rows, around, *case.first, case.operator), run(other, around, *case.first, case.operator)
        assert (one is None) == (two is None)
        assert one is None or two is None or sorted(_texts(one)) == sorted(_texts(two))


@pytest.mark.parametrize("case", CASES, ids=lambda case: operator_name(case.operator))
def test_one_process_or_several(case: Case, around: Around, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.aidp.operators.keeping.PARALLEL", 2)
    rows = [
        {"id": str(at), "prompt": f"film {at % 9} of {at}", "answer": "yes" if at % 3 else "no"} for at in range(40)
    ]
    two = Around(**{**vars(around), "limits": Limits(processes=2)})
    outputs = [run(rows, place, *case.first, case.operator) for place in (around, two)]
    assert outputs[0] is not None and outputs[1] is not None
    assert outputs[0].rows.to_list() == outputs[1].rows.to_list()


def _texts(output: Output) -> list[tuple[str, str]]:
    return list(zip(output.rows["prompt"][:], output.rows["answer"][:], strict=True))


def test_the_example_file_is_read(around: Around) -> None:
    assert isinstance(around.root, Path)
    output = run([{"id": "1", "prompt": "a", "answer": "b"}], around, Load(path="extra.csv"))
    assert output is not None and len(output.rows) == 9, "ten, less the one that is held out"
