"""Splits: disjoint, exact, repeatable, whole or not there, sealed, and checked before use."""

from __future__ import annotations

import io
import json
import os
import stat
import tarfile
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import taskdata
from engine.aidp import guards
from engine.aidp.reading.readers import Row
from engine.errors import BadInput, MachineFailure
from engine.files import read_jsonl, sha256_file
from engine.task import (
    SPLITS,
    Data,
    Evaluation,
    Format,
    Labels,
    SourceDistribution,
    Split,
    Splits,
    Task,
    Threshold,
    load_task,
)
from engine.taskdata.division import divide, separate
from engine.taskdata.examples import Example, build
from engine.workspace import Workspace

PROMPTS = st.sampled_from([f"{word} {n}" for word in ("a", "A", "b ", "c") for n in range(8)])


def example(prompt: str, at: int = 0) -> Example:
    return Example(f"x:{at}", str(at), prompt, "yes", (prompt,), {})


EXAMPLES = st.lists(PROMPTS, max_size=60).map(lambda prompts: [example(p, at) for at, p in enumerate(prompts)])


def assert_disjoint(divided: dict[Split, list[Example]]) -> None:
    seen: dict[str, str] = {}
    for split, rows in divided.items():
        for row in rows:
            assert seen.setdefault(" ".join(row.prompt.lower().split()), split) == split


@given(EXAMPLES, st.integers(0, 5), st.data())
def test_one_file_is_divided_exactly_and_without_overlap(rows: list[Example], seed: int, data: st.DataObject) -> None:
    different = len({row.key for row in rows})
    sizes = Splits(**{split: data.draw(st.integers(1, 6)) for split in SPLITS}, seed=seed)
    held_out = sizes.validation + sizes.confirm + sizes.test
    try:
        divided = divide(rows, sizes, "x")
    except BadInput:
        assert different < held_out + sizes.train  # repeats in train may not have been enough either
        return
    assert [len(divided[split]) for split in SPLITS] == [getattr(sizes, split) for split in SPLITS]
    assert_disjoint(divided)
    for split in SPLITS[1:]:
        assert len({row.key for row in divided[split]}) == len(divided[split])
    unique = list({row.key: row for row in reversed(rows)}.values())
    if len(unique) == len(rows):  # without repeats, the order of the file does not matter
        assert divide(rows[::-1], sizes, "x") == divided


@given(st.fixed_dictionaries(dict.fromkeys(("train", "validation", "test"), EXAMPLES)), st.integers(0, 5))
def test_given_splits_keep_their_rows_but_for_overlaps(parts: dict[Split, list[Example]], seed: int) -> None:
    divided, notes = separate(parts, seed)
    assert_disjoint(divided)
    assert divided["test"] == parts["test"]
    lost = Counter(row.prompt for rows in parts.values() for row in rows)
    lost -= Counter(row.prompt for rows in divided.values() for row in rows)
    later = {row.key for split in ("validation", "test") for row in parts[split]}
    assert all(example(prompt).key in later for prompt in lost)
    assert any(note.startswith("confirm: ") for note in notes)
    assert separate(parts, seed)[0] == divided


@pytest.mark.parametrize(("validation", "giver", "count"), [(300, "validation", 150), (120, "train", 120)])
def test_confirm_is_drawn_where_it_is_not_given(validation: int, giver: Split, count: int) -> None:
    parts: dict[Split, list[Example]] = {
        "train": [example(f"t{n}") for n in range(1000)],
        "validation": [example(f"v{n}") for n in range(validation)],
        "test": [example("x")],
    }
    divided, notes = separate(parts, 0)
    assert len(divided["confirm"]) == count
    assert len(divided[giver]) == len(parts[giver]) - count
    assert notes == [f"confirm: {count} rows drawn from {giver}, which keeps {len(parts[giver]) - count}"]


def task_for(**changes: Any) -> Task:
    task = Task(
        name="t",
        brief="b",
        format=Format(prompt="Say: {text}", answer=" {label}"),
        evaluation=Evaluation(mode="label_likelihood", labels=("good", "bad")),
        data=Data(file="rows.csv"),
        splits=Splits(train=10, validation=4, confirm=4, test=6),
    )
    return msgspec.structs.replace(task, **changes)


def as_csv(count: int = 30) -> str:
    return "text,label\n" + "".join(
        f"the film number {n} is very nice,{'good' if n % 2 else 'bad'}\n" for n in range(count)
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "task").mkdir()
    (tmp_path / "task" / "rows.csv").write_text(as_csv())
    return tmp_path / "task"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "home")


def make(task: Task, folder: Path, workspace: Workspace) -> Path:
    return taskdata.materialise(task, folder, workspace, offline=True)


