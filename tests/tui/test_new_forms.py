"""Forms that begin or end something: a new search with its estimate, a task from a file, an export, a suggestion."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.control import protocol as p
from engine.errors import BadInput
from engine.search import events as ev
from engine.search.tree import Tree
from engine.task import Task, load_task
from engine.workspace import Workspace, shipped
from tests.place import TASK
from trex_tui.forms.export import ExportSheet
from trex_tui.forms.fork import ForkSheet, Known
from trex_tui.forms.new_run import NewRunSheet, known_tasks, short
from trex_tui.forms.new_task import NewTaskSheet
from trex_tui.model import outlook

from . import script
from .fake_engine import FakeEngine
from .person import MIDDLE, SMALL, looking, misplaced
from .test_forms import values
from .test_steering import go_to

TINY = (40, 12)


@pytest.fixture
def quickstart() -> Task:
    return load_task(shipped("tasks") / "movie_sentiment")


@pytest.fixture
def words(tmp_path: Path) -> Path:
    """A CSV file as somebody has it."""
    path = tmp_path / "words.csv"
    rows = [f"{chr(97 + n % 26)}{n},{'yes' if n % 3 else 'no'}" for n in range(200)]
    path.write_text("\n".join(["word,answer", *rows]))
    return path


def test_an_estimate_comes_from_the_latest_run_of_the_same_task(quickstart: Task) -> None:
    out = script.search()
    said = outlook.outlook(quickstart, {"r0": Tree(), "r1": out.tree}, 3, 36_000.0)
    trial, per_round, once = outlook.costs(quickstart, out.tree)
    assert 60 < trial < 100  # its trials took 65 s with 256 rows
    assert said.startswith(f"3 rounds of at most {quickstart.budget.trials_per_round} trials at 1 min")
    assert said.endswith("by r1; at most 10 h")
    assert once + 3 * per_round == pytest.approx(598, abs=30)


def test_an_estimate_says_what_the_time_leaves_room_for(quickstart: Task) -> None:
    said = outlook.outlook(quickstart, {"r1": script.search().tree}, 50, 3600.0)
    assert "at most 1 h leave room for about" in said
    assert outlook.outlook(quickstart, {"r1": script.search().tree}, 50, 60.0).endswith("leave room for no round")


def test_without_an_earlier_run_nothing_is_estimated(quickstart: Task) -> None:
    out = script.Script()
    out.say(script.created())
    said = outlook.outlook(quickstart, {"r1": out.tree}, 3, 0.0)
    assert said.endswith("no limit of time; no earlier run of movie_sentiment to estimate from")


def test_the_arrows_go_through_earlier_tasks_and_shipped_ones() -> None:
    out = script.Script()
    out.say(script.created(task_path="/data/mine/task.toml"))
    known = known_tasks({"r1": out.tree}, "here")
    assert known[:2] == ("here", "/data/mine") and "movie_sentiment" in known
    assert short(str(shipped("tasks") / "movie_sentiment" / "task.toml")) == "movie_sentiment"


def test_a_task_is_looked_at_while_somebody_writes(tmp_path: Path) -> None:
    sheet = NewRunSheet(None, {}, Workspace(tmp_path))
    given = values(sheet, task="/nowhere")
    assert sheet.remarks(given).below == "looking at the task"
    sheet.study(given)
    assert sheet.remarks(given).below == "! /nowhere: there is no such task; give the folder with its task.toml"
    (tmp_path / "task.toml").write_text(f"surprise = 1\n{TASK}")
    given = values(sheet, task=str(tmp_path))
    sheet.study(given)
    assert "surprise" in sheet.remarks(given).below
    given = values(sheet)
    sheet.study(given)
    assert "no model" in sheet.remarks(given).below or "not" in sheet.remarks(given).below


def test_a_new_task_shows_its_rows_before_it_is_made(tmp_path: Path, words: Path) -> None:
    sheet = NewTaskSheet()
    given = values(sheet, data=str(words))
    assert sheet.remarks(given).below == "looking at the file"
    sheet.study(given)
    head, *rows = sheet.remarks(given).below.splitlines()
    assert "200 rows" in head and "labels yes, no" in head and len(rows) == 3
    assert rows[0] == "a0 ⏎ Answer:» no«"
    assert sheet.remarks(given).notes["folder"] == str(tmp_path / "words_task")
    reply = sheet.command(given)()
    assert reply.ok and sheet.made == (tmp_path / "words_task").resolve()
    assert load_task(sheet.made).evaluation.labels == ("yes", "no")


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ({"data": "/nowhere.csv"}, "no such data file"),
        ({"answer": "colour"}, "no column `colour`"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, words: Path, edit: dict[str, str], said: str) -> None:
    sheet = NewTaskSheet()
    given = values(sheet, **{"data": str(words), **edit})
    sheet.study(given)
    assert sheet.remarks(given).below.startswith("! ") and said in sheet.remarks(given).below
    with pytest.raises(BadInput, match=said):
        sheet.command(given)()


@given(st.text(max_size=20) | st.sampled_from(["~nobody/x", "/", "\0", "/dev/null", "/dev", "~", "a" * 5000]))
def test_whatever_is_typed_is_looked_at_without_a_crash(text: str) -> None:
    for sheet, name in ((NewRunSheet(None, {}, Workspace(Path("/nowhere"))), "task"), (NewTaskSheet(), "data")):
        typed = values(sheet) | {name: text}
        sheet.study(typed)
        assert "\n" not in sheet.remarks(typed).below
        if isinstance(sheet, NewRunSheet):
            with pytest.raises(BadInput):
                sheet.command(typed)


def export(tree: Tree, trial: str = "n4t1") -> tuple[ExportSheet, list[tuple[str, Path]]]:
    asked: list[tuple[str, Path]] = []

    def write(name: str, folder: Path) -> Path:
        asked.append((name, folder))
        return folder

    return ExportSheet("r1", lambda: tree, trial, write), asked


def test_an_export_offers_the_trial_on_show_and_the_champion(tmp_path: Path) -> None:
    out = script.search()
    script.ending(out)
    sheet, asked = export(out.tree)
    assert sheet.rows[0].choices == ("n4t1", "n5t0")
    assert sheet.remarks(values(sheet, trial="n5t0")).notes["trial"].endswith("the champion")
    reply = sheet.command(values(sheet, to=str(tmp_path / "out")))()
    assert reply.text == f"the adapter of n4t1 lies in {tmp_path / 'out'}" and asked == [("n4t1", tmp_path / "out")]


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ({"trial": "n4t0"}, "no trial `n4t0` with a score"),
        ({"trial": "n0t0"}, "no trial `n0t0` with a score"),
        ({"trial": "x"}, "no trial `x`"),
        ({"format": "gguf"}, "no format `gguf`; there is: adapter"),
        ({"to": " "}, "the folder is missing"),
    ],
)
def test_wrong_exports_get_one_sentence(edit: dict[str, str], said: str) -> None:
    sheet, _ = export(script.search().tree)
    with pytest.raises(BadInput, match=said):
        sheet.command(values(sheet, **edit))


def fork(tree: Tree) -> ForkSheet:
    return ForkSheet(
        "r1", lambda: tree, "n4", "n4t1", "ana", lambda: script.START + 300, lambda: Known(None, 3 * 10**9)
    )


def test_the_search_may_decide_about_a_fork() -> None:
    sheet = fork(script.search().tree)
    edits = values(sheet, training__learning_rate="1e-4", training__schedule="cosine", when="suggest")
    assert sheet.command(edits) == p.GiveHint(
        id=0, run="r1", node="n4", text='Try n4t1 again with learning_rate = 1e-4, schedule = "cosine"', by="ana"
    )


def test_a_suggestion_needs_somebody_to_read_it() -> None:
    tree = script.search().tree
    assert tree.created
    tree.created = ev.RunCreated(
        **{name: getattr(tree.created, name) for name in tree.created.__struct_fields__} | {"researcher": "none"}
    )
    sheet = fork(tree)
    with pytest.raises(BadInput, match="no Researcher who could decide; choose now or later"):
        sheet.command(values(sheet, training__epochs="3", when="suggest"))


def test_memory_is_what_the_source_trial_held_and_called_so() -> None:
    sheet = fork(script.search().tree)
    sheet.prepare()
    assert sheet.remarks(values(sheet, training__epochs="1")).below.endswith("n4t1 held 3.0 GB of memory at its peak")
    more = sheet.remarks(values(sheet, training__epochs="1", training__batch_size="16", training__lora_rank="8")).below
    assert more.endswith("at its peak; with more batch_size it needs more")


FITS = [(TINY, key) for key in ("n", "ctrl+n", "E", "F", "H", "B")] + [(SMALL, key) for key in ("n", "ctrl+n", "E")]


@pytest.mark.parametrize(("size", "key"), FITS)
async def test_every_form_fits(workspace: Workspace, running: script.Script, size: tuple[int, int], key: str) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace, size) as one:
        await go_to(one, "n4")
        await one.press(key)
        await one.until(lambda: one.app.screen.is_modal, "the form")
        await one.pilot.pause()
        assert misplaced(one.app) == []


async def test_chooses_a_task_with_the_arrows_and_exports_a_policy(
    workspace: Workspace, running: script.Script
) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace, MIDDLE) as one:
        await one.press("n")
        await one.sees("a new search", "! ")
        await one.press("up", "up", "up", "right")
        await one.sees("movie_sentiment", "2 of ")
        await one.press("down", "left")
        await one.sees("policy", "4 of 4")


async def test_makes_a_task_and_is_offered_its_search(
    workspace: Workspace, running: script.Script, words: Path
) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace, MIDDLE) as one:
        await one.press("ctrl+n")
        await one.sees("a new task from your own data")
        await one.press(*str(words))
        await one.sees("200 rows", "labels yes, no")
        await one.press("enter")
        await one.sees("a new search", "words_task")
        assert (words.parent / "words_task" / "task.toml").is_file()
