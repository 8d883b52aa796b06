"""A person looks over all searches of the workspace, and steers the one under the cursor."""

from __future__ import annotations

import time

import msgspec
import pytest

from engine.control import protocol as p
from engine.search import events as ev
from engine.workspace import Workspace
from trex_tui.model import run_table
from trex_tui.model.store import RunView, Store

from . import script
from .fake_engine import FakeEngine
from .person import LARGE, SMALL, Person, looking, misplaced, person

NARROW = (40, 20)
SIZES = pytest.mark.parametrize("size", [NARROW, SMALL, LARGE], ids=["40x20", "80x24", "200x60"])


@pytest.fixture
def three(workspace: Workspace, running: script.Script) -> list[ev.Record]:
    """An ended search, the one at work, one in the queue."""
    old = script.search(task_path=str(workspace.home), start=time.time() - 9000)
    script.ending(old)
    waits = script.created(task_path=str(workspace.home))
    ended = [msgspec.structs.replace(r, run="r0", seq=r.seq) for r in old.records]
    now = [msgspec.structs.replace(r, seq=r.seq + len(ended)) for r in running.records]
    queued = ev.Record(seq=now[-1].seq + 1, time=time.time(), run="r2", event=waits)
    return [*ended, *now, queued]


async def at_the_runs(one: Person, engine: FakeEngine) -> None:
    engine.pulse = p.Pulse(
        time=time.time(), run="r1", activity="training n6t0", eta=time.time() + 600, queued=("r2",), device="cpu"
    )
    await one.until(lambda: one.app.live.pulse and one.app.live.pulse.queued)
    await one.press("r")
    await one.sees("3 searches")


@SIZES
async def test_sees_all_runs_the_newest_first(
    workspace: Workspace, three: list[ev.Record], size: tuple[int, int]
) -> None:
    async with FakeEngine(workspace, three) as engine, looking(workspace, size) as one:
        await at_the_runs(one, engine)
        await one.sees("r1", "0.877", "+0.317", "training n6t0")
        rows = [row for row in one.screen.splitlines() if row.lstrip("› ")[:1] in ("○", "►", "●")]
        assert [next(name for name in ("r2", "r1", "r0") if f" {name} " in f"{row} ") for row in rows] == [
            "r2",
            "r1",
            "r0",
        ]
        assert misplaced(one.app) == []
        await one.press("slash", *"queued")
        await one.sees("1 of 3 searches")
        assert misplaced(one.app) == []


async def test_reads_about_a_run_what_it_does_costs_and_why_it_ended(
    workspace: Workspace, three: list[ev.Record]
) -> None:
    async with FakeEngine(workspace, three) as engine, looking(workspace, LARGE) as one:
        await at_the_runs(one, engine)
        await one.sees("about ", "6/6", "uct", "base 0.560", "at work: r1", "1 waiting")
        await one.press("k")
        await one.sees("no. 1 in the queue", "number 1 in the queue, behind r1", "s take out")
        await one.press("G")
        await one.sees("done: all 6 rounds are done", "champion n5t0 0.870", "confirm 0.873", "report")


async def test_looks_at_a_run(workspace: Workspace, three: list[ev.Record]) -> None:
    async with FakeEngine(workspace, three) as engine, looking(workspace) as one:
        await at_the_runs(one, engine)
        await one.press("G", "enter")
        await one.until(lambda: one.search.run == "r0")
        await one.sees("champion n5t0", "base model")


async def test_steers_the_run_under_the_cursor(workspace: Workspace, three: list[ev.Record]) -> None:
    async with FakeEngine(workspace, three) as engine, looking(workspace) as one:
        await at_the_runs(one, engine)
        await one.press("g", "p")
        await one.until(lambda: engine.commands)
        assert isinstance(engine.commands[0], p.SetFlag) and engine.commands[0].run == "r2"
        await one.sees("‖ paused", "p go on")
        await one.press("s")
        await one.sees("Stop the search r2?")
        await one.press("y")
        await one.until(lambda: isinstance(engine.commands[-1], p.StopRun))
        await one.press("G", "p")
        await one.sees("the search has ended")


async def test_starts_a_run_like_the_one_under_the_cursor(workspace: Workspace, three: list[ev.Record]) -> None:
    async with FakeEngine(workspace, three) as engine, looking(workspace) as one:
        await at_the_runs(one, engine)
        await one.press("G", "n")
        await one.sees("a new search", str(workspace.home)[:20])


async def test_finds_runs_by_words_and_sees_all_again(workspace: Workspace, three: list[ev.Record]) -> None:
    async with FakeEngine(workspace, three) as engine, looking(workspace) as one:
        await at_the_runs(one, engine)
        await one.press("slash", *"nonsense")
        await one.sees("0 of 3 searches", "no search has these words")
        await one.press("escape")
        await one.sees("3 searches")
        await one.press("escape")
        await one.sees("base model")


async def test_the_list_of_an_empty_workspace_says_how_to_begin(workspace: Workspace) -> None:
    async with FakeEngine(workspace, []), person(workspace, SMALL) as one:
        await one.sees("No search yet")
        await one.press("r")
        await one.sees("n starts one", "0 searches")
        assert misplaced(one.app) == []


def table(width: int) -> list[str]:
    out = script.search()
    store = Store()
    store.records(out.records)
    rows = [run_table.cells("r1", store.runs["r1"], None, out.time), run_table.cells("new", RunView(), None, 0.0)]
    columns = run_table.layout(rows, width)
    return [run_table.head(columns), *(run_table.line(row, columns) for row in rows)]


@pytest.mark.parametrize("width", [20, 36, 76, 120, 196])
def test_the_columns_that_fit_stand_below_their_names(width: int) -> None:
    head, row, new = table(width)
    assert max(map(len, (head, row, new))) <= width
    assert "r1" in row and "new" in new
    assert "0.877" in row
    if width >= 76:
        assert head.index("gain") + len("gain") == row.index("+0.317") + len("+0.317")