def test_splits_on_disk(folder: Path, workspace: Workspace) -> None:
    task = task_for()
    made = make(task, folder, workspace)
    assert made == workspace.splits("t", task.fingerprint)
    rows = read_jsonl(taskdata.split_path(made, "train"))
    assert len(rows) == 10
    assert set(rows[0]) == {"id", "prompt", "answer", "text", "label"}
    assert all(row["prompt"] == f"Say: {row['text']}" and row["answer"] == f" {row['label']}" for row in rows)
    manifest = taskdata.verify(made)
    assert {split: info.rows for split, info in manifest.splits.items()} == {
        "train": 10,
        "validation": 4,
        "confirm": 4,
        "test": 6,
    }
    assert all(sum(info.answers.values()) == info.rows for info in manifest.splits.values())
    assert manifest.sources == {"rows.csv": sha256_file(folder / "rows.csv")}
    assert sorted(path.name for path in made.iterdir()) == [
        "confirm.jsonl",
        "guards.json",
        "manifest.json",
        "sealed",
        "train.jsonl",
        "validation.jsonl",
    ]
    ids = [row["id"] for split in ("train", "validation", "confirm") for row in read_jsonl(made / f"{split}.jsonl")]
    assert len(set(ids)) == len(ids)


def test_the_same_bytes_every_time(folder: Path, workspace: Workspace, tmp_path: Path) -> None:
    first = make(task_for(), folder, workspace)
    before = (first / "manifest.json").stat().st_mtime_ns
    assert make(task_for(), folder, workspace) == first
    assert (first / "manifest.json").stat().st_mtime_ns == before
    assert taskdata.verify(make(task_for(), folder, Workspace(tmp_path / "other"))) == taskdata.verify(first)


def test_the_seal(folder: Path, workspace: Workspace) -> None:
    made = make(task_for(), folder, workspace)
    announced: list[bool] = []
    path = taskdata.open_sealed(made, lambda: announced.append(True))
    assert announced == [True]
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert len(read_jsonl(path)) == 6

    def refused() -> None:
        raise RuntimeError("the journal is full")

    with pytest.raises(RuntimeError):
        taskdata.open_sealed(made, refused)
    assert not taskdata.split_path(made, "test").exists()  # type: ignore[arg-type]


def test_guards_know_every_held_out_row_and_no_train_row(folder: Path, workspace: Workspace) -> None:
    made = make(task_for(), folder, workspace)
    guard = guards.load(taskdata.guards_path(made)).at(0)
    held = [*read_jsonl(taskdata.split_path(made, "validation")), *read_jsonl(taskdata.split_path(made, "confirm"))]
    held += read_jsonl(taskdata.open_sealed(made, lambda: None))
    assert len(held) == 14
    assert all(guard.overlaps(row) for row in held)
    assert not any(guard.overlaps(row) for row in read_jsonl(taskdata.split_path(made, "train")))


@pytest.mark.parametrize("name", ["train.jsonl", "sealed/test.jsonl", "guards.json", "manifest.json"])
def test_a_change_or_a_loss_is_found(folder: Path, workspace: Workspace, name: str) -> None:
    made = make(task_for(), folder, workspace)
    path = made / name
    whole = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(MachineFailure, match=name.split("/")[-1]):
        taskdata.verify(made)
    path.unlink()
    with pytest.raises(MachineFailure, match=name.split("/")[-1]):
        make(task_for(), folder, workspace)


def test_a_wrong_row_leaves_nothing_behind(folder: Path, workspace: Workspace) -> None:
    (folder / "rows.csv").write_text(as_csv() + "no label here,\n")
    with pytest.raises(BadInput, match=r"rows\.csv:32: column `label` is empty"):
        make(task_for(), folder, workspace)
    assert [path.name for path in (workspace.home / "tasks").iterdir() if not path.name.endswith(".lock")] == []


def test_a_full_disk_leaves_nothing_behind(folder: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(MachineFailure, match="free some space"):
        make(task_for(), folder, workspace)
    monkeypatch.undo()
    assert [path.name for path in (workspace.home / "tasks").iterdir() if not path.name.endswith(".lock")] == []
    make(task_for(), folder, workspace)


def test_the_rest_of_a_killed_maker_is_no_obstacle(folder: Path, workspace: Workspace) -> None:
    target = workspace.splits("t", task_for().fingerprint)
    (target.with_name(f".{target.name}.part") / "sealed").mkdir(parents=True)
    assert taskdata.verify(make(task_for(), folder, workspace)).task == "t"


def test_many_makers_at_once_agree(folder: Path, workspace: Workspace) -> None:
    made: list[Path] = []
    makers = [threading.Thread(target=lambda: made.append(make(task_for(), folder, workspace))) for _ in range(6)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert len(made) == 6 and len(set(made)) == 1


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("text,other\na,b\n", r"rows\.csv:2: no column `label`; columns here: text, other"),
        ('"text;label"\n"a;good"\n', r"rows\.csv:2: no column `text`; the file seems to be separated by semicolons"),
        ("text;label\na;fine\n", r"rows\.csv:2: the answer ' fine' is none of the labels"),
        ("text,label\na,fine\n", r"rows\.csv:2: the answer ' fine' is none of the labels"),
        ("text,label\na,good\n", r"\[splits\] asks for 24 rows, the data has 1 .*lower the sizes by 23"),
    ],
)
def test_wrong_rows_are_named(folder: Path, workspace: Workspace, rows: str, message: str) -> None:
    (folder / "rows.csv").write_text(rows)
    with pytest.raises(BadInput, match=message):
        make(task_for(), folder, workspace)


