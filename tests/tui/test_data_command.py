"""`trex data`, as a person types it: schema, profile, run; and what is refused, interrupted, left alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from engine import taskdata
from engine.aidp import manual
from engine.aidp.job import DataReport, Progress, Step
from engine.aidp.notes import Broken
from engine.aidp.profile import profile
from engine.aidp.recipe import Recipe
from engine.aidp.request import FileProfile, Ran
from engine.aidp.samples import Samples, StepSamples
from engine.files import read_jsonl, write_jsonl
from engine.task import load_task
from engine.workspace import Workspace
from tests.place import TASK, until
from trex_tui.cli import main
from trex_tui.commands import data_text
from trex_tui.commands.data_child import told

from .operator_table import GUIDE, current

RECIPE = """
seed = 3

[[operators]]
op = "dedup_exact"

[[operators]]
op = "filter_length"
min_words = 3
"""
Trex = Callable[..., int]


@pytest.fixture
def trex(tmp_path: Path) -> Trex:
    return lambda *words: main(["--workspace", str(tmp_path / "home"), "data", *map(str, words)])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "recipe.toml").write_text(RECIPE)
    rows = [{"prompt": f"say {n % 20} things", "answer": "yes" if n % 2 else "no"} for n in range(30)]
    write_jsonl(tmp_path / "rows.jsonl", [*rows, {"prompt": "short one", "answer": "no"}])
    return tmp_path / "rows.jsonl"


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != "home")


# --- schema ----------------------------------------------------------------------------------------------------


def fits(value: Any, schema: dict[str, Any], whole: dict[str, Any]) -> bool:
    """JSON schema, as far as recipes use it; a keyword that is not known here fails the test."""
    if "$ref" in schema:
        return fits(value, whole["$defs"][schema["$ref"].rpartition("/")[2]], whole)
    kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
    for word, said in schema.items():
        match word:
            case "type" if said in ("integer", "number"):
                good = isinstance(value, int if said == "integer" else int | float) and not isinstance(value, bool)
            case "type":
                good = isinstance(value, kinds[said])
            case "enum":
                good = any(value == each and type(value) is type(each) for each in said)
            case "anyOf":
                good = any(fits(value, each, whole) for each in said)
            case "minimum" | "maximum" | "exclusiveMinimum":
                good = {"minimum": value >= said, "maximum": value <= said, "exclusiveMinimum": value > said}[word]
            case "maxItems" | "maxLength" | "maxProperties":
                good = len(value) <= said
            case "minItems" | "minLength" | "minProperties":
                good = len(value) >= said
            case "items":
                good = all(fits(each, said, whole) for each in value)
            case "properties":
                good = all(fits(value[name], each, whole) for name, each in said.items() if name in value)
            case "required":
                good = all(name in value for name in said)
            case "additionalProperties" if said is False:
                good = set(value) <= set(schema["properties"])
            case "additionalProperties":
                good = said is True or all(fits(each, said, whole) for each in value.values())
            case "title" | "description" | "default" | "discriminator" | "$defs" | "$schema" | "propertyNames":
                good = True
            case _:
                raise AssertionError(f"a new word in the schema: {word}")
        if not good:
            return False
    return True


def test_the_schema_takes_what_recipes_take_and_nothing_else(trex: Trex, capsys: pytest.CaptureFixture[str]) -> None:
    assert trex("schema", "--json") == 0
    schema = json.loads(capsys.readouterr().out)
    names = [manual.operator_name(kind) for kind in manual.kinds()]
    values = st.one_of(st.booleans(), st.integers(-5, 50), st.floats(-1, 2), st.sampled_from(["down", "x", "n"]))
    fields = [parameter.name for about in manual.manuals() for parameter in about.parameters]
    operator = st.builds(
        lambda op, more: {"op": op, **more},
        st.sampled_from([*names, "no_such"]),
        st.dictionaries(st.sampled_from([*fields, "strange"]), values, max_size=2),
    )
    recipes = st.fixed_dictionaries(
        {"operators": st.lists(operator, max_size=3)}, optional={"seed": st.integers(-2, 2**33), "more": st.none()}
    )
    seen: set[bool] = set()

    @given(recipes)
    def agree(recipe: dict[str, Any]) -> None:
        try:
            msgspec.convert(recipe, Recipe, strict=True)
            good = True
        except msgspec.ValidationError as error:
            good = "Invalid" not in str(error) and "xpected" not in str(error) and "unknown field" not in str(error)
            good = good and "missing" not in str(error)  # what only a type itself knows: bounds that cross, say
        seen.add(good)
        assert fits(recipe, schema, schema) == good, recipe

    agree()
    assert seen == {True, False}


def test_every_operator_is_explained(trex: Trex, capsys: pytest.CaptureFixture[str]) -> None:
    assert trex("schema") == 0
    text = capsys.readouterr().out
    for about in manual.manuals():
        assert f"\n{about.name}\n" in text
        assert about.text.endswith(".") and all(parameter.name in text for parameter in about.parameters)
    assert trex("schema", "shuffle") == 0
    assert capsys.readouterr().out.startswith("SAMPLING\n\nshuffle\n")
    assert trex("schema", "shufle") == 2
    assert "did you mean `shuffle`?" in capsys.readouterr().err


def test_the_guides_table_is_current() -> None:
    assert "| `shuffle` |" in GUIDE.read_text(encoding="utf-8")
    assert current() == GUIDE.read_text(encoding="utf-8"), "run: python -m tests.tui.operator_table"


# --- profile ---------------------------------------------------------------------------------------------------


def test_a_file_is_profiled(trex: Trex, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert trex("profile", file) == 0
    said = capsys.readouterr()
    for words in ("31 rows", "prompt_answer", "same prompt again  10 (32.3%)", "Answers, 2 different", "yes", "█"):
        assert words in said.out, said.out
    assert max(map(len, said.out.splitlines())) <= 100 and "\x1b" not in said.out
    assert trex("profile", file, "--json") == 0
    assert json.loads(capsys.readouterr().out)["profile"]["rows"] == 31
    assert left(file.parent) == ["recipe.toml", "rows.jsonl"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("profile", "gone.jsonl"), "no such data file"),
        (("profile", "rows.jsonl", "--layout", "alpacca"), "no layout `alpacca`"),
        (("profile", "rows.jsonl", "--layout", "alpaca"), "needs the columns instruction, output"),
        (("profile", "rows.jsonl", "--base-model", "none_such"), "none_such is not installed"),
        (("run", "gone.toml", "rows.jsonl"), "no such file"),
        (("run", "recipe.toml"), "the recipe loads nothing"),
        (("run", "recipe.toml", "rows.jsonl", "--task", "letters"), "a file and --task are given"),
        (("run", "recipe.toml", "rows.jsonl", "--out", "o", "--preview"), "--preview writes nothing"),
        (("run", "recipe.toml", "rows.jsonl", "--holdout", "gone.csv"), "gone.csv: no such data file"),
        (("run", "recipe.toml", "rows.jsonl", "--limit-time", "soon"), "`soon` is not a duration"),
        (("run", "recipe.toml", "rows.jsonl", "--out", "full"), "holds other things than an earlier result"),
        (("run", "bad.toml", "rows.jsonl"), "bad.toml:7: field `operators[1].op`: invalid value 'filter_lenght'"),
    ],
)
def test_bad_input_is_one_sentence_and_changes_nothing(
    trex: Trex, file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...], said: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(file.parent)
    (file.parent / "bad.toml").write_text(RECIPE.replace("filter_length", "filter_lenght").lstrip())
    (file.parent / "full").mkdir()
    (file.parent / "full" / "mine.txt").write_text("mine")
    before = left(file.parent)
    assert trex(*words) == (1 if "installed" in said else 2)
    found = capsys.readouterr()
    assert said in found.err and found.err.count("\n") == 1 and not found.out
    assert left(file.parent) == before and left(file.parent / "full") == ["mine.txt"]


# --- run -------------------------------------------------------------------------------------------------------


def test_a_recipe_is_run_and_its_result_is_whole(trex: Trex, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = file.parent / "out"
    assert trex("run", file.parent / "recipe.toml", file, "--out", out) == 0
    said = capsys.readouterr().out
    assert "4 filter_length dropped: 2 words, fewer than 3" in said and "nothing is held out" in said
    assert left(out) == ["data.jsonl", "report.json", "samples.json"] and len(read_jsonl(out / "data.jsonl")) == 20
    first = (out / "data.jsonl").read_bytes()
    assert trex("run", file.parent / "recipe.toml", file, "--out", out, "--json", "--no-cache") == 0
    answer = json.loads(capsys.readouterr().out)
    assert [step["rows_out"] for step in answer["report"]["steps"]] == [31, 31, 21, 20, 20]
    assert (out / "data.jsonl").read_bytes() == first, "an earlier result is replaced"
    assert left(file.parent) == ["out", "recipe.toml", "rows.jsonl"]


def test_a_preview_shows_rows_and_writes_nothing(trex: Trex, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert trex("run", file.parent / "recipe.toml", file, "--preview", "1") == 0
    said = capsys.readouterr().out
    assert "- dropped rows.jsonl:21: the same prompt as rows.jsonl:1" in said and "short one\n      => no" in said
    assert said.count("- dropped") == 2
    assert left(file.parent) == ["recipe.toml", "rows.jsonl"]


def test_others_files_stay_and_ours_come_among_them_when_asked(trex: Trex, file: Path) -> None:
    out = file.parent / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    assert trex("run", file.parent / "recipe.toml", file, "--out", out) == 2
    assert trex("run", file.parent / "recipe.toml", file, "--out", out, "--force") == 0
    assert left(out) == ["data.jsonl", "mine.txt", "report.json", "samples.json"]


def test_what_operators_export_lies_with_the_result_and_is_data_again(
    trex: Trex, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (file.parent / "export.toml").write_text(
        RECIPE + '[[operators]]\nop = "export"\nformat = "datasets"\npath = "hf"\n'
    )
    assert trex("run", file.parent / "export.toml", file) == 1
    assert "`export` needs a folder to write to" in capsys.readouterr().err
    assert trex("run", file.parent / "export.toml", file, "--out", file.parent / "out") == 0
    assert left(file.parent / "out") == ["data.jsonl", "hf", "report.json", "samples.json"]
    capsys.readouterr()
    assert trex("profile", file.parent / "out" / "hf", "--json") == 0
    assert json.loads(capsys.readouterr().out)["profile"]["rows"] == 20
    (file.parent / "empty").mkdir()
    assert trex("profile", file.parent / "empty") == 2
    assert "this is a folder without data files" in capsys.readouterr().err


def test_a_failed_recipe_leaves_an_earlier_result_alone(
    trex: Trex, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = file.parent / "out"
    assert trex("run", file.parent / "recipe.toml", file, "--out", out) == 0
    before = (out / "report.json").read_bytes()
    (file.parent / "none.toml").write_text('[[operators]]\nop = "filter_length"\nmin_words = 90\n')
    capsys.readouterr()
    assert trex("run", file.parent / "none.toml", file, "--out", out) == 1
    assert "leaves no rows" in capsys.readouterr().err
    assert (out / "report.json").read_bytes() == before
    assert left(file.parent) == ["none.toml", "out", "recipe.toml", "rows.jsonl"]


def test_a_tasks_train_split_is_guarded_by_its_own_splits(
    trex: Trex, tmp_path: Path, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = tmp_path / "letters"
    task.mkdir()
    (task / "task.toml").write_text(TASK)
    rows = [f"word number {n} of many,{'yes' if n % 2 else 'no'}" for n in range(160)]
    (task / "words.csv").write_text("\n".join(["word,answer", *rows]))
    (task / "extra").mkdir()
    space = Workspace(tmp_path / "home").create()
    splits = taskdata.materialise(load_task(task), task, space, offline=True)
    held = read_jsonl(splits / "validation.jsonl")[:7]
    lines = [f"{row['word']},{row['answer'].strip()}" for row in held]
    (task / "extra" / "more.csv").write_text("\n".join(["word,answer", *lines]))
    (tmp_path / "mix.json").write_text('{"operators": [{"op": "mix", "path": "more.csv", "share": 0.1}]}')
    assert trex("run", tmp_path / "mix.json", "--task", task, "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    steps = answer["report"]["steps"]
    assert answer["guarded"] and [step["operator"] for step in steps] == ["mix", "decontaminate"]
    assert steps[1]["dropped"] >= steps[0]["added"] > 0
    told = json.dumps(answer["samples"]["steps"][1])
    assert not any(row["word"] in told for row in held), "what is held out is never shown"


def test_an_interrupt_ends_the_process_and_leaves_nothing_half_done(tmp_path: Path) -> None:
    rows = [{"prompt": f"a sentence of some length, number {n}, to be looked at", "answer": "x"} for n in range(60_000)]
    write_jsonl(tmp_path / "rows.jsonl", rows)
    (tmp_path / "slow.toml").write_text('[[operators]]\nop = "filter_language"\nkeep = ["en"]\n' * 9)
    command = [sys.executable, "-P", "-m", "trex_tui.cli", "--workspace", str(tmp_path / "home"), "data", "run"]
    words = [*command, str(tmp_path / "slow.toml"), str(tmp_path / "rows.jsonl"), "--out", str(tmp_path / "out")]
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # who tests in the background has it ignored
    trex = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=os.environ, preexec_fn=heard)
    until(lambda: list((tmp_path / "home" / "cache").glob("data-work/*/scratch/*")) or trex.poll() is not None)
    assert (tmp_path / ".out.trex-part").is_dir()
    trex.send_signal(signal.SIGINT)
    _, said = trex.communicate(timeout=60)
    assert trex.returncode == 3 and "interrupted" in said
    assert left(tmp_path) == ["rows.jsonl", "slow.toml"]
    assert list((tmp_path / "home" / "cache" / "data-work").iterdir()) == []


TEXT = st.text(alphabet="ab 好\n\x1b…", max_size=400)


@given(st.lists(st.fixed_dictionaries({"prompt": TEXT, "answer": TEXT}), max_size=30), st.integers(10, 200))
def test_a_profile_fits_its_lines_and_counts_every_row(rows: list[dict[str, str]], width: int) -> None:
    whole = profile(rows)
    found = FileProfile(
        file="rows.jsonl", bytes=1, layout="x", why="y " * 80, columns=("a", "b"), profile=whole, broken=1,
        reasons=(Broken("rows.jsonl:1", "because", "\x1b[2J" * 50),),
    )  # fmt: skip
    said = data_text.profile(found, width)
    assert all(cell_len(line) <= max(width, data_text.NARROW) for line in said.splitlines())
    assert "\x1b" not in said
    if whole.words.histogram:
        bars = [line.split() for line in data_text._histogram(whole.words, 400)]
        counts = [int(words[-2 if words[-1].endswith("%") else -3].replace(",", "")) for words in bars]
        assert sum(counts) == len(rows)


@given(
    st.lists(
        st.builds(
            Step,
            operator=st.sampled_from(["load", "filter_label_noise"]),
            rows_in=st.integers(0, 10**7),
            rows_out=st.integers(0, 10**7),
            dropped=st.integers(0, 10**7),
            cached=st.booleans(),
        ),
        min_size=1,
    ),
    st.integers(40, 200),
)
def test_a_report_fits_its_lines(steps: list[Step], width: int) -> None:
    report = DataReport(rows=3, sha256="", steps=tuple(steps), seconds=1.0, answers={"yes\n" * 99: 3})
    told = tuple(StepSamples(operator=step.operator, dropped=step.dropped, added=0) for step in steps)
    said = data_text.ran(Ran(report=report, samples=Samples(steps=told)), width, 0, "somewhere")
    assert all(cell_len(line) <= width for line in said.splitlines())
    assert all(f"{step.rows_out:,}" in said for step in steps)


def test_how_far_it_is() -> None:
    at = Progress(operator="load", place=0, of=3)
    assert told(at) == "1 of 3: load"
    assert told(msgspec.structs.replace(at, done=5000)) == "1 of 3: load, 5,000 rows"
    assert told(msgspec.structs.replace(at, place=2, done=1, total=4)) == "3 of 3: load, 25%"


def test_a_report_is_the_one_that_the_engine_reads(trex: Trex, file: Path) -> None:
    assert trex("run", file.parent / "recipe.toml", file, "--out", file.parent / "out") == 0
    report = msgspec.json.decode((file.parent / "out" / "report.json").read_bytes(), type=DataReport)
    assert report.rows == 20 and report.steps[-1].operator == "decontaminate"
