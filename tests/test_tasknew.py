"""`task new` and `task check`: from a plain file to a task that works, and a report of what does not."""

from __future__ import annotations

import csv
import json
import os
import sys
from pathlib import Path

import msgspec
import pytest

from engine import taskcheck, taskdata
from engine.errors import BadInput, MachineFailure
from engine.task import Format, load_task
from engine.taskcheck import PreviewAnswer, PreviewRequest, check_task
from engine.tasknew import new_task
from engine.workspace import Workspace


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    path = tmp_path / "my reviews.csv"
    with path.open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["no", "Review Text", "label"])
        rows.writerows([n, f'film "{n}" é', "good" if n % 3 else "bad"] for n in range(90))
    return path


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "home")


def test_labels_from_a_csv(tmp_path: Path, reviews: Path, workspace: Workspace) -> None:
    path = new_task(tmp_path / "My Task", reviews, prompt="Review Text")
    task = load_task(path)
    assert task.name == "my_task"
    assert task.evaluation.mode == "label_likelihood"
    assert task.evaluation.labels == ("good", "bad")
    assert (task.format.prompt, task.format.answer) == ("{Review Text}\nLabel:", " {label}")
    made = taskdata.materialise(task, path.parent, workspace, offline=True)
    assert sum(info.rows for info in taskdata.verify(made).splits.values()) == 90
    assert sorted(file.name for file in path.parent.iterdir()) == ["my reviews.csv", "task.toml"]


def test_free_answers_from_jsonl(tmp_path: Path) -> None:
    data = tmp_path / "qa.jsonl"
    data.write_text(
        "".join(json.dumps({"question": f"{n} + 1?", "answer": f"It is {n + 1}."}) + "\n" for n in range(60))
    )
    task = load_task(new_task(tmp_path / "sums", data))
    assert (task.evaluation.mode, task.metric.name) == ("generate", "exact_match")
    assert (task.evaluation.labels, task.evaluation.stop) == ((), ("\n",))
    assert task.format.prompt == "{question}\nAnswer:"


def test_a_person_s_templates_and_a_file_that_is_already_there(tmp_path: Path, reviews: Path) -> None:
    folder = tmp_path / "task"
    folder.mkdir()
    inside = reviews.rename(folder / "rows.csv")
    path = new_task(folder, inside, prompt='Say "{Review Text}"\\:', answer="{label}", name="x")
    task = load_task(path)
    assert (task.name, task.format.prompt, task.format.answer) == ("x", 'Say "{Review Text}"\\:', "{label}")
    assert sorted(file.name for file in folder.iterdir()) == ["rows.csv", "task.toml"]


def test_nothing_is_overwritten(tmp_path: Path, reviews: Path) -> None:
    folder = tmp_path / "task"
    path = new_task(folder, reviews, prompt="Review Text")
    before = path.read_bytes()
    with pytest.raises(BadInput, match="there is a task here already"):
        new_task(folder, reviews, prompt="Review Text")
    path.unlink()
    with pytest.raises(BadInput, match="another file has this name"):
        new_task(folder, reviews, prompt="Review Text")
    assert before and not path.exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n" + "x,y\n" * 30, "not clear which column is the answer; say --answer; columns here: a, b"),
        ("text,label\n" + "".join(f"t{n},x\n" for n in range(30)), "every row has the same answer"),
        ("text,label\n" + "".join(f"t{n % 9},{n % 2}\n" for n in range(90)), "9 different prompts"),
        (
            "text,label\n" + "".join(f"t{n},{n % 2}\n" for n in range(90)) + "t,\n",
            "rows.csv:92: column `label` is empty",
        ),
        ("text,label\n", "has no rows"),
    ],
)
def test_a_file_that_is_no_task_leaves_nothing(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "rows.csv").write_text(text)
    with pytest.raises(BadInput, match=message):
        new_task(tmp_path / "task", tmp_path / "rows.csv")
    assert not (tmp_path / "task").exists()


