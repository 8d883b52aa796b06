"""What a recipe left is read back as what it was: names, sources, parents, scores and splits, through every file."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset
from hypothesis import given
from hypothesis import strategies as st

from engine.aidp.job import ROWS
from engine.aidp.leaving import leave
from engine.aidp.naming import Names
from engine.aidp.pipeline import Around, Output, Pipeline
from engine.aidp.recipe import (
    AnyOperator,
    BalanceLabels,
    Convert,
    DedupExact,
    Export,
    FilterLength,
    KeepTop,
    Load,
    Mix,
    Recipe,
    Split,
    Template,
)
from engine.aidp.samples import Sampler, Samples
from engine.errors import IdeaFailure

SCORES = [3.0, None, 1.5, 5.0]


def result(count: int = 40) -> Dataset:
    """Rows and, of every second one, another that was made from it; scores, losses, and answers that are lists."""
    rows: list[dict[str, Any]] = []
    for n in range(count):
        made = {"answer": '["x", "y"]', "source": f"{n % 2}.csv", "score": SCORES[n % 4], "loss": n / 7}
        row: dict[str, Any] = {
            "id": f"r{n}",
            "prompt": f"the first text is number {n}",
            **made,
            "parents": [],
            "made_by": [],
        }
        rows.append(row)
        if n % 2:
            other = {"id": f"r{n}/paraphrase:2.1", "prompt": f"{n} comes in other words", "parents": [f"r{n}"]}
            rows.append({**row, **other, "made_by": ["paraphrase:2"]})
    random.Random(1).shuffle(rows)
    names = ["id", "prompt", "answer", "source", "parents", "made_by", "score", "loss"]
    return Dataset.from_list([{name: row[name] for name in names} for row in rows])


def run(root: Path, *operators: AnyOperator, rows: Any = (), **around: Any) -> Output:
    return Pipeline(Recipe(operators=operators), around=Around(root=root, **around)).run(rows)


def parted(rows: Dataset) -> int:
    """Rows that are in another split than the one they were made from."""
    split = dict(zip(rows["id"], rows["split"], strict=True))
    return sum(split[row["id"]] != split[row["parents"][0]] for row in rows if row["parents"])


@pytest.mark.parametrize("scratch", [True, False], ids=["file", "memory"])
@pytest.mark.parametrize("kind", ["data.jsonl", "jsonl", "parquet", "datasets"])
def test_a_result_comes_back_whole(tmp_path: Path, kind: Any, scratch: bool) -> None:
    rows = result()
    if kind == ROWS:
        output = run(tmp_path, FilterLength(), rows=rows)
        leave(tmp_path, output, Samples(steps=()), 0.0)
        path = ROWS
    else:
        run(tmp_path, Export(path="made", format=kind), rows=rows, out=tmp_path)
        path = {"datasets": "made"}.get(kind, f"made/train.{kind}")
    again = run(tmp_path, Load(path=path), scratch=tmp_path if scratch else None)
    assert again.steps[1].note.startswith("prompt_answer: a result of TREX")
    expected = [{**row, "made_by": [*row["made_by"], "convert:1"]} for row in rows]
    assert again.rows.to_list() == expected
    divided = run(tmp_path, Load(path=path), Split(shares={"a": 0.5, "b": 0.5})).rows
    assert parted(divided) == 0 and sum(map(bool, divided["parents"])) == 20


def test_splits_come_back_and_operators_go_on_with_scores(tmp_path: Path) -> None:
    run(tmp_path, Split(shares={"a": 0.5, "b": 0.5}), FilterLength(), rows=result())
    output = run(tmp_path, Split(shares={"a": 0.5, "b": 0.5}), rows=result())
    leave(tmp_path, output, Samples(steps=()), 0.0)
    again = run(tmp_path, Load(path=ROWS), KeepTop(rows=15))
    assert again.rows.column_names[-3:] == ["score", "loss", "split"]
    assert set(again.rows["score"]) == {5.0} and set(again.rows["split"]) <= {"a", "b"}


def test_a_number_that_is_none_costs_its_row(tmp_path: Path) -> None:
    rows = result(4).to_list()
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({**row, "score": "good"}) + "\n" for row in rows[:1]))
    with (tmp_path / "a.jsonl").open("a") as file:
        file.write("".join(json.dumps(row) + "\n" for row in rows[1:]))
    sampler = Sampler()
    Pipeline(Recipe(operators=(Load(path="a.jsonl"),)), around=Around(root=tmp_path)).run((), watch=sampler)
    (dropped,) = [sample for sample in sampler.steps[1].samples if sample.kind == "dropped"]
    assert dropped.why == "'good' is no number, where a score or a loss should stand"


def test_rows_that_are_repeated_have_names_of_their_own(tmp_path: Path) -> None:
    rows = [{"id": f"r{n}", "prompt": f"p{n}", "answer": "no" if n else "yes"} for n in range(4)]
    leave(tmp_path, run(tmp_path, BalanceLabels(method="up"), rows=rows), Samples(steps=()), 0.0)
    sampler = Sampler()
    again = Pipeline(Recipe(operators=(Load(path=ROWS),)), around=Around(root=tmp_path)).run((), watch=sampler).rows
    assert again["id"][:] == ["r0", "r1", "r2", "r3", f"{ROWS}:5", f"{ROWS}:6"]
    assert (sampler.steps[1].dropped, sampler.steps[1].added) == (0, 0), "the same rows, told by their names"


NAMES = st.lists(st.sampled_from(["", None, "a", "b", "f:1", "f:2", "f:2+"]), max_size=8)


@given(NAMES)
def test_no_name_is_given_twice_and_the_first_keeps_its_own(ids: list[str | None]) -> None:
    call = Names(ids)
    found = [call(id_, f"f:{at}") for at, id_ in enumerate(ids)]
    assert len(set(found)) == len(ids) and all(found)
    for id_ in filter(None, set(ids)):
        assert found[ids.index(id_)] == id_


def test_a_result_beside_rows_of_its_names_stays_apart_with_its_kin(tmp_path: Path) -> None:
    leave(tmp_path, run(tmp_path, FilterLength(), rows=result()), Samples(steps=()), 0.0)
    given = [{"id": f"r{n}", "prompt": f"quite another text {n}", "answer": "z"} for n in range(60)]
    mixed = run(tmp_path, Mix(path=ROWS, share=0.5), Split(shares={"a": 0.5, "b": 0.5}), rows=given).rows
    assert len(set(mixed["id"])) == len(mixed) == 120
    assert parted(mixed) == 0
    of_file = {row["id"]: row for row in mixed if row["source"] != "train"}
    for row in of_file.values():
        assert set(row["parents"]) <= set(of_file)
    assert "mix:0/r1" in of_file and "r1/paraphrase:2.1" in of_file


def test_a_template_keeps_what_a_result_says_of_its_rows(tmp_path: Path) -> None:
    leave(tmp_path, run(tmp_path, FilterLength(), rows=result()), Samples(steps=()), 0.0)
    made = run(tmp_path, Load(path=ROWS), Template(prompt="{score}: {prompt}", answer="{answer}")).rows
    assert made["prompt"][0].partition(": ")[0] in {"3.0", "1.5", "5.0"} and None not in made["score"][:]
    ready = run(tmp_path, Load(path=ROWS), template=("Q: {prompt}", " {answer}")).rows
    assert ready["prompt"][0].startswith("Q: ") and ready["id"][:] == result()["id"][:]


def test_what_only_looks_like_a_result_is_a_file_like_others(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,prompt,answer,source,parents\n7,p,a,web,Ann and Bob\n")
    (row,) = run(tmp_path, Load(path="a.csv"), DedupExact()).rows
    assert (row["id"], row["source"], row["parents"]) == ("a.csv:2", "a.csv", [])
    with pytest.raises(IdeaFailure, match="no column `score_`"):
        run(tmp_path, Load(path="a.csv"), Convert(), Template(prompt="{score_}", answer="{answer}"))


def test_a_task_made_from_a_result_has_what_the_result_said() -> None:
    """Its train split holds every value as text."""
    rows = result().to_list()
    texts = [
        {name: value if isinstance(value, str) else json.dumps(value) for name, value in row.items()} for row in rows
    ]
    texts = [{name: "" if value == "null" else value for name, value in row.items()} for row in texts]
    output = Pipeline(Recipe(operators=(Split(shares={"a": 0.5, "b": 0.5}),))).run(texts)
    assert output.rows.remove_columns("split").to_list() == rows
    assert parted(output.rows) == 0
