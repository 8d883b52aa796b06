"""Rows that a caller gives: of our form, or raw as a file has them; what cannot be either is said in one sentence."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

from engine.aidp import Pipeline
from engine.aidp.cache import StepCache
from engine.aidp.kinds.loading import RAW, RESERVED
from engine.aidp.pipeline import Around, Output
from engine.aidp.recipe import (
    AnyOperator,
    Cap,
    Convert,
    DedupExact,
    FilterField,
    FilterLength,
    FilterRegex,
    Load,
    Mix,
    Recipe,
    SampleWeighted,
    Shuffle,
    Split,
    Template,
)
from engine.aidp.rows import ADDED, COLUMNS
from engine.errors import BadInput, IdeaFailure

RAWS = [{"text": f"text number {n}", "label": "yes" if n % 2 else "no", "topic": "abc"[n % 3]} for n in range(9)]
OURS = [{"id": f"r{n}", "prompt": f"text number {n}", "answer": "yes", "topic": "abc"[n % 3]} for n in range(9)]


def run(rows: Any, *operators: AnyOperator, **around: Any) -> Output:
    return Pipeline(Recipe(operators=operators), around=Around(**around)).run(rows)


def pairs(output: Output) -> list[tuple[str, str]]:
    return list(zip(output.rows["prompt"], output.rows["answer"], strict=True))


@pytest.mark.parametrize("given", [RAWS, iter(RAWS), Dataset.from_list(RAWS)], ids=["list", "iterator", "Dataset"])
def test_rows_with_other_columns_are_raw_and_are_converted(given: Any) -> None:
    output = run(given, DedupExact())
    assert pairs(output) == [(row["text"], row["label"]) for row in RAWS]
    assert output.rows["id"][:3] == ["train:1", "train:2", "train:3"]
    assert [step.operator for step in output.steps] == ["convert", "dedup_exact", "decontaminate"]
    assert output.steps[0].note.startswith("classification: `text` is the text")


def test_raw_rows_may_be_chosen_and_formed_by_their_own_columns() -> None:
    chosen = run(RAWS, FilterField(column="topic", values=("a",)), Template(prompt="{topic}: {text}", answer="{label}"))
    assert pairs(chosen)[:2] == [("a: text number 0", "no"), ("a: text number 3", "yes")]


def test_a_data_set_gives_what_its_file_would() -> None:
    """Numbers of classes, nothing, nested values, columns that are called as ours are, columns that come late."""
    features = Features({"text": Value("string"), "label": ClassLabel(names=["no", "yes"])})
    labelled = Dataset.from_list([{"text": "a", "label": 1}, {"text": "b", "label": 0}], features=features)
    assert pairs(run(labelled)) == [("a", "1"), ("b", "0")]
    late = [{"line": 7, "instruction": "a", "output": "x"}, {"instruction": "b", "output": None, "source": "s"}]
    template = Template(prompt="{instruction}", answer="{line_} {source_}")
    with pytest.raises(IdeaFailure, match="`template` dropped all 2"):
        run(late, template)
    assert pairs(run(late)) == [("a", "x")]
    talk = [{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}]
    assert pairs(run(talk)) == [("a", "b")]


REFUSED: list[tuple[Any, str]] = [
    ([{"prompt": "a", "answer": "b"}, {"prompt": "c"}], "row 2 has no `answer`"),
    ([{"prompt": "a", "answer": None}], "row 1 has no `answer`"),
    ([{"prompt": "a", "answer": ["b"]}], "`answer` of row 1 is no text"),
    ([{"prompt": "a\ud800", "answer": "b"}], "half a character"),
    ([{"text": "a\ud800", "label": "b"}], "half a character"),
    (["a", "b"], "row 1 is no row with columns, but a value of type `str`"),
    (DatasetDict({"train": Dataset.from_list(RAWS)}), r"things by name \(train\)"),
    (Dataset.from_dict({"prompt": ["a", None], "answer": ["b", "c"]}), "row 2 has no `prompt`"),
]


@pytest.mark.parametrize(("rows", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_what_is_no_row_is_said(rows: Any, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        run(rows)


def test_rows_that_no_layout_fits_are_said() -> None:
    with pytest.raises(IdeaFailure, match="no layout fits the columns a, b"):
        run([{"a": "x", "b": "y"}])


def test_rows_without_names_get_their_own_and_numbers_are_text() -> None:
    output = run([{"prompt": str(n), "answer": n} for n in range(20)], Split(shares={"a": 0.5, "b": 0.5}))
    assert output.rows["id"][:2] == ["train:1", "train:2"] and output.rows["answer"][1] == "1"
    assert Counter(output.rows["split"]) == {"a": 10, "b": 10}


def test_traces_that_are_text_are_read_as_the_lists_they_are() -> None:
    """As the train split of a task has them that was made from a result."""
    traces: list[tuple[Any, list[str]]] = [
        ('["a", "b"]', ["a", "b"]),
        (["a"], ["a"]),
        ("[]", []),
        ("", []),
        (None, []),
        ("Ann and Bob", []),
        ("[1, 2]", []),
        ("[a", []),
        ('["\\ud800"]', ["\ufffd"]),
    ]
    rows = [{"id": str(n), "prompt": "p", "answer": "a", "parents": given} for n, (given, _) in enumerate(traces)]
    assert run(rows).rows["parents"][:] == [expected for _, expected in traces]


def test_an_output_is_an_input() -> None:
    rows = Dataset.from_list(OURS).remove_columns("topic").add_column("loss", [0.5] * 9)
    once = run(rows, Split(shares={"a": 0.5, "b": 0.5})).rows
    assert run(once).rows["split"][:] == once["split"][:]
    assert run(once.to_list()).rows.to_list() == once.to_list()


# Columns that stay.


BY_TOPIC: list[AnyOperator] = [
    Cap(rows=1, by="topic"),
    SampleWeighted(rows=3, by="topic", temperature=1000.0),
    FilterField(column="topic", values=("a",)),
    FilterRegex(column="topic", pattern="a"),
    Template(prompt="{topic}: {prompt}", answer="{answer}"),
]


@pytest.mark.parametrize("rows", [RAWS, OURS], ids=["raw", "ours"])
@pytest.mark.parametrize("operator", BY_TOPIC, ids=lambda operator: type(operator).__name__)
def test_a_column_that_stays_can_be_used_and_one_that_does_not_is_asked_for(rows: Any, operator: AnyOperator) -> None:
    output = run(rows, Convert(keep=("topic",)), operator)
    assert output.rows.column_names == [*COLUMNS, "topic"]
    assert set(output.rows["topic"]) <= {"a", "b", "c"} and "text number " in output.rows["prompt"][0]
    with pytest.raises(IdeaFailure, match=r'no column `topic`.*put `convert` with keep = \["topic"\] before it'):
        run(rows, DedupExact(), operator)


def test_columns_of_a_file_stay_as_text(tmp_path: Path) -> None:
    lines = [{"text": f"text {n}", "label": f"l{n % 2}", "stars": n, "tags": ["x"]} for n in range(6)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    keep = ("stars", "tags")
    for scratch in (None, tmp_path):
        made = run((), Load(path="a.jsonl"), Convert(keep=keep), root=tmp_path, scratch=scratch).rows
        assert (made["stars"][:2], made["tags"][0]) == (["0", "1"], '["x"]')
        by_hand = Template(prompt="{text}!", answer="{label}", keep=keep)
        assert run((), Load(path="a.jsonl"), by_hand, root=tmp_path, scratch=scratch).rows["stars"][5] == "5"
    mixed = run(OURS, Mix(path="a.jsonl", share=0.25, keep=("stars",)), root=tmp_path).rows
    assert [stars is None for stars in mixed["stars"]] == [True] * 9 + [False] * 3
    with pytest.raises(IdeaFailure, match="there is no column `sterne` to keep; there are source, line, text"):
        run((), Load(path="a.jsonl"), Convert(keep=("sterne",)), root=tmp_path)


@pytest.mark.parametrize("name", ["prompt", "made_by", "score", *RAW])
def test_names_of_ours_cannot_be_kept(name: str) -> None:
    for make in (lambda: Convert(keep=(name,)), lambda: Mix(path="a", keep=(name,))):
        with pytest.raises(ValueError, match=f"`keep` names `{name}`, which is a column of TREX's own"):
            make()
    assert {*COLUMNS, *ADDED, *RAW} < set(RESERVED)


def test_what_stays_is_part_of_the_fingerprint(tmp_path: Path) -> None:
    cache = StepCache(tmp_path, worth=0.0)
    for rows in (RAWS, [{**row, "topic": "z"} for row in RAWS]):
        for keep in ((), ("topic",)):
            output = run(rows, Convert(keep=keep), cache=cache)
            assert output.rows.column_names == [*COLUMNS, *keep] and not output.steps[0].cached
    assert output.rows["topic"][0] == "z"


def test_a_recipe_made_by_hand_is_checked_as_one_of_a_file() -> None:
    for operator, said in (
        (FilterLength(min_words=-5), r"`\[0\].min_words`: must be at least 0"),
        (DedupExact(part="promt"), r"invalid enum value 'promt'; did you mean `prompt`\?"),  # type: ignore[arg-type]
    ):
        with pytest.raises(BadInput, match=said):
            Pipeline(Recipe(operators=(operator,)))
    assert Pipeline(Recipe(operators=[Shuffle()])).recipe.operators == (Shuffle(),)  # type: ignore[arg-type]


# A file beside the rows.


def test_a_file_too_small_for_its_share_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("prompt,answer\n" + "".join(f"p{n},a\n" for n in range(4)))
    (step, *_) = run(OURS, Mix(path="a.csv", share=0.9), root=tmp_path).steps
    assert step.note.endswith("; 4 rows are all there are: 31% of the result, not 90%")
    assert "all there are" not in run(OURS, Mix(path="a.csv", share=0.1), root=tmp_path).steps[0].note


def test_rows_that_the_task_s_format_is_not_applied_to_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("instruction,output\np,a\n")
    (tmp_path / "b.csv").write_text("text,label\np,a\n")
    template = ("Q: {text}", " {label}")
    for name, expected, said in (
        ("a.csv", ("p", "a"), "the task's format was not applied to them: there is no column `text`"),
        ("b.csv", ("Q: p", " a"), "the columns that the task's own rows have"),
    ):
        output = run(OURS[:1], Mix(path=name, share=0.5), root=tmp_path, template=template)
        assert pairs(output)[1] == expected and output.steps[0].note.endswith(said)
    named = run(OURS[:1], Mix(path="b.csv", share=0.5, layout="classification"), root=tmp_path, template=template)
    assert named.steps[0].note.endswith("not applied to them: `layout` says how they are read")
    bare = run(OURS[:1], Mix(path="a.csv", share=0.5), root=tmp_path, template=("{text}", "{label}"))
    assert "format" not in bare.steps[0].note
