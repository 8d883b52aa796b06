"""The profile of a task's splits: open ones are looked at, of the others there are counts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from engine.aidp.guards import build, save
from engine.aidp.languages import SHORT, languages
from engine.errors import MachineFailure
from engine.files import sha256_file, write_json, write_jsonl
from engine.taskdata.profile import DataProfile, profile_splits
from engine.taskdata.store import GUARDS, MANIFEST, Manifest, SplitInfo

ROOT = Path(__file__).parents[1]


@pytest.fixture
def splits(tmp_path: Path) -> Path:
    """A task's splits; the rows of confirm and test cannot be read by anybody."""
    folder, infos = tmp_path / "splits", {}
    (folder / "sealed").mkdir(parents=True)
    for split, count in (("train", 40), ("validation", 20)):
        rows = [{"id": f"{split}-{n}", "prompt": f"row {n}", "answer": "yes", "own": "x"} for n in range(count)]
        write_jsonl(folder / f"{split}.jsonl", rows)
        infos[split] = SplitInfo(rows=count, sha256=sha256_file(folder / f"{split}.jsonl"), answers={"yes": count})
    for split, name in (("confirm", "confirm.jsonl"), ("test", "sealed/test.jsonl")):
        (folder / name).mkdir()  # opening it would fail
        infos[split] = SplitInfo(rows=7, sha256="0" * 64, answers={"yes": 7})
    save(build(()), folder / GUARDS)
    manifest = Manifest(
        task="demo", task_fingerprint="f", splits=infos, guards_sha256="", sources={}, notes=("2 rows left out",)
    )
    write_json(folder / MANIFEST, manifest)
    return folder


def test_confirm_and_test_are_counted_and_not_opened(splits: Path) -> None:
    found = profile_splits(splits)
    assert [(s.name, s.rows, s.profile is None) for s in found.splits] == [
        ("train", 40, False),
        ("validation", 20, False),
        ("confirm", 7, True),
        ("test", 7, True),
    ]
    assert found.splits[3].labels == {"yes": 7} and found.notes == ("2 rows left out",)


def test_a_file_that_was_changed_is_said(splits: Path) -> None:
    with (splits / "train.jsonl").open("a") as rows:
        rows.write('{"id": "new", "prompt": "row 1", "answer": "no"}\n')
    train, validation, *_ = profile_splits(splits).splits
    assert (train.changed, validation.changed) == (True, False)
    assert train.profile and (train.profile.rows, train.profile.conflicting) == (41, 1)


@pytest.mark.parametrize("damage", ["no manifest", "no row", "no file"])
def test_what_cannot_be_read_is_one_sentence(splits: Path, damage: str) -> None:
    if damage == "no row":
        (splits / "train.jsonl").write_text('{"prompt": 1}\n')
    else:
        (splits / (MANIFEST if damage == "no manifest" else "train.jsonl")).unlink()
    with pytest.raises(MachineFailure, match=r"cannot be read|line 1 is no row"):
        profile_splits(splits)


def test_as_a_process(splits: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-m", "engine.taskdata.profiling", str(splits), str(tmp_path / "out" / "p.json")]
    subprocess.run(command, check=True, cwd=ROOT)
    found = msgspec.json.decode((tmp_path / "out" / "p.json").read_bytes(), type=DataProfile)
    assert found == profile_splits(splits, languages)
    assert found.splits[0].profile and found.splits[0].profile.languages == ((SHORT, 40),)
    (splits / MANIFEST).unlink()
    failed = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    assert failed.returncode == 1 and "splits cannot be read" in failed.stderr and "Traceback" not in failed.stderr
