"""Files of every kind become rows that know their line; broken rows cost themselves alone; memory stays flat."""

from __future__ import annotations

import gzip
import io
import json
import random
import shutil
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value, load_dataset

from engine.aidp import guards
from engine.aidp.cache import StepCache
from engine.aidp.completion import complete
from engine.aidp.context import Context
from engine.aidp.job import Limits
from engine.aidp.notes import LONGEST
from engine.aidp.operators.loading import convert, load
from engine.aidp.pipeline import Around, Output, Pipeline
from engine.aidp.recipe import AnyOperator, Convert, DedupExact, Load, Mix, Recipe, Split, Template
from engine.aidp.samples import Sampler
from engine.errors import IdeaFailure, ResourceFailure
from engine.files import write_jsonl

ROWS = [{"prompt": f"prompt {n} \u00e9", "answer": "yes" if n % 3 else "no"} for n in range(7)]
PAIRS = [(row["prompt"], row["answer"]) for row in ROWS]
TRAIN = [{"id": "t1", "prompt": "train one", "answer": "x"}, {"id": "t2", "prompt": "train two", "answer": "y"}]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "extra").mkdir()
    return tmp_path / "extra"


def run(root: Path, *operators: AnyOperator, scratch: bool = True, watch: Sampler | None = None, **more: Any) -> Output:
    folder = root.parent / "scratch"
    folder.mkdir(exist_ok=True)
    around = Around(root=root, scratch=folder if scratch else None, **more)
    return Pipeline(Recipe(operators=operators), around=around).run(TRAIN, watch=watch)


def pairs(output: Output) -> list[tuple[str, str]]:
    return list(zip(output.rows["prompt"], output.rows["answer"], strict=True))