def test_a_read_only_place_says_so(tmp_path: Path, reviews: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("engine.tasknew.shutil.copyfile", read_only)
    with pytest.raises(MachineFailure, match="read-only"):
        new_task(tmp_path / "task", reviews, prompt="Review Text")
    assert not (tmp_path / "task").exists()


def test_check_of_a_good_task(tmp_path: Path, reviews: Path, workspace: Workspace) -> None:
    report = check_task(new_task(tmp_path / "task", reviews, prompt="Review Text").parent, workspace)
    assert report.ok and report.problems == ()
    assert report.splits["test"].rows == 22
    assert sum(report.splits["train"].answers.values()) == report.splits["train"].rows
    assert report.splits["train"].majority == max(report.splits["train"].answers.values()) / report.splits["train"].rows
    assert len(report.rows) == 3 and report.rows[0].prompt.endswith("\nLabel:")
    assert "is not installed" in report.notes[-1]
    assert not workspace.home.exists()


def test_check_names_every_wrong_row(tmp_path: Path, reviews: Path, workspace: Workspace) -> None:
    folder = new_task(tmp_path / "task", reviews, prompt="Review Text").parent
    with (folder / reviews.name).open("a", newline="") as out:
        csv.writer(out).writerows([[1, "", "good"], [2, "fine", "goood"], *[[3, "x", ""]] * 30])
    report = check_task(folder, workspace)
    told = [str(problem) for problem in report.problems]
    assert len(told) == taskcheck.MOST_PROBLEMS
    assert "my reviews.csv:92: column `Review Text` is empty" in told[0]
    assert "my reviews.csv:93: the answer ' goood' is none of the labels" in told[1]
    assert "32 rows are wrong; the first 20 are listed" in report.notes


def test_check_of_a_broken_file_is_a_report_too(tmp_path: Path, workspace: Workspace) -> None:
    (tmp_path / "task.toml").write_text('name = "x"\nbreif = "y"\n')
    (problem,) = check_task(tmp_path, workspace).problems
    assert problem.where.endswith("task.toml:2") and problem.hint == "did you mean `brief`?"


def stand_in(folder: Path, code: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An interpreter that runs `code` in place of the child process: what matters here is our half of the exchange."""
    script = folder / "python"
    script.write_text(f"#!{sys.executable}\nimport json, sys\n{code}\n")
    script.chmod(0o755)
    monkeypatch.setattr(taskcheck.sys, "executable", str(script))
    return script


REQUEST = PreviewRequest(format=Format(prompt="{a}"), max_length=64, rows=[{"prompt": "p", "answer": "a"}])


def test_the_preview_is_asked_in_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "asked = json.load(sys.stdin)\nrow = asked['rows'][0]\n"
    code += "print(json.dumps({'rows': [[[row['prompt'], False], [sys.argv[-1], True]]], 'truncated': 1}))"
    stand_in(tmp_path, code, monkeypatch)
    answer = taskcheck.preview(Path("/models/m"), REQUEST)
    assert answer == PreviewAnswer(rows=[[("p", False), ("/models/m", True)]], truncated=1)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("sys.exit('no tokenizer in this folder')", "the preview failed: no tokenizer in this folder"),
        ("print('{')", "no readable answer"),
    ],
)
def test_a_failing_preview_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, message: str) -> None:
    stand_in(tmp_path, code, monkeypatch)
    with pytest.raises(MachineFailure, match=message):
        taskcheck.preview(Path("/models/m"), REQUEST)


@pytest.mark.models
def test_the_supervised_tokens_are_the_answer(tmp_path: Path, reviews: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = os.environ.get("TREX_MODELS", "")
    if not models:
        pytest.skip("set TREX_MODELS (make models)")
    monkeypatch.setenv("PYTHONPATH", str(Path(taskcheck.__file__).parent.parent))
    report = check_task(new_task(tmp_path / "task", reviews, prompt="Review Text").parent, Workspace(tmp_path / "home"))
    assert report.notes == (), report.notes
    for row in report.rows:
        assert "".join(text for text, supervised in row.tokens if not supervised) == row.prompt
        assert "".join(text for text, supervised in row.tokens if supervised).startswith(row.answer)


def test_reports_can_be_printed_as_json(tmp_path: Path, reviews: Path, workspace: Workspace) -> None:
    report = check_task(new_task(tmp_path / "task", reviews, prompt="Review Text").parent, workspace)
    assert msgspec.json.decode(msgspec.json.encode(report))["name"] == "task"
