"""Operators against plain-Python counts; a pipeline is deterministic, counted, confined, and never leaks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.aidp import Pipeline, guards
from engine.aidp.completion import complete
from engine.aidp.context import Context
from engine.aidp.job import Limits
from engine.aidp.operators import APPLY
from engine.aidp.operators.sampling import shares
from engine.aidp.recipe import (
    AnyOperator,
    BalanceLabels,
    Convert,
    Decontaminate,
    DedupExact,
    FilterLength,
    Load,
    Mix,
    Recipe,
    SampleRandom,
    SampleStratified,
    Shuffle,
    operator_name,
)
from engine.errors import IdeaFailure, ResourceFailure

Rows = list[dict[str, str]]

TEXT = st.lists(st.sampled_from(["good", "Good", "bad", "film", "so"]), min_size=1, max_size=6).map(" ".join)
ROW = st.fixed_dictionaries({"prompt": TEXT, "answer": st.sampled_from(["yes", "no", "maybe"])})
ROWS = st.lists(ROW, min_size=1, max_size=40).map(lambda rows: [{"id": str(at), **row} for at, row in enumerate(rows)])
KEEPING = st.sampled_from(
    [
        DedupExact(),
        DedupExact(normalise=False),
        FilterLength(max_words=5),
        BalanceLabels(),
        BalanceLabels(method="up"),
        SampleStratified(rows=7),
        SampleRandom(rows=7),
    ]
)


def run(rows: Rows, *operators: AnyOperator, seed: int = 0, **more: Any) -> Rows:
    return list(Pipeline(Recipe(operators=operators, seed=seed), **more).run(rows).rows.to_list())


def key(row: dict[str, str]) -> str:
    return " ".join(row["prompt"].lower().split())


def numbered(count: int, label: str = "yes") -> Rows:
    return [{"id": f"r{n}", "prompt": f"text number {n} of many", "answer": label} for n in range(count)]


@given(ROWS)
def test_dedup_keeps_the_first_of_each_prompt(rows: Rows) -> None:
    first: dict[str, str] = {}
    for row in rows:
        first.setdefault(key(row), row["id"])
    assert [row["id"] for row in run(rows, DedupExact())] == list(first.values())


@given(ROWS, st.integers(0, 3), st.integers(3, 6))
def test_filter_length_counts_words(rows: Rows, low: int, high: int) -> None:
    expected = [row["id"] for row in rows if low <= len(row["prompt"].split()) <= high]
    if expected:
        assert [row["id"] for row in run(rows, FilterLength(min_words=low, max_words=high))] == expected
    else:
        with pytest.raises(IdeaFailure, match=f"`filter_length` dropped all {len(rows)}"):
            run(rows, FilterLength(min_words=low, max_words=high))


@given(ROWS, st.integers(0, 9))
def test_balance_gives_each_answer_the_same_number(rows: Rows, seed: int) -> None:
    counts = Counter(row["answer"] for row in rows)
    down = run(rows, BalanceLabels(), seed=seed)
    up = run(rows, BalanceLabels(method="up"), seed=seed)
    assert Counter(row["answer"] for row in down) == dict.fromkeys(counts, min(counts.values()))
    assert Counter(row["answer"] for row in up) == dict.fromkeys(counts, max(counts.values()))
    assert [row["id"] for row in up[: len(rows)]] == [row["id"] for row in rows]
    repeats = Counter(row["id"] for row in up)
    for answer in counts:  # nobody is repeated twice before everybody was once
        of_answer = [repeats[row["id"]] for row in rows if row["answer"] == answer]
        assert max(of_answer) - min(of_answer) <= 1


@given(ROWS, st.integers(1, 45), st.integers(0, 9))
def test_samples_have_the_size_asked_for_and_stratified_ones_the_shares(rows: Rows, size: int, seed: int) -> None:
    counts = Counter(row["answer"] for row in rows)
    drawn = run(rows, SampleRandom(rows=size), seed=seed)
    stratified = Counter(row["answer"] for row in run(rows, SampleStratified(rows=size), seed=seed))
    assert len(drawn) == sum(stratified.values()) == min(size, len(rows))
    assert [row["id"] for row in drawn] == sorted((row["id"] for row in drawn), key=int)
    for answer, count in counts.items():
        assert abs(stratified[answer] - count * min(size, len(rows)) / len(rows)) < 1


@given(st.dictionaries(st.text(max_size=3), st.integers(1, 50), min_size=1), st.data())
def test_largest_remainder_is_exact(counts: dict[str, int], data: st.DataObject) -> None:
    total = data.draw(st.integers(0, sum(counts.values())))
    sizes = shares(counts, total)
    assert sum(sizes.values()) == total
    assert all(0 <= sizes[name] <= count for name, count in counts.items())


@given(ROWS, st.integers(0, 9))
def test_shuffle_keeps_all_rows_and_depends_on_the_seed_alone(rows: Rows, seed: int) -> None:
    one, two = run(rows, Shuffle(), seed=seed), run(rows, Shuffle(), seed=seed)
    assert one == two
    assert sorted(row["id"] for row in one) == sorted(row["id"] for row in rows)


def test_another_seed_gives_another_order() -> None:
    orders = {tuple(row["id"] for row in run(numbered(30), Shuffle(), seed=seed)) for seed in range(5)}
    assert len(orders) == 5


@given(ROWS, KEEPING, st.integers(0, 9))
def test_operators_are_idempotent(rows: Rows, operator: AnyOperator, seed: int) -> None:
    try:
        once = run(rows, operator, seed=seed)
    except IdeaFailure:
        return
    assert run(once, operator, seed=seed) == once
    assert run(rows, operator, operator, seed=seed) == once


@given(ROWS, st.lists(KEEPING, max_size=4))
def test_the_report_adds_up(rows: Rows, operators: list[AnyOperator]) -> None:
    try:
        output = Pipeline(Recipe(operators=tuple(operators))).run(rows)
    except IdeaFailure:
        return
    named = list(map(operator_name, operators))
    chooses = [operator.chooses for operator in operators]
    named.insert(chooses.index(True) if any(chooses) else len(named), "decontaminate")
    assert [step.operator for step in output.steps] == named
    sizes = [len(rows), *(step.rows_out for step in output.steps)]
    for before, step in zip(sizes, output.steps, strict=False):
        assert step.rows_in == before
        assert step.rows_out == step.rows_in - step.dropped + step.added
    assert sizes[-1] == len(output.rows)


HELD_OUT = st.lists(TEXT, min_size=1, max_size=10)


@settings(max_examples=50)
@given(ROWS, HELD_OUT, st.lists(KEEPING, max_size=3), st.sampled_from([None, True, False]))
def test_no_held_out_prompt_is_ever_in_an_output(
    rows: Rows, held: list[str], operators: list[AnyOperator], listed: bool | None
) -> None:
    if listed is not None:
        operators = [Decontaminate(enabled=listed), *operators]
    guard = guards.build((text, (text,)) for text in held)
    try:
        output = run(rows, *operators, guards=guard)
    except IdeaFailure:
        return
    assert not {key(row) for row in output} & {text.lower() for text in held}


def test_decontamination_finds_what_was_planted_and_nothing_else() -> None:
    rows = numbered(50)
    secret = "a sentence that only the sealed test split should ever contain"
    planted = [{"id": f"p{n}", "prompt": f"{n}: {secret}, indeed", "answer": "no"} for n in range(3)]
    guard = guards.build([(f"Review: {secret}", (secret,))])
    for recipe in ((), (Decontaminate(),), (Shuffle(), Decontaminate(ngram=6))):
        output = Pipeline(Recipe(operators=recipe), guards=guard).run([*rows, *planted])
        assert sorted(row["id"] for row in output.rows) == sorted(row["id"] for row in rows)
        assert output.steps[-1].dropped == 3


def test_rows_that_come_in_later_are_decontaminated_too(tmp_path: Path) -> None:
    secret = "a sentence that only the sealed test split should ever contain"
    (tmp_path / "more.jsonl").write_text(json.dumps({"prompt": secret, "answer": "x"}) + "\n")
    output = run(
        numbered(4), Decontaminate(), Mix(path="more.jsonl"), guards=guards.build([(secret, (secret,))]), root=tmp_path
    )
    assert [row["id"] for row in output] == ["r0", "r1", "r2", "r3"]


def test_the_recipe_is_completed() -> None:
    named = [operator_name(op) for op in complete(Recipe(operators=(Load(path="a"), DedupExact(), Load(path="b"))))]
    assert named == ["load", "convert", "dedup_exact", "load", "convert", "decontaminate"]
    assert complete(Recipe(operators=(Decontaminate(ngram=13), Shuffle()))) == (Decontaminate(ngram=13), Shuffle())


def test_load_and_convert_replace_the_rows(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.csv").write_text("instruction,output\nsay a,a\nsay b,\nsay c,c\n")
    output = Pipeline(Recipe(operators=(Load(path="sub/a.csv"), Convert(layout="alpaca"))), root=tmp_path).run(
        numbered(5)
    )
    assert [(row["prompt"], row["answer"], row["source"]) for row in output.rows] == [
        ("say a", "a", "sub/a.csv"),
        ("say c", "c", "sub/a.csv"),
    ]
    assert [(step.dropped, step.added) for step in output.steps] == [(5, 3), (1, 0), (0, 0)]


def test_loaded_rows_are_formatted_like_the_task_s_own(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"prompt": "p", "answer": "a"}\n')
    (row,) = run(numbered(1), Load(path="a.jsonl"), root=tmp_path, template=("Q: {prompt}", " {answer}"))
    assert (row["prompt"], row["answer"]) == ("Q: p", " a")


def test_parquet_is_read(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.table({"messages": [[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yo"}]]})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    (row,) = run(numbered(1), Load(path="a.parquet"), root=tmp_path)
    assert (row["prompt"], row["answer"]) == ("Hi", "Yo")


@pytest.mark.parametrize(("share", "expected"), [(0.5, 10), (0.2, 2), (0.0, 0), (0.9, 30)])
def test_mix_takes_its_share(tmp_path: Path, share: float, expected: int) -> None:
    (tmp_path / "m.jsonl").write_text("".join(json.dumps({"prompt": f"m{n}", "answer": "x"}) + "\n" for n in range(30)))
    output = run(numbered(10), Mix(path="m.jsonl", share=share), root=tmp_path)
    assert Counter(row["source"] for row in output) == Counter({"train": 10, "m.jsonl": expected})


@pytest.mark.parametrize("path", ["../secret.jsonl", "link.jsonl", "linked/secret.jsonl", "none.jsonl", "", "."])
@pytest.mark.parametrize("operator", [Load, Mix])
def test_no_path_leads_out_of_the_folder(tmp_path: Path, path: str, operator: type[Load] | type[Mix]) -> None:
    root = tmp_path / "extra"
    root.mkdir()
    (tmp_path / "secret.jsonl").write_text('{"prompt": "p", "answer": "a"}\n')
    (root / "link.jsonl").symlink_to(tmp_path / "secret.jsonl")
    (root / "linked").symlink_to(tmp_path)
    with pytest.raises(IdeaFailure, match=r"extra|lies elsewhere"):
        run(numbered(2), operator(path=path), root=root)
    with pytest.raises(IdeaFailure, match="extra"):
        run(numbered(2), operator(path=str(tmp_path / "secret.jsonl")), root=root)
    with pytest.raises(IdeaFailure, match="no folder `extra/`"):
        run(numbered(2), operator(path=path))


def test_a_broken_extra_file_is_the_idea_s_failure(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"prompt": "p", "answer": "a"}\n{"prompt"\n')
    with pytest.raises(IdeaFailure, match=r"a\.jsonl:2: not valid JSON"):
        run(numbered(2), Load(path="a.jsonl"), root=tmp_path)


def test_the_number_of_processes_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.aidp.operators.keeping.PARALLEL", 10)
    rows = [*numbered(40), {"id": "long", "prompt": "word " * 30, "answer": "no"}]
    guard = guards.build([("text number 7 of many", ("text number 7 of many",))])
    recipe = (FilterLength(max_words=20), BalanceLabels(), Shuffle())
    one = run(rows, *recipe, seed=5, guards=guard)
    assert run(rows, *recipe, seed=5, guards=guard, limits=Limits(processes=2)) == one
    assert len(one) == 39


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys, engine.aidp, engine.aidp.recipe, engine.task, engine.taskdata, engine.taskcheck, engine.tasknew\n"
    )
    code += "print([m for m in ('datasets', 'torch', 'transformers', 'pandas', 'pyarrow') if m in sys.modules])"
    path = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_a_row_that_is_taken_often_counts_often() -> None:
    rows = [{"prompt": "x" * 10_000, "answer": "rare"}, *({"prompt": f"{n}", "answer": "frequent"} for n in range(99))]
    limits = Limits(bytes=100_000)
    assert len(Pipeline(Recipe(), limits=limits).run(rows).rows) == 100
    with pytest.raises(ResourceFailure, match=r"`balance_labels` left .* more than 100,000 allowed"):
        Pipeline(Recipe(operators=(BalanceLabels(method="up"),)), limits=limits).run(rows)
    few = Recipe(operators=(Shuffle(), SampleRandom(rows=5)))
    assert len(Pipeline(few, limits=Limits(bytes=100_000)).run(rows).rows) == 5


def test_a_step_that_never_says_how_far_it_is_is_over_time_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(rows: Dataset, _op: Shuffle, _context: Context) -> Dataset:
        time.sleep(0.6)
        return rows

    monkeypatch.setitem(APPLY, Shuffle, silent)
    with pytest.raises(ResourceFailure, match=r"the recipe took longer than 0.5 s, in `shuffle`"):
        Pipeline(Recipe(operators=(Shuffle(),)), limits=Limits(seconds=0.5)).run([{"prompt": "a", "answer": "b"}])
