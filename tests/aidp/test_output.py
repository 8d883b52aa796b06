"""Rows in splits, with embeddings, in files that other programs read: equal rows come back, and nothing is lost."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import msgspec
import numpy as np
import pytest
import yaml
from datasets import Dataset, load_dataset, load_from_disk
from hypothesis import given
from hypothesis import strategies as st

from engine.aidp.completion import complete
from engine.aidp.kinds.output import ExportFormat
from engine.aidp.operators.output import divided, together
from engine.aidp.pipeline import Around, Output, Pipeline
from engine.aidp.recipe import AnyOperator, DedupExact, Embed, Export, Load, Recipe, Split
from engine.aidp.services import Services
from engine.errors import IdeaFailure

FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)
ODD = ['quote " and \\ back', "two\nlines\r\n", " blank at both ends ", "好 \u2028 \x85 \x00 end", "{braces} [1] `"]
ROWS = [{"id": f"r{n}", "prompt": f"{n} {ODD[n % 5]}", "answer": ("yes", " no", "x\n")[n % 3]} for n in range(40)]
SHARES = {"train": 0.7, "validation": 0.3}


def run(out: Path | None, *operators: AnyOperator, rows: Any = ROWS, **more: Any) -> Output:
    return Pipeline(Recipe(operators=operators, seed=1), around=Around(out=out, **more)).run(rows)


def pairs(rows: Dataset) -> list[tuple[str, str]]:
    return list(zip(rows["prompt"], rows["answer"], strict=True))


# split

PROMPTS = st.lists(st.sampled_from(["a", "A ", "b", "c", "d", "e f", "E  f", "g"]), min_size=1, max_size=40)


@given(PROMPTS, st.integers(0, 5), st.booleans(), st.data())
def test_rows_that_belong_together_get_the_same_split(
    prompts: list[str], seed: int, stratified: bool, data: st.DataObject
) -> None:
    answers = [data.draw(st.sampled_from(["x", "y"])) for _ in prompts]
    ids = [str(at) for at in range(len(prompts))]
    groups = together(ids, prompts, [[] for _ in prompts])
    chosen = divided(groups, answers if stratified else [""] * len(ids), SHARES, random.Random(seed))
    split_of: dict[str, str] = {}
    for prompt, split in zip(prompts, chosen, strict=True):
        assert split_of.setdefault(" ".join(prompt.lower().split()), split) == split
    assert sorted(at for group in groups for at in group) == list(range(len(prompts)))
    largest = max(map(len, groups))
    for name, share in SHARES.items():
        assert abs(chosen.count(name) - share * len(chosen)) <= largest


@given(st.integers(0, 9), st.integers(20, 90), st.integers(5, 20))
def test_each_answer_has_its_shares_where_that_is_asked_for(seed: int, many: int, few: int) -> None:
    answers = ["many"] * many + ["few"] * few
    chosen = divided([[at] for at in range(len(answers))], answers, SHARES, random.Random(seed))
    counts = Counter(zip(answers, chosen, strict=True))
    for answer, rows in (("many", many), ("few", few)):
        assert abs(counts[answer, "train"] - 0.7 * rows) <= 2


def test_a_row_made_from_one_row_goes_where_that_row_goes() -> None:
    ids = ["a", "b", "a/1", "a/1/2", "gone/1", "gone/2", "seeded"]
    parents: Sequence[Sequence[str]] = [[], [], ["a"], ["a/1"], ["gone"], ["gone"], ["a", "b"]]
    assert together(ids, list("tuvwxyz"), parents) == [[0, 2, 3], [1], [4, 5], [6]]


def test_split_adds_a_column_and_a_seed_decides(tmp_path: Path) -> None:
    one, again = run(None, Split(shares=SHARES)), run(None, Split(shares=SHARES))
    assert Counter(one.rows["split"]) == {"train": 28, "validation": 12}
    assert one.rows["split"][:] == again.rows["split"][:] and one.rows["id"][:] == [row["id"] for row in ROWS]
    other = Pipeline(Recipe(operators=(Split(shares=SHARES),), seed=2)).run(ROWS)
    assert other.rows["split"][:] != one.rows["split"][:]


def test_a_split_without_rows_is_refused() -> None:
    with pytest.raises(IdeaFailure, match="1 groups of rows that belong together leave nothing for `validation`"):
        run(None, Split(), rows=[{"id": str(n), "prompt": "same", "answer": "a"} for n in range(9)])


@pytest.mark.parametrize("shares", [{"a": 0.5, "b": 0.4}, {"a": 1.0}, {"a/b": 0.5, "c": 0.5}, {"a": 1.0, "b": 0.0}])
def test_shares_that_are_none_are_no_operator(shares: dict[str, float]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"op": "split", "shares": shares}, AnyOperator)


# embed


class Lengths:
    """As an embedder: what it gives depends on the text alone."""

    name = "lengths"

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        found = np.array([[len(text), text.count("a"), 1.0] for text in texts], dtype=np.float64)
        return found / np.linalg.norm(found, axis=1, keepdims=True)


def test_embed_adds_vectors_of_its_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.aidp.operators.output.EMBEDDED", 7)
    services = Services(embedder=Lengths)
    for part, text in (("prompt", "prompt"), ("answer", "answer")):
        output = run(None, Embed(part=part), services=services)  # type: ignore[arg-type]
        found = np.array(output.rows["embedding"][:])
        assert np.allclose(found, Lengths().embed([row[text] for row in ROWS]), atol=1e-6)
    both = run(None, Embed(part="both"), services=services)
    assert both.rows["embedding"][0] != run(None, Embed(), services=services).rows["embedding"][0]
    assert str(both.rows.features["embedding"].feature.dtype) == "float32" and both.steps[0].note == "by lengths"
    with pytest.raises(IdeaFailure, match="`embed` needs the embedding model"):
        run(None, Embed())


def test_what_was_added_goes_through_files(tmp_path: Path) -> None:
    services = Services(embedder=Lengths)
    output = run(tmp_path, Embed(), Split(shares=SHARES), Export(format="parquet"), services=services)
    again = load_dataset("parquet", data_dir=str(tmp_path / "data"), cache_dir=str(tmp_path / "cache"))
    assert sum(len(part) for part in again.values()) == len(output.rows)
    kept = [row for row in output.rows if row["split"] == "train"]
    assert again["train"]["embedding"][:] == [row["embedding"] for row in kept]


# export


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("split", [True, False], ids=["splits", "whole"])
def test_what_is_written_comes_back_equal(tmp_path: Path, format: ExportFormat, split: bool) -> None:
    operators = ([Split(shares=SHARES)] if split else []) + [Export(path="made/here", format=format)]
    output = run(tmp_path, *operators)
    parts = {name: [row for row in output.rows if row.get("split", "train") == name] for name in SHARES}
    for name, rows in parts.items():
        if not rows:
            continue
        path = {"datasets": "made/here", "parquet": f"made/here/{name}.parquet"}.get(format, f"made/here/{name}.jsonl")
        read = Load(path=path, split=name if format == "datasets" and split else "")
        again = Pipeline(Recipe(operators=(read,)), around=Around(root=tmp_path)).run(ROWS)
        assert pairs(again.rows) == [(row["prompt"], row["answer"]) for row in rows]


@pytest.mark.parametrize("format", FORMATS)
def test_datasets_reads_the_folder_with_its_splits(tmp_path: Path, format: ExportFormat) -> None:
    output = run(tmp_path / "out", Split(shares=SHARES), Export(format=format))
    folder = tmp_path / "out" / "data"
    found = (
        load_from_disk(str(folder))
        if format == "datasets"
        else load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))
    )
    assert {name: len(part) for name, part in found.items()} == dict(Counter(output.rows["split"]))
    first = next(row for row in output.rows if row["split"] == "train")
    prompt, answer = first["prompt"], first["answer"]
    turns = {"role": "user", "content": prompt}, {"role": "assistant", "content": answer}
    expected: dict[str, dict[str, Any]] = {
        "trl_prompt_completion": {"prompt": prompt, "completion": answer},
        "trl_messages": {"messages": list(turns)},
        "llamafactory_alpaca": {"instruction": prompt, "input": "", "output": answer},
        "llamafactory_sharegpt": {
            "conversations": [{"from": "human", "value": prompt}, {"from": "gpt", "value": answer}]
        },
    }
    whole = {name: value for name, value in first.items() if name != "split"}
    assert found["train"][0] == expected.get(format, whole)


@pytest.mark.slow
def test_trl_takes_what_is_written_for_it(tmp_path: Path) -> None:
    from trl.data_utils import is_conversational  # what its trainers ask of a row

    for format, conversational in (("trl_prompt_completion", False), ("trl_messages", True)):
        run(tmp_path, Export(path=format, format=format))  # type: ignore[arg-type]
        row = json.loads((tmp_path / format / "train.jsonl").read_text(encoding="utf-8").split("\n")[0])
        assert is_conversational(row) is conversational


def test_llama_factory_finds_its_description(tmp_path: Path) -> None:
    """The fields that its documentation names, and no others."""
    run(tmp_path, Split(shares=SHARES), Export(path="films", format="llamafactory_sharegpt"))
    run(tmp_path, Export(path="alpaca", format="llamafactory_alpaca"))
    info = json.loads((tmp_path / "films" / "dataset_info.json").read_bytes())
    assert sorted(info) == ["films_train", "films_validation"]
    assert info["films_validation"] == {
        "file_name": "validation.jsonl",
        "formatting": "sharegpt",
        "columns": {"messages": "conversations"},
        "tags": {"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt"},
    }
    (entry,) = json.loads((tmp_path / "alpaca" / "dataset_info.json").read_bytes()).values()
    assert entry["columns"] == {"prompt": "instruction", "query": "input", "response": "output"}
    assert all((tmp_path / "films" / one["file_name"]).is_file() for one in info.values())


def test_the_card_says_what_is_known(tmp_path: Path) -> None:
    (tmp_path / "more.jsonl").write_text('{"prompt": "a", "answer": "b"}\n' * 2)
    operators = (Load(path="more.jsonl"), DedupExact(), Export(path="a"), Export(path="b", licence="cc-by-4.0"))
    run(tmp_path / "out", *operators, root=tmp_path)
    text = (tmp_path / "out" / "a" / "README.md").read_text(encoding="utf-8")
    head = yaml.safe_load(text.split("---")[1])
    assert head["license"] == "unknown"
    assert head["configs"][0]["data_files"] == [{"split": "train", "path": "train.jsonl"}]
    assert "| `dedup_exact` | 2 | 1 | 1 | 0 | 0 |" in text and "| `more.jsonl` | 1 |" in text
    assert "Licence: unknown" in text and "1 rows of prompt and answer" in text
    recipe = json.loads(text.split("```json")[1].split("```")[0])
    assert msgspec.convert(recipe, Recipe).operators == operators
    other = (tmp_path / "out" / "b" / "README.md").read_text(encoding="utf-8")
    assert yaml.safe_load(other.split("---")[1])["license"] == "cc-by-4.0"
    run(tmp_path / "out", Export(path="c", card=False))
    assert [file.name for file in (tmp_path / "out" / "c").iterdir()] == ["train.jsonl"]


@pytest.mark.parametrize("path", ["..", "../x", "/tmp/x", ".", "a/../..", "link/x"])
def test_nothing_is_written_outside(tmp_path: Path, path: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "other").mkdir()
    (out / "link").symlink_to(tmp_path / "other")
    with pytest.raises(IdeaFailure, match="leads out of the output folder"):
        run(out, Export(path=path))
    assert sorted(file.name for file in tmp_path.rglob("*")) == ["link", "other", "out"]


def test_nothing_is_written_over_and_nothing_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(IdeaFailure, match="`data` is there already"):
        run(tmp_path, Export())

    def fails(*_: object) -> str:
        raise RuntimeError

    monkeypatch.setattr("engine.aidp.export.card", fails)
    with pytest.raises(RuntimeError):
        run(tmp_path, Export(path="new"))
    assert [file.name for file in tmp_path.iterdir()] == ["data"]


def test_without_an_output_folder_it_is_refused_and_nothing_held_out_is_written() -> None:
    with pytest.raises(IdeaFailure, match="`export` needs a folder to write to"):
        run(None, Export())
    steps = [type(operator).__name__ for operator in complete(Recipe(operators=(Load(path="x"), Export())))]
    assert steps == ["Load", "Convert", "Decontaminate", "Export"]
