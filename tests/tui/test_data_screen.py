"""The data, named after what a person looks for in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.aidp.guards import build, save
from engine.aidp.job import SAMPLES, DataReport, Step
from engine.aidp.notes import WITHHELD
from engine.aidp.recipe import Load, Recipe, Shuffle
from engine.aidp.samples import Row, Sample, Samples, StepSamples
from engine.files import sha256_file, write_json, write_jsonl
from engine.taskdata.store import GUARDS, MANIFEST, Manifest, SplitInfo
from engine.workspace import Workspace
from trex_tui.pages import recipe

from . import script
from .fake_engine import FakeEngine
from .person import LARGE, SMALL, Person, looking, misplaced

PHONE = (40, 20)
SIZES = pytest.mark.parametrize("size", [PHONE, SMALL, LARGE], ids=["40x20", "80x24", "200x60"])
LABELS = ("positive", "negative")


@pytest.fixture
def splits(workspace: Workspace, running: script.Script) -> Path:
    """The splits of the script's task. Confirm and test cannot be opened by anybody."""
    folder, infos = workspace.home / "tasks" / "movie_sentiment", {}
    for split, count in (("train", 60), ("validation", 30)):
        rows = [
            {"id": f"{split}-{n}", "prompt": script.prompt(n) + f" {n % 50}", "answer": f" {LABELS[n % 2]}"}
            for n in range(count)
        ]
        write_jsonl(folder / f"{split}.jsonl", rows)
        infos[split] = SplitInfo(rows=count, sha256=sha256_file(folder / f"{split}.jsonl"), answers=halves(count))
    for split in ("confirm", "test"):
        (folder / f"{split}.jsonl").mkdir(parents=True)
        infos[split] = SplitInfo(rows=40, sha256=split[0] * 64, answers=halves(40))
    save(build(()), folder / GUARDS)
    manifest = Manifest(
        task="movie_sentiment",
        task_fingerprint="f",
        splits=infos,
        guards_sha256="",
        sources={},
        notes=("533 rows left out: no label rule takes them",),
    )
    write_json(folder / MANIFEST, manifest)
    return folder


def halves(count: int) -> dict[str, int]:
    return dict.fromkeys(LABELS, count // 2)


def prepare(workspace: Workspace, *, samples: bool = True) -> None:
    """What the data process of n3 has left."""
    folder = workspace.node(script.RUN, "n3")
    steps = (
        Step(operator="dedup_exact", rows_in=2000, rows_out=1979, dropped=21),
        Step(operator="filter_length", rows_in=1979, rows_out=1874, dropped=105, seconds=0.42, memory=12_400_000),
        Step(operator="shuffle", rows_in=1874, rows_out=1874, cached=True, note="as it was noted", broken=2),
        Step(operator="decontaminate", rows_in=1874, rows_out=1871, dropped=3),
    )
    report = DataReport(
        rows=1871, sha256="a" * 64, steps=steps, seconds=2.1, answers={" positive": 900, " negative": 971}
    )
    write_json(folder / "report.json", report)
    lost = Sample(kind="dropped", id="t7", before=Row("Review: twice", " positive"), why="the same prompt as t2")
    short = Sample(
        kind="dropped", id="t9", before=Row("Review: [red]so\x1b[2J so[/red]", " negative"), why="3 words, fewer than 4"
    )
    hidden = Sample(kind="dropped", id="t4", why=WITHHELD)
    told = (
        StepSamples(operator="dedup_exact", dropped=21, added=0, samples=(lost,)),
        StepSamples(operator="filter_length", dropped=105, added=0, samples=(short,)),
        StepSamples(operator="shuffle", dropped=0, added=0),
        StepSamples(operator="decontaminate", dropped=3, added=0, samples=(hidden,)),
    )
    if samples:
        write_json(folder / SAMPLES, Samples(steps=told))


async def choose(one: Person, node: str) -> None:
    await one.press("g")
    while one.selected != node:
        await one.press("j")


@SIZES
async def test_sees_the_splits_and_what_is_in_them(
    workspace: Workspace, running: script.Script, splits: Path, size: tuple[int, int]
) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace, size) as one:
        await one.press("d")
        await one.sees("data of movie_sentiment", "train", "60", "validation", "confirm", "tttttttt")
        assert misplaced(one.app) == []
        text = one.screen
        while "The first rows of train" not in text:
            before = text
            await one.press("pagedown")
            text = one.screen
            assert text != before, text
        await one.press("G")
        await one.sees("train-4", "=> positive")
        assert misplaced(one.app) == []
        await one.press("escape")
        assert one.app.screen is one.search


async def test_reads_labels_lengths_faults_and_overlaps(
    workspace: Workspace, running: script.Script, splits: Path
) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace, LARGE) as one:
        await one.press("d")
        await one.sees("30 50%", "15 50%", "20 50%", "in answer", "same prompt again")
        await one.sees("Languages of train  60 prompts drawn")
        await one.sees("sealed until the report", "counts only", "533 rows left out", "n1 3, n2 3, n3 3")
        assert "confirm-" not in one.screen and "test-" not in one.screen