def lines(rows: list[Any]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def csv_of(rows: list[dict[str, str]]) -> bytes:
    return "\n".join(["prompt,answer", *(f'"{row["prompt"]}",{row["answer"]}' for row in rows), ""]).encode()


def arrow(root: Path, name: str, new: Callable[..., Any]) -> None:
    table = pa.Table.from_pylist(ROWS)
    with new(str(root / name), table.schema) as writer:
        writer.write_table(table)


def archived(kind: str) -> bytes:
    """An archive with the rows in it, and an archive with the rows in that."""
    files = {"pkg-1.0/data/rows.jsonl": lines(ROWS)}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        _add(tar, "inner/rows.csv", csv_of(ROWS))
    files["pkg-1.0/inner.tar.gz"] = packed.getvalue()
    whole = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files.items():
                archive.writestr(name, data)
    else:
        with tarfile.open(fileobj=whole, mode=kind) as tar:
            for name, data in files.items():
                _add(tar, name, data)
    return whole.getvalue()


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def make(root: Path) -> None:
    (root / "a.jsonl").write_bytes(lines(ROWS))
    (root / "a.json").write_bytes(json.dumps(ROWS).encode())
    (root / "a.csv").write_bytes(csv_of(ROWS))
    (root / "a.tsv").write_bytes("".join(f"{row['prompt']}\t{row['answer']}\n" for row in ROWS).encode("latin-1"))
    (root / "a.jsonl.gz").write_bytes(gzip.compress(lines(ROWS)))
    (root / "a.csv.gz").write_bytes(gzip.compress(csv_of(ROWS)))
    pa.parquet.write_table(pa.Table.from_pylist(ROWS), root / "a.parquet")
    arrow(root, "file.arrow", pa.ipc.new_file)
    arrow(root, "stream.arrow", pa.ipc.new_stream)
    (root / "p-1.0.tar.gz").write_bytes(archived("w:gz"))
    (root / "p.tar").write_bytes(archived("w"))
    (root / "p.whl").write_bytes(archived("zip"))
    Dataset.from_list(ROWS).save_to_disk(str(root / "saved"), num_shards=3)
    other = Dataset.from_list([{"prompt": "not", "answer": "these"}])
    DatasetDict({"train": other, "dev": Dataset.from_list(ROWS)}).save_to_disk(str(root / "splits"))


MEMBER = "pkg-1.0/data/rows.jsonl"
INNER = {"member": "pkg-1.0/inner.tar.gz", "inner_member": "inner/rows.csv"}
FILES = [
    (Load(path="a.jsonl"), "a.jsonl:3"),
    (Load(path="a.json"), "a.json:3"),
    (Load(path="a.csv"), "a.csv:4"),
    (Load(path="a.tsv", encoding="latin-1", columns=("prompt", "answer")), "a.tsv:3"),
    (Load(path="a.jsonl.gz"), "a.jsonl.gz:3"),
    (Load(path="a.csv.gz"), "a.csv.gz:4"),
    (Load(path="a.parquet"), "a.parquet:3"),
    (Load(path="file.arrow"), "file.arrow:3"),
    (Load(path="stream.arrow"), "stream.arrow:3"),
    (Load(path="p-1.0.tar.gz", member=MEMBER), f"p-1.0.tar.gz/{MEMBER}:3"),
    (Load(path="p.tar", member=MEMBER), f"p.tar/{MEMBER}:3"),
    (Load(path="p.whl", member=MEMBER), f"p.whl/{MEMBER}:3"),
    (Load(path="p-1.0.tar.gz", **INNER), "p-1.0.tar.gz/pkg-1.0/inner.tar.gz/inner/rows.csv:4"),
    (Load(path="p.whl", **INNER), "p.whl/pkg-1.0/inner.tar.gz/inner/rows.csv:4"),
    (Load(path="saved"), "saved:3"),
    (Load(path="splits", split="dev"), "splits/dev:3"),
]


@pytest.mark.parametrize("scratch", [True, False], ids=["through a file", "in memory"])
def test_every_kind_of_file_gives_the_same_rows(root: Path, scratch: bool) -> None:
    make(root)
    for operator, third in FILES:
        output = run(root, operator, scratch=scratch)
        assert pairs(output) == PAIRS, operator
        row = output.rows[2]
        assert (row["id"], row["source"]) == (third, third.rpartition(":")[0])
        assert (row["made_by"], row["parents"]) == (["convert:1"], [])
        assert len(set(output.rows["id"])) == len(ROWS)


def test_the_files_of_a_cache_of_datasets(root: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes(lines(ROWS))
    load_dataset("json", data_files={"dev": str(tmp_path / "rows.jsonl")}, cache_dir=str(root / "cache"))
    (folder,) = {path.parent for path in (root / "cache").rglob("*.arrow")}
    relative = str(folder.relative_to(root))
    assert pairs(run(root, Load(path=relative, split="dev"))) == PAIRS
    assert pairs(run(root, Load(path=str(next(folder.glob("*.arrow")).relative_to(root))))) == PAIRS
    with pytest.raises(IdeaFailure, match=r"no split `test`; `split` may be `dev`"):
        run(root, Load(path=relative, split="test"))


def published(folder: Path) -> None:
    """A file or several for each split, as data sets are published."""
    folder.mkdir(parents=True)
    for at, row in enumerate(ROWS):
        Dataset.from_list([row]).to_parquet(str(folder / f"train-{at:05}-of-{len(ROWS):05}.parquet"))
    (folder / "dev.jsonl").write_bytes(lines(ROWS[:1]))
    (folder / "dataset_infos.json").write_text("{}")


@pytest.mark.parametrize("within", ["", "data"])
def test_a_published_folder_is_read_by_its_files_names(root: Path, within: str) -> None:
    published(root / "set" / within)
    (root / "set" / "README.md").write_text("about it")
    assert pairs(run(root, Load(path="set"))) == PAIRS
    assert pairs(run(root, Load(path="set", split="validation"))) == PAIRS[:1]
    with pytest.raises(IdeaFailure, match=r"no split `test`; `split` may be `validation`, `train`"):
        run(root, Load(path="set", split="test"))


def test_files_that_name_no_split_are_to_train_on_and_of_one_format(root: Path) -> None:
    (root / "set").mkdir()
    for at, row in enumerate(ROWS):
        (root / "set" / f"part{at}.jsonl.gz").write_bytes(gzip.compress(lines([row])))
    assert pairs(run(root, Load(path="set"))) == PAIRS
    (root / "set" / "report.json").write_text("{}")
    with pytest.raises(IdeaFailure, match=r"`part\d+.jsonl.gz` and `report.json` are files of different formats"):
        run(root, Load(path="set"))


def test_a_broken_row_of_several_files_is_told_with_its_file(root: Path) -> None:
    (root / "set").mkdir()
    (root / "set" / "a.jsonl").write_bytes(lines(ROWS))
    (root / "set" / "b.jsonl").write_bytes(b"{\n" + lines(ROWS))
    (broken,) = run(root, Load(path="set"), limits=Limits(broken=0.5)).broken
    assert broken.where.startswith("set/b.jsonl")


def test_links_of_a_hubs_cache_are_followed(root: Path) -> None:
    kept = root / "datasets--x--y"
    published(kept / "snapshots" / "abc" / "data")
    (kept / "blobs").mkdir()
    for at, file in enumerate((kept / "snapshots").rglob("*.*")):
        file.rename(kept / "blobs" / f"{at}")
        file.symlink_to(kept / "blobs" / f"{at}")
    for below in (root, kept / "snapshots" / "abc"):
        assert pairs(run(below, Load(path=str((kept / "snapshots" / "abc" / "data").relative_to(below))))) == PAIRS
    one = run(kept / "snapshots" / "abc" / "data", Load(path=f"train-00000-of-{len(ROWS):05}.parquet"))
    assert pairs(one) == PAIRS[:1]
    (kept / "snapshots" / "abc" / "data" / "train-9.parquet").symlink_to(root / "elsewhere.parquet")
    Dataset.from_list(ROWS).to_parquet(str(root / "elsewhere.parquet"))
    with pytest.raises(IdeaFailure, match=r"`train-9.parquet` lies elsewhere"):
        run(root, Load(path="datasets--x--y/snapshots/abc"))


def test_numbers_of_classes_stay_as_they_are_and_a_recipe_names_them(root: Path) -> None:
    features = Features({"text": Value("string"), "label": ClassLabel(names=["neg", "pos"])})
    rows = Dataset.from_dict({"text": ["good", "bad"], "label": [1, 0]}, features=features)
    rows.save_to_disk(str(root / "classes"))
    assert pairs(run(root, Load(path="classes"))) == [("good", "1"), ("bad", "0")]
    named = Convert(labels={"0": "negative", "1": "positive"})
    assert pairs(run(root, Load(path="classes"), named)) == [("good", "positive"), ("bad", "negative")]


@pytest.mark.parametrize(
    ("operator", "message"),
    [
        (Load(path="splits", split="test"), "no split `test`; `split` may be `train`, `dev`"),
        (Load(path="p.whl"), "an archive holds many files; name one of them in `member`"),
        (Load(path="p.whl", member="gone"), "holds no file `gone`"),
        (Load(path="p.tar", member="pkg-1.0"), "holds no file `pkg-1.0`"),
        (Load(path="a.jsonl", member="x"), "not a readable tar archive"),
        (Load(path="gone.csv"), "no file `gone.csv` in the folder `extra/`; there: a.csv, a.csv.gz"),
    ],
)
def test_what_cannot_be_found_is_said(root: Path, operator: Load, message: str) -> None:
    make(root)
    with pytest.raises(IdeaFailure, match=message.replace("(", r"\(")):
        run(root, operator)


def test_no_link_in_a_folder_leads_out(root: Path) -> None:
    Dataset.from_list(ROWS).save_to_disk(str(root.parent / "secret"))
    (root / "splits").mkdir()
    (root / "splits" / "train").symlink_to(root.parent / "secret")
    (root / "splits" / "dataset_dict.json").write_text('{"splits": ["train"]}')
    (root / "cache").mkdir()
    (root / "cache" / "x-train.arrow").symlink_to(next((root.parent / "secret").glob("*.arrow")))
    for folder in ("splits", "cache"):
        with pytest.raises(IdeaFailure, match="lies elsewhere"):
            run(root, Load(path=folder))


@pytest.mark.parametrize("named", ["../../secret.arrow", "/etc/passwd", "link.arrow", "gone.arrow", 7, ""])
def test_a_saved_data_set_names_no_file_elsewhere(root: Path, named: Any) -> None:
    Dataset.from_list(ROWS).save_to_disk(str(root / "saved"))
    arrow(root.parent, "secret.arrow", pa.ipc.new_stream)
    (root / "saved" / "link.arrow").symlink_to(root.parent / "secret.arrow")
    (root / "saved" / "state.json").write_text(json.dumps({"_data_files": [{"filename": named}]}))
    with pytest.raises(IdeaFailure, match="lies elsewhere"):
        run(root, Load(path="saved"))


def test_text_files_are_rows_for_a_template(root: Path) -> None:
    (root / "book.txt").write_text("one\ntwo\n\nthree\n")
    by_line = run(root, Load(path="book.txt"), Template(prompt="Say: {text}", answer="{text}!"))
    assert pairs(by_line) == [("Say: one", "one!"), ("Say: two", "two!"), ("Say: three", "three!")]
    assert [row["id"] for row in by_line.rows] == ["book.txt:1", "book.txt:2", "book.txt:4"]
    by_paragraph = run(root, Load(path="book.txt", format="paragraphs"), Template(prompt="{text}", answer="{line}"))
    assert pairs(by_paragraph) == [("one\ntwo", "1"), ("three", "4")]
    (root / "table.txt").write_text("prompt\tanswer\na\tb\n")
    assert pairs(run(root, Load(path="table.txt"))) == [("a", "b")]


def test_columns_that_come_late_or_are_called_like_ours(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.aidp.reading.spool.BATCH", 2)
    rows = [{"a": "1"}, {"a": "2"}, {"a": "3", "b": "x"}, {"b": "y", "c": "z"}, {"a": "5", "source": "s", "line": 9}]
    (root / "a.jsonl").write_bytes(lines(rows))
    template = Template(prompt="{a}", answer="{source_} {line_} {source} {line}")
    for scratch in (True, False):
        assert pairs(run(root, Load(path="a.jsonl"), template, scratch=scratch)) == [("5", "s 9 a.jsonl 5")]
        late = run(root, Load(path="a.jsonl"), Template(prompt="{b}", answer="{c}"), scratch=scratch)
        assert pairs(late) == [("y", "z")]


def test_columns_without_end_are_refused(root: Path) -> None:
    (root / "a.jsonl").write_bytes(lines([{f"column {n}": "x"} for n in range(1_200)]))
    with pytest.raises(IdeaFailure, match="more than 1,000 different columns"):
        run(root, Load(path="a.jsonl"))


# Broken rows.


def spoilt(root: Path, broken: int, of: int) -> None:
    whole = lines([{"prompt": f"p{n}", "answer": "a"} for n in range(of)]).splitlines()
    (root / "a.jsonl").write_bytes(b"\n".join([*whole[:-broken], *(line[:-1] for line in whole[-broken:])]))


def test_broken_rows_are_counted_and_set_aside(root: Path) -> None:
    spoilt(root, 2, 100)
    output = run(root, Load(path="a.jsonl"))
    step = output.steps[0]
    assert (step.rows_out, step.added, step.broken) == (98, 98, 2)
    assert [row.where for row in output.broken] == ["a.jsonl:99", "a.jsonl:100"]
    assert output.broken[0].why.startswith("not valid JSON") and output.broken[0].text.startswith('{"prompt": "p98"')


def test_more_broken_rows_than_are_allowed_say_how_many_and_what_to_do(root: Path) -> None:
    spoilt(root, 6, 100)
    with pytest.raises(IdeaFailure, match=r"6 of 100 rows cannot be read, the first: a\.jsonl:95: not valid JSON.*5%"):
        run(root, Load(path="a.jsonl"))
    assert len(run(root, Load(path="a.jsonl"), limits=Limits(broken=0.06)).rows) == 94
    with pytest.raises(IdeaFailure, match="1 of 2 rows"):
        spoilt(root, 1, 2)
        run(root, Mix(path="a.jsonl"))


def test_a_broken_row_that_is_held_out_is_not_shown(root: Path) -> None:
    secret = "a sentence that only the sealed test split should ever contain"
    (root / "a.jsonl").write_bytes(lines(ROWS) + f'{{"prompt": "{secret}, \n{{"prompt": "some other text, '.encode())
    output = run(root, Load(path="a.jsonl"), guards=guards.build([(secret, (secret,))]), limits=Limits(broken=0.5))
    assert [row.text for row in output.broken] == ["", ""]
    output = run(root, Load(path="a.jsonl"), limits=Limits(broken=0.5))
    assert [row.text for row in output.broken] == [f'{{"prompt": "{secret}, \n', '{"prompt": "some other text, ']


def test_what_is_kept_of_broken_rows_is_bounded(root: Path) -> None:
    (root / "a.jsonl").write_bytes(b'{"prompt": "' + b"x" * 10_000 + b"\n" + lines(ROWS))
    (broken,) = run(root, Load(path="a.jsonl"), limits=Limits(broken=0.5)).broken
    assert len(broken.text) == LONGEST


def test_too_many_rows_are_too_many(root: Path) -> None:
    (root / "a.jsonl").write_bytes(lines(ROWS))
    with pytest.raises(IdeaFailure, match=r"a\.jsonl: more than 5 rows"):
        run(root, Load(path="a.jsonl"), limits=Limits(rows=5))


def test_without_a_folder_only_little_is_held(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.aidp.reading.spool.IN_MEMORY", 100)
    (root / "a.jsonl").write_bytes(lines(ROWS))
    with pytest.raises(ResourceFailure, match="no folder to keep them in"):
        run(root, Load(path="a.jsonl"), scratch=False)
    assert len(run(root, Load(path="a.jsonl")).rows) == len(ROWS)


def test_a_file_without_a_row_that_can_be_read_is_said_to_be_one(root: Path) -> None:
    (root / "a.csv").write_bytes(b"")
    (root / "b.csv").write_bytes(b"prompt,answer\n")
    (root / "c.csv").write_bytes("prompt,answer\ncaf\u00e9,\u00e9\n".encode("latin-1"))
    for operator in (Load, Mix):
        for name in ("a.csv", "b.csv"):
            with pytest.raises(IdeaFailure, match=f"{name}: there are no rows in it"):
                run(root, operator(path=name))
        message = r"1 of 1 rows cannot be read, the first: c\.csv:2: .* no text.*--encoding cp1252.*encoding = "
        with pytest.raises(IdeaFailure, match=message):
            run(root, operator(path="c.csv"), limits=Limits(broken=1.0))
        assert run(root, operator(path="c.csv", encoding="latin-1")).rows[-1]["prompt"] == "caf\u00e9"


def test_only_the_first_rows_are_taken_and_the_others_not_read(root: Path) -> None:
    (root / "a.jsonl").write_bytes(lines(ROWS) + b"torn\n" * 99)
    output = run(root, Load(path="a.jsonl", rows=3), limits=Limits(rows=3))
    assert pairs(output) == PAIRS[:3] and not output.broken
    assert pairs(run(root, Load(path="a.jsonl", rows=7))) == PAIRS
    mixed = run(root, Mix(path="a.jsonl", rows=1, share=0.5))
    assert pairs(mixed)[2:] == PAIRS[:1]
    published(root / "set")
    assert pairs(run(root, Load(path="set", rows=3))) == PAIRS[:3], "through several files"


def test_what_was_found_out_about_a_file_is_said_with_its_step(root: Path) -> None:
    make(root)
    splits = "the split `dev` is read; there are also `train`"
    assert run(root, Load(path="splits", split="dev")).steps[0].note == splits
    assert run(root, Load(path="saved")).steps[0].note == ""
    (root / "b.csv").write_bytes("prompt;answer\n\u00e9;x\n".encode("utf-16"))
    remarks = "its byte-order mark says UTF-16; its fields are separated by `;`"
    assert run(root, Load(path="b.csv")).steps[0].note == remarks
    assert run(root, Mix(path="b.csv")).steps[0].note.startswith(f"{remarks}; prompt_answer: ")


# Layouts and templates, in a recipe.


def test_the_layout_taken_is_said_with_its_reason(root: Path) -> None:
    (root / "a.jsonl").write_bytes(lines([{"text": f"t{n}", "label": "no" if n % 2 else "yes"} for n in range(9)]))
    sampler = Sampler()
    output = run(root, Load(path="a.jsonl"), watch=sampler)
    reason = "classification: `text` is the text, `label` its label (2 in the rows looked at: no, yes)"
    assert output.steps[1].note.startswith(reason)
    (first, *_) = sampler.steps[1].samples
    assert first.kind == "changed" and first.id == "a.jsonl:1" and first.why.startswith(reason)
    assert first.before and first.after and (first.before.prompt, first.after.prompt) == ("text: t0\nlabel: yes", "t0")


def test_every_row_that_convert_drops_has_a_reason(root: Path) -> None:
    rows = [*({"instruction": f"i{n}", "output": "o"} for n in range(30)), {"instruction": "", "output": "o"}]
    write_jsonl(root / "a.jsonl", [*rows, {"instruction": "i", "output": ""}])
    sampler = Sampler()
    output = run(root, Load(path="a.jsonl"), watch=sampler)
    assert [(sample.id, sample.why) for sample in sampler.steps[1].samples if sample.kind == "dropped"] == [
        ("a.jsonl:31", "the prompt is empty"),
        ("a.jsonl:32", "the answer is empty"),
    ]
    assert output.steps[1].dropped == 2


def test_half_a_character_inside_of_json_inside_of_a_text_costs_its_row(root: Path) -> None:
    turns = '[{"role": "user", "content": "%s"}, {"role": "assistant", "content": "yes"}]'
    write_jsonl(root / "a.jsonl", [{"messages": turns % said} for said in ("a", "\\ud800", "b")])
    assert pairs(run(root, Load(path="a.jsonl"))) == [("a", "yes"), ("b", "yes")]


def test_a_sorted_file_is_looked_at_all_over(root: Path) -> None:
    """Only the last rows show that the numbers count from 1."""
    rows = [{"question": f"q{n}", "choices": ["a", "b"], "answer": 1 + n // 300} for n in range(600)]
    write_jsonl(root / "a.jsonl", rows)
    output = run(root, Load(path="a.jsonl"))
    assert [row["answer"] for row in output.rows] == ["A"] * 300 + ["B"] * 300


def test_a_file_without_one_pair_leaves_no_rows(root: Path) -> None:
    write_jsonl(root / "a.jsonl", [{"instruction": "", "output": "o"}])
    for scratch in (True, False):
        with pytest.raises(IdeaFailure, match="`convert` dropped all 1"):
            run(root, Load(path="a.jsonl"), Convert(layout="alpaca"), scratch=scratch)


@pytest.mark.parametrize("path", ["a\0b", "x" * 400, "~/x", "a/../../b"])
def test_a_path_that_is_none_is_the_idea_s_failure(root: Path, path: str, tmp_path: Path) -> None:
    with pytest.raises(IdeaFailure, match="extra"):
        run(root, Load(path=path), cache=StepCache(tmp_path / "cache"))


def test_a_folder_that_changed_is_read_again(root: Path, tmp_path: Path) -> None:
    cache = StepCache(tmp_path / "cache", worth=0.0)
    for rows in (ROWS, ROWS[:3], ROWS[:3]):
        shutil.rmtree(root / "saved", ignore_errors=True)
        Dataset.from_list(rows).save_to_disk(str(root / "saved"))
        output = run(root, Load(path="saved"), cache=cache)
        assert len(output.rows) == len(rows)
    assert all(step.cached for step in output.steps)


def test_a_template_writes_rows_anew_in_their_places(root: Path) -> None:
    output = run(root, Template(prompt="Q: {prompt} {{x}}", answer="A: {answer}"))
    assert pairs(output) == [("Q: train one {x}", "A: x"), ("Q: train two {x}", "A: y")]
    assert output.rows["id"][:] == ["t1", "t2"] and output.rows["made_by"][:] == [["template:0"]] * 2
    for template, message in [
        (Template(prompt="{gone}", answer="{answer}"), "no column `gone`.*there are id, prompt"),
        (Template(prompt="p", answer="a"), "names no column"),
    ]:
        with pytest.raises(IdeaFailure, match=message):
            run(root, template)


def test_a_template_after_load_needs_no_layout(root: Path) -> None:
    operators = complete(Recipe(operators=(Load(path="x"), Template(prompt="{a}", answer="{b}"), DedupExact())))
    assert [type(operator).__name__ for operator in operators] == ["Load", "Template", "DedupExact", "Decontaminate"]


def test_columns_that_operators_added_stay_when_rows_come_in(root: Path) -> None:
    (root / "a.jsonl").write_bytes(lines(ROWS))
    output = run(root, Split(shares={"a": 0.5, "b": 0.5}), Mix(path="a.jsonl", share=0.5))
    assert [row["split"] is None for row in output.rows] == [False, False, True, True]
    written = run(root, Split(shares={"a": 0.5, "b": 0.5}), Template(prompt="{prompt} ({split})", answer="{answer}"))
    assert sorted(row["prompt"][-3:] for row in written.rows) == ["(a)", "(b)"]


def test_a_template_may_leave_nothing(root: Path) -> None:
    (root / "a.jsonl").write_bytes(lines([{"prompt": "a", "answer": "b", "c": ""}]))
    for before in ((), (Convert(),)):
        with pytest.raises(IdeaFailure, match=r"`template` dropped all 1|no column `c`"):
            run(root, Load(path="a.jsonl"), *before, Template(prompt="{c}", answer="{answer}"))
    with pytest.raises(IdeaFailure, match="`template` dropped all 1"):
        Pipeline(Recipe(operators=(Template(prompt="Q: {prompt}", answer="{answer}"),))).run(
            [{"id": "1", "prompt": "p", "answer": " "}]
        )


def test_mix_reads_what_load_reads(root: Path) -> None:
    make(root)
    output = run(root, Mix(path="p.whl", member=MEMBER, share=0.5))
    assert [row["source"] for row in output.rows] == ["train", "train", *[f"p.whl/{MEMBER}"] * 2]
    assert output.steps[0].added == 2


def test_memory_does_not_grow_with_the_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.aidp.rows.BATCH", 200)
    monkeypatch.setattr("engine.aidp.reading.spool.BATCH", 200)
    monkeypatch.setattr("engine.aidp.rows.BATCH", 200)

    def peak(count: int) -> int:
        """Bytes of Python's and of Arrow's, at the most, for rows of a kilobyte."""
        rows = [{"prompt": f"{n} " + "word " * 200, "answer": "yes"} for n in range(count)]
        write_jsonl(root / "a.jsonl", rows)
        del rows
        context = Context(random.Random(0), root=root, scratch=root.parent)
        tracemalloc.start()
        arrow = pa.total_allocated_bytes()
        made = convert(load(Dataset.from_dict({}), Load(path="a.jsonl"), context), Convert(), context)
        assert len(made) == count
        most = tracemalloc.get_traced_memory()[1] + pa.total_allocated_bytes() - arrow
        tracemalloc.stop()
        return most

    once = peak(1_000)
    assert peak(8_000) < 1.5 * once
