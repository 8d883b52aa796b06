"""The process behind `trex data`, asked as the command asks it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from engine.aidp.job import Limits
from engine.aidp.recipe import AnyOperator, DedupExact, FilterLength, Mix, Recipe, Shuffle
from engine.aidp.request import Profiled, ProfileData, Ran, Refused, Request, RunData, Said, Working
from engine.files import read_jsonl, sha256_file, write_jsonl

ROOT = Path(__file__).parents[2]
SECRET = "what stands in the sealed file is nobody's business"


def ask(request: Request) -> Said:
    """Its last word; it must be the only one that is no progress."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "engine.aidp.alone"],
        input=msgspec.json.encode(request),
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd="/",
        check=False,
    )
    said = [msgspec.json.decode(line, type=Said) for line in done.stdout.splitlines()]
    assert said and done.returncode == 0, done.stderr.decode()
    assert all(isinstance(word, Working) for word in said[:-1])
    return said[-1]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    rows: list[dict[str, object]] = [
        {"instruction": f"say {n % 40} things", "output": "yes" if n % 3 else "no"} for n in range(60)
    ]
    rows += [{"instruction": f"{SECRET} {n}", "output": "no"} for n in range(5)]
    write_jsonl(tmp_path / "rows.jsonl", rows)
    write_jsonl(tmp_path / "held.jsonl", [{"prompt": f"{SECRET.upper()}  {n}", "answer": "x"} for n in range(5)])
    return tmp_path / "rows.jsonl"


def request(file: Path, *operators: AnyOperator, **more: object) -> RunData:
    places = {"result": str(file.parent / "result"), "scratch": str(file.parent / "scratch"), "root": str(file.parent)}
    return RunData(recipe=Recipe(operators=operators), file=str(file), **places, **more)  # type: ignore[arg-type]


def test_a_file_through_a_recipe(file: Path) -> None:
    answer = ask(request(file, DedupExact(), Shuffle()))
    assert isinstance(answer, Ran), answer
    assert [step.operator for step in answer.report.steps] == [
        "load", "convert", "dedup_exact", "shuffle", "decontaminate",
    ]  # fmt: skip
    result = file.parent / "result"
    assert sorted(path.name for path in result.iterdir()) == ["data.jsonl", "report.json", "samples.json"]
    rows = read_jsonl(result / "data.jsonl")
    assert len(rows) == answer.report.rows == 45 and not answer.guarded
    assert answer.report.sha256 == sha256_file(result / "data.jsonl")


def test_held_out_rows_are_dropped_counted_and_never_shown(file: Path) -> None:
    answer = ask(request(file, holdout=(str(file.parent / "held.jsonl"),)))
    assert isinstance(answer, Ran) and (answer.guarded, answer.held_out) == (True, 5)
    assert answer.report.steps[-1].dropped == 5
    said = msgspec.json.encode(answer).decode().casefold()
    written = "".join(path.read_text() for path in (file.parent / "result").iterdir()).casefold()
    assert SECRET not in said and SECRET not in written


def test_a_broken_row_is_set_aside_unless_too_many_are(file: Path) -> None:
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines, "{torn", "[1]"]))
    answer = ask(request(file, limits=Limits(broken=0.05)))
    assert isinstance(answer, Ran)
    assert [row.where for row in answer.broken] == [f"rows.jsonl:{len(lines) + n}" for n in (1, 2)]
    assert len(read_jsonl(file.parent / "result" / "broken.jsonl")) == 2
    refused = ask(request(file, limits=Limits(broken=0.01)))
    assert isinstance(refused, Refused) and refused.kind == "idea" and "2 of 67 rows" in refused.what


@pytest.mark.parametrize(
    ("operators", "limits", "kind", "words"),
    [
        ((FilterLength(min_words=90),), Limits(), "idea", "dropped all"),
        ((Mix(path="../held.jsonl"),), Limits(), "idea", "leads out of"),
        ((), Limits(rows=10), "idea", "more than 10 rows"),
        ((), Limits(memory=1), "resource", "more memory"),
    ],
)
def test_what_cannot_be_done_is_said(
    file: Path, operators: tuple[AnyOperator, ...], limits: Limits, kind: str, words: str
) -> None:
    refused = ask(request(file, *operators, limits=limits))
    assert isinstance(refused, Refused) and refused.kind == kind and words in refused.what, refused


def test_a_file_is_looked_at(file: Path) -> None:
    file.write_text(file.read_text() + '{"instruction": "say 1 things", "output": ""}\nnot json\n')
    answer = ask(ProfileData(file=str(file), scratch=str(file.parent / "scratch")))
    assert isinstance(answer, Profiled), answer
    found = answer.profile
    assert (found.layout, found.columns, found.broken, found.unpaired) == (
        "alpaca", ("instruction", "output"), 1, 1,
    )  # fmt: skip
    assert "65 of 66" in found.why and found.reasons[0].where == "rows.jsonl:67"
    whole = found.profile
    assert (whole.rows, whole.duplicates) == (65, 20)
    assert whole.conflicting == sum(bool(n % 3) != bool((n + 40) % 3) for n in range(20))
    assert sum(count for _, count in whole.languages) == whole.looked_at == 65
    assert found.alike >= whole.duplicates


def test_a_text_file_and_one_without_rows(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("One line.\nAnother line.\n")
    answer = ask(ProfileData(file=str(tmp_path / "notes.txt"), scratch=str(tmp_path / "scratch")))
    assert isinstance(answer, Profiled) and answer.profile.layout == "text" and answer.profile.profile.rows == 2
    (tmp_path / "none.jsonl").write_text("")
    refused = ask(ProfileData(file=str(tmp_path / "none.jsonl"), scratch=str(tmp_path / "scratch")))
    assert isinstance(refused, Refused) and refused.kind == "input"