def test_a_file_per_split(folder: Path, workspace: Workspace) -> None:
    for split, start, count in (("train", 0, 50), ("validation", 100, 10), ("test", 200, 12)):
        lines = [json.dumps({"text": f"film {n}", "label": "good"}) + "\n" for n in range(start, start + count)]
        (folder / f"{split}.jsonl").write_text("".join(lines))
    task = task_for(data=Data(train="train.jsonl", validation="validation.jsonl", test="test.jsonl"))
    manifest = taskdata.verify(make(task, folder, workspace))
    assert {split: info.rows for split, info in manifest.splits.items()} == {
        "train": 40,
        "validation": 10,
        "confirm": 10,
        "test": 12,
    }
    assert manifest.notes == ("confirm: 10 rows drawn from train, which keeps 40",)


def test_label_rules() -> None:
    rules = (Threshold(label="good", at_least=0.5), Threshold(label="bad", at_most=-0.5))
    task = task_for(data=Data(labels=Labels(column="n", rules=rules)), format=Format(prompt="{text}"))
    rows = [
        Row(f"x:{n}", {"text": f"t{n}", "n": value}) for n, value in enumerate(["0.5", "-0.5", "0.49", "3", "-.51"])
    ]
    refused: list[BadInput] = []
    made, left_out = build(task, [*rows, Row("x:9", {"text": "t", "n": "many"})], refused.append)
    assert [row.answer for row in made] == ["good", "bad", "good", "bad"]
    assert left_out == 1
    assert [str(error) for error in refused] == ["x:9: column `n`: 'many' is not a number"]


def pack(folder: Path, name: str, members: dict[str, bytes]) -> Path:
    path = folder / name
    with tarfile.open(path, "w:gz") as tar:
        for member, content in members.items():
            info = tarfile.TarInfo(member)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SourceDistribution:
    packages = tmp_path / "packages"
    packages.mkdir()
    inner = pack(tmp_path, "inner.tar.gz", {"d/other.txt": b"x", "d/rows.txt": as_csv().replace(",", "\t").encode()})
    outer = pack(
        packages, "films-1.0.tar.gz", {"films-1.0/setup.py": b"boom", "films-1.0/data.tar.gz": inner.read_bytes()}
    )
    monkeypatch.setenv("TREX_FIND_LINKS", str(packages))
    return SourceDistribution(
        package="films",
        version="1.0",
        sha256=sha256_file(outer),
        member="films-1.0/data.tar.gz",
        inner_member="d/rows.txt",
    )


def test_rows_out_of_a_source_distribution(source: SourceDistribution, folder: Path, workspace: Workspace) -> None:
    manifest = taskdata.verify(make(task_for(data=Data(source=source)), folder, workspace))
    assert manifest.sources == {"films-1.0.tar.gz": source.sha256}
    assert sum(info.rows for info in manifest.splits.values()) == 24


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"sha256": "0" * 64}, MachineFailure, "was not fetched yet; fetch it once with a network"),
        ({"inner_member": "d/gone.txt"}, BadInput, "holds no file `d/gone.txt`"),
        ({"member": "films-1.0/setup.py"}, BadInput, "not a readable tar archive"),
    ],
)
def test_a_wrong_source_is_refused(
    source: SourceDistribution,
    folder: Path,
    workspace: Workspace,
    change: dict[str, str],
    error: type[Exception],
    message: str,
) -> None:
    data = Data(source=msgspec.structs.replace(source, **change))
    with pytest.raises(error, match=message):
        make(task_for(data=data), folder, workspace)


def test_a_swollen_archive_is_refused(
    source: SourceDistribution, folder: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.aidp.reading.archives.MAX_UNPACKED", 1000)
    with pytest.raises(BadInput, match="unpacks to more than 1,000 bytes"):
        make(task_for(data=Data(source=source)), folder, workspace)


def test_a_package_name_is_no_path(tmp_path: Path) -> None:
    text = f"""
name = "t"
brief = "b"
[format]
prompt = "{{text}}"
[evaluation]
mode = "generate"
[data.source]
package = "../../x"
version = "1"
sha256 = "{"0" * 64}"
member = "m"
"""
    (tmp_path / "task.toml").write_text(text)
    with pytest.raises(BadInput, match=r"task\.toml:9: field `data\.source\.package`"):
        load_task(tmp_path)