async def test_sees_the_rows_before_and_after_each_operator(
    workspace: Workspace, running: script.Script, splits: Path
) -> None:
    prepare(workspace)
    async with FakeEngine(workspace, running.records), looking(workspace, LARGE) as one:
        await choose(one, "n3")
        await one.press("d")
        await one.sees(
            "Recipe of n3  seed 7, 1,874 rows of 60", "2. filter_length  1,979 -> 1,874  -105  0.42 s, 12.4 MB"
        )
        await one.sees("as it was noted", "2 rows could not be read", "taken from an earlier recipe")
        await one.sees("dropped t7: the same prompt as t2", "Review: twice => positive", "and 20 more")
        await one.sees("a new order; no row changed", WITHHELD, "[red]so [2J so[/red]")
        assert "\x1b" not in one.screen
        assert misplaced(one.app) == []


async def test_goes_between_the_two_pages_on_a_small_terminal(
    workspace: Workspace, running: script.Script, splits: Path
) -> None:
    prepare(workspace)
    async with FakeEngine(workspace, running.records), looking(workspace, PHONE) as one:
        await choose(one, "n3")
        await one.press("d")
        await one.sees("Splits")
        await one.press("tab")
        await one.sees("Recipe of n3")
        assert "Splits" not in one.screen and misplaced(one.app) == []
        await one.press("tab")
        await one.sees("Splits")


async def test_is_told_that_examples_were_not_kept_then(
    workspace: Workspace, running: script.Script, splits: Path
) -> None:
    prepare(workspace, samples=False)
    async with FakeEngine(workspace, running.records), looking(workspace, LARGE) as one:
        await choose(one, "n3")
        await one.press("d")
        await one.sees("made before examples were kept", "1. dedup_exact  2,000 -> 1,979  -21")


async def test_files_that_cannot_be_read_are_said_and_nothing_else_is_lost(
    workspace: Workspace, running: script.Script, splits: Path
) -> None:
    prepare(workspace)
    folder = workspace.node(script.RUN, "n3")
    (folder / SAMPLES).write_text('{"steps": [{"operator": 1}]}')
    async with FakeEngine(workspace, running.records), looking(workspace, LARGE) as one:
        await choose(one, "n3")
        await one.press("d")
        await one.sees("`steps[0].operator`", "1. dedup_exact  2,000 -> 1,979  -21")
        (folder / "report.json").write_text("{")
        await one.press("l", "h")
        await one.sees("not valid JSON", "1. dedup_exact", "dedup_exact 21, filter_length 105")
        assert "is gone" not in one.screen


async def test_is_told_of_a_folder_that_is_gone_and_of_the_base_model(
    workspace: Workspace, running: script.Script, splits: Path
) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace, LARGE) as one:
        await choose(one, "n3")
        await one.press("d")
        await one.sees("1. dedup_exact", "The folder with these rows is gone", "dedup_exact 21, filter_length 105")
        await one.press("l")
        await one.sees("the rows of n4", "its n4")
        await one.press("h", "h", "h", "h", "h")
        await one.sees("The base model is judged as it is", "n0 is the first node")


async def test_is_told_that_the_splits_cannot_be_read(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace, SMALL) as one:
        await one.press("d")
        await one.sees("the task's splits cannot be read", "makes its splits anew")


async def test_a_damaged_row_is_one_sentence_and_a_profile_is_made_once(
    workspace: Workspace, running: script.Script, splits: Path
) -> None:
    whole = (splits / "train.jsonl").read_text()
    async with FakeEngine(workspace, running.records), looking(workspace, SMALL) as one:
        (splits / "train.jsonl").write_text('{"prompt": 5}\n')
        await one.press("d")
        await one.sees("line 1 is no row")
        (splits / "train.jsonl").write_text(whole)
        await one.press("escape", "d")
        await one.sees("Labels")
        (splits / "train.jsonl").unlink()
        await one.press("escape", "d")
        await one.sees("Labels")
        (kept,) = (workspace.cache / "profiles").iterdir()
        kept.write_text("torn")
        await one.press("escape", "d")
        await one.sees("train.jsonl: cannot be read")


def test_what_an_operator_says_of_its_work_is_on_the_recipe_page_too() -> None:
    loaded = Step(operator="load", rows_in=0, rows_out=3, added=3, broken=1, memory=2_000_000)
    mixed = Step(operator="shuffle", rows_in=3, rows_out=3, cached=True, note="as it was noted")
    kept = Step(operator="decontaminate", rows_in=3, rows_out=3)
    report = DataReport(rows=3, sha256="", steps=(loaded, mixed, kept), seconds=1.0)
    found = recipe.rows(Recipe(operators=(Load(path="x.csv"), Shuffle())), None, report)  # type: ignore[arg-type]
    assert [row.facts for row in found] == [
        ("1 row could not be read",),
        ("as it was noted", "taken from an earlier recipe that began like this one"),
        (),
    ]
    assert found[0].memory == 2_000_000 and found[2].detail == "always done, listed or not"
