"""The data process, as the engine starts it: files in, files out, `exit.json` last, nothing left behind."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import multiprocess
import pytest

from engine import jobs
from engine.aidp import guards
from engine.aidp.child import calm, is_for_memory, is_for_worker
from engine.aidp.job import DataJob, DataReport, Limits, Progress
from engine.aidp.recipe import AnyOperator, BalanceLabels, FilterLength, Load, Recipe, Shuffle
from engine.files import read_jsonl, sha256_file, write_json, write_jsonl
from engine.strict import from_json

ROOT = Path(__file__).parents[2]


@pytest.fixture
def job(tmp_path: Path) -> DataJob:
    rows = [
        {"id": str(n), "prompt": f"row {n} says things", "answer": "yes" if n % 3 else "no", "text": "x"}
        for n in range(60)
    ]
    write_jsonl(tmp_path / "train.jsonl", rows)
    guards.save(guards.build([("row 7 says things", ("row 7 says things",))]), tmp_path / "guards.json")
    (tmp_path / "task" / "extra").mkdir(parents=True)
    return DataJob(
        recipe=Recipe(operators=(BalanceLabels(), Shuffle()), seed=1),
        train_rows=str(tmp_path / "train.jsonl"),
        guards=str(tmp_path / "guards.json"),
        data_root=str(tmp_path / "task"),
    )


def with_recipe(job: DataJob, *operators: AnyOperator, **more: object) -> DataJob:
    return msgspec.structs.replace(job, recipe=Recipe(operators=operators), **more)


def start(folder: Path, job: DataJob) -> tuple[int, jobs.Exit | None]:
    folder.mkdir(exist_ok=True)
    write_json(folder / "job.json", job)
    home = folder.parent / "home"
    home.mkdir(exist_ok=True)
    env = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    command = [sys.executable, "-P", "-m", "engine.aidp", str(folder)]
    done = subprocess.run(command, env={**env, "HOME": str(home), "PYTHONPATH": str(ROOT)}, cwd="/", check=False)
    assert list(home.iterdir()) == []
    return done.returncode, jobs.outcome(folder)


def test_a_job_gives_rows_and_a_report_twice_the_same(tmp_path: Path, job: DataJob) -> None:
    for folder in (tmp_path / "one", tmp_path / "two"):
        assert start(folder, job) == (0, jobs.Exit(state="done"))
        assert sorted(path.name for path in folder.iterdir()) == [
            "data.jsonl",
            "exit.json",
            "job.json",
            "lock",
            "report.json",
            "samples.json",
        ]
    rows = read_jsonl(tmp_path / "one" / "data.jsonl")
    report = from_json((tmp_path / "one" / "report.json").read_bytes(), DataReport, source="report")
    assert set(rows[0]) == {"id", "prompt", "answer", "source", "parents", "made_by"}
    assert "7" not in {row["id"] for row in rows}
    assert report.rows == len(rows) == sum(report.answers.values())
    assert [step.operator for step in report.steps] == ["decontaminate", "balance_labels", "shuffle"]
    assert report.sha256 == sha256_file(tmp_path / "one" / "data.jsonl") == sha256_file(tmp_path / "two" / "data.jsonl")


def test_ways_to_fail(tmp_path: Path, job: DataJob) -> None:
    (tmp_path / "task" / "test.jsonl").write_text('{"prompt": "p", "answer": "a"}\n')
    cases = [
        (with_recipe(job, FilterLength(min_words=90)), "idea", "`filter_length` dropped all 60"),
        (with_recipe(job, Load(path="../test.jsonl")), "idea", "leads out of the folder `extra/`"),
        (with_recipe(job, guards=str(tmp_path / "gone.json")), "machine", "guards of the held-out splits"),
        (with_recipe(job, train_rows=str(tmp_path / "gone.jsonl")), "machine", "train split is missing"),
        (with_recipe(job, limits=Limits(memory=1)), "resource", "more memory"),
    ]
    for number, (wrong, kind, cause) in enumerate(cases):
        folder = tmp_path / f"n{number}"
        status, outcome = start(folder, wrong)
        assert status == 1 and outcome is not None, cause
        assert (outcome.state, outcome.kind) == ("failed", kind), outcome
        assert cause in outcome.cause
        assert not (folder / "data.jsonl").exists()


def test_a_worker_that_was_killed_is_told_from_other_failures() -> None:
    assert is_for_worker(multiprocess.TimeoutError())
    assert is_for_worker(RuntimeError("One of the subprocesses has abruptly died during map operation."))
    assert not is_for_worker(RuntimeError("something else"))


def test_a_library_that_gets_no_memory_has_words_of_its_own() -> None:
    for error in (MemoryError(), OSError(errno.ENOMEM, "x"), SystemError("error return without exception set")):
        assert is_for_memory(error)
    assert not is_for_memory(SystemError("bad argument")) and not is_for_memory(OSError(errno.ENOENT, "x"))


def test_who_is_told_seldom_knows_which_operator_is_at_work() -> None:
    heard: list[Progress] = []
    tell = calm(heard.append, every=3600.0)
    for place in (0, 0, 1, 1, 2):
        tell(Progress(operator="x", place=place, of=3))
    assert [progress.place for progress in heard] == [0, 1, 2]


def test_a_held_directory_is_left_alone(tmp_path: Path, job: DataJob) -> None:
    folder = tmp_path / "held"
    folder.mkdir()
    with jobs.hold(folder):
        status, outcome = start(folder, job)
    assert status == 2 and outcome is None


def test_nonsense_in_the_job_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    (folder / "job.json").write_text('{"recipee": {}}')
    command = [sys.executable, "-P", "-m", "engine.aidp", str(folder)]
    subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)
    outcome = jobs.outcome(folder)
    assert outcome is not None and "job.json" in outcome.cause and outcome.state == "failed"
