"""Keys that change a search: which message they send, what they ask first, what they say where they cannot."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from engine.control import protocol as p
from engine.errors import MachineFailure
from engine.search import events as ev
from engine.workspace import Workspace
from trex_tui import actions, desktop

from . import script
from .fake_engine import FakeEngine
from .person import LARGE, SMALL, Person, looking, misplaced


def sent(engine: FakeEngine) -> list[p.Command]:
    """The commands without what the link and the moment give: their numbers, the person's name, what was on screen."""
    plain: list[p.Command] = []
    for command in engine.commands:
        gone = {name: "" if name == "by" else 0 for name in ("by", "seen") if hasattr(command, name)}
        plain.append(msgspec.structs.replace(command, id=0, **gone))
    return plain


@pytest.fixture
def task(workspace: Workspace) -> Path:
    """The folder that the script's search says its task came from."""
    text = """name = "movie_sentiment"
    brief = "Say whether it is good."
    data.source = {package = "p", version = "1", sha256 = "%s", member = "m"}
    format.prompt = "{text}"
    evaluation.mode = "generate"
    """
    (workspace.home / "task.toml").write_text(text % ("0" * 64))
    return workspace.home


async def go_to(one: Person, node: str) -> None:
    await one.press("g")
    while one.selected != node:
        before = one.selected
        await one.press("j")
        assert one.selected != before, f"{node} is not in the tree"


async def test_pauses_the_search_and_lets_it_go_on(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records) as engine, looking(workspace, SMALL) as one:
        await one.press("p")
        await one.sees("‖ paused", "p go on", f"paused: by {actions.person()}; p goes on")
        await one.press("p")
        await one.sees("► running", "p pause")
        flag = p.SetFlag(id=0, run="r1", node="n0", flag="paused", on=True)
        assert sent(engine) == [flag, msgspec.structs.replace(flag, on=False)]
        assert {command.by for command in engine.commands if isinstance(command, p.SetFlag)} == {actions.person()}


async def test_pauses_a_branch(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records) as engine, looking(workspace) as one:
        await go_to(one, "n4")
        await one.press("b")
        await one.sees("n4 adjust ★ best ‖")
        assert sent(engine) == [p.SetFlag(id=0, run="r1", node="n4", flag="paused", on=True)]
        await one.press("j", "b")
        await one.sees("n5 is paused with n4; resume n4")


async def test_prunes_a_branch_after_one_question_and_restores_it(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records) as engine, looking(workspace, SMALL) as one:
        await go_to(one, "n4")
        await one.press("x")
        await one.sees("Prune n4?", "n4 and 2 nodes below it with 6 trials", "0.877", "x on the same node restores it")
        assert misplaced(one.app) == []
        await one.press("n")
        assert engine.commands == []
        await one.press("x", "y")
        await one.sees("× n4 adjust")
        assert one.app.store.runs["r1"].best is not None and one.app.store.runs["r1"].best.id == "n2t1"
        await one.press("x")
        await one.sees("● n4 adjust ★ best")
        flag = p.SetFlag(id=0, run="r1", node="n4", flag="pruned", on=True)
        assert sent(engine) == [flag, msgspec.structs.replace(flag, on=False)]


async def test_pauses_the_trial_on_show(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records) as engine, looking(workspace, LARGE) as one:
        await go_to(one, "n6")
        await one.press("T")
        await one.sees("n6 adjust ‖ t0 paused", "n6t0 by ", "T resume trial")
        await one.press("2", "t")
        await one.sees("n6t0 ► running  ‖ paused", "› n6t1 ○ queued")
        await one.press("T")
        await one.sees("‖ t0 t1 paused")
        await one.press("T")
        flag = p.SetFlag(id=0, run="r1", node="n6", trial="n6t0", flag="paused", on=True)
        other = msgspec.structs.replace(flag, trial="n6t1")
        await one.until(lambda: len(engine.commands) == 3)
        assert sent(engine) == [flag, other, msgspec.structs.replace(other, on=False)]


async def test_is_told_what_holds_a_search_in_which_nothing_goes_on(
    workspace: Workspace, running: script.Script
) -> None:
    running.say(ev.Interrupted(trial="n6t0", node="n6", cause="paused"))
    for trial in ("n6t0", "n6t1"):
        running.say(ev.FlagSet(node="n6", trial=trial, flag="paused", on=True, by="ana"))
    async with FakeEngine(workspace, running.records) as engine, looking(workspace, SMALL) as one:
        engine.pulse = p.Pulse(time=0.0, queued=("r1",))
        await one.sees("nothing goes on: n6t0 and n6t1 are paused", "‖ n6 adjust")
        assert misplaced(one.app) == []


async def test_pins_the_trial_on_show(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records) as engine, looking(workspace) as one:
        await go_to(one, "n4")
        await one.press("asterisk")
        await one.sees("n4 adjust ★ best ▪ t1")
        await one.press("asterisk")
        await one.until(lambda: len(engine.commands) == 2)
        flag = p.SetFlag(id=0, run="r1", node="n4", trial="n4t1", flag="pinned", on=True)
        assert sent(engine) == [flag, msgspec.structs.replace(flag, on=False)]


async def test_retries_what_has_failed(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records) as engine, looking(workspace) as one:
        await go_to(one, "n1")
        await one.press("R")
        await one.sees("! nothing in n1 has failed; F tries a variation of it")
        await go_to(one, "n4")
        await one.press("R")
        await one.sees("has n4t0 tried again", "retried  1 time")
        assert sent(engine) == [p.Retry(id=0, run="r1", node="n4")]


async def test_takes_back_the_last_step_after_one_question(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records) as engine, looking(workspace, SMALL) as one:
        await one.press("u")
        await one.sees("Take this back?", "ana pruned n3", "n3 is restored")
        assert misplaced(one.app) == []
        await one.press("n", "u", "y")
        await one.sees("restored n3 (undo)", "● n3 refine")
        assert sent(engine) == [p.Undo(id=0, run="r1")]
        await one.press("u")
        await one.sees("! nobody has done anything here that could be taken back")


async def test_is_told_why_the_base_model_cannot_be_pruned(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records) as engine, looking(workspace) as one:
        await one.press("g", "x")
        await one.sees("n0 is the base model")
        assert engine.commands == []


async def test_is_told_that_a_finished_search_cannot_be_steered(workspace: Workspace, finished: script.Script) -> None:
    async with FakeEngine(workspace, finished.records) as engine, looking(workspace) as one:
        for key in ("p", "b", "x", "s", "T", "R", "F", "H", "B", "u"):
            await one.press(key)
            await one.sees("the search has ended; n starts a new one")
        assert engine.commands == []


async def test_reads_a_refusal_as_one_sentence(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records) as engine, looking(workspace) as one:
        engine.refuse = "n0 is being judged; try again in a minute"
        await one.press("p")
        await one.sees("! n0 is being judged; try again in a minute")


async def test_stops_the_search_after_one_question(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records) as engine, looking(workspace) as one:
        await one.press("s")
        await one.sees("Stop the search r1?", "p pauses it instead")
        await one.press("y")
        await one.until(lambda: engine.commands)
        assert sent(engine) == [p.StopRun(id=0, run="r1")]


async def test_starts_a_new_search_of_the_same_task(workspace: Workspace, running: script.Script, task: Path) -> None:
    async with FakeEngine(workspace, running.records) as engine, looking(workspace, SMALL) as one:
        await one.press("n")
        await one.sees("a new search", "Qwen2.5-Coder", "enter start", "1 of ")
        assert misplaced(one.app) == []
        await one.press("4", "enter")
        await one.until(lambda: engine.commands)
        home = str(task.resolve())
        researcher = running.tree.setup.researcher
        assert sent(engine) == [p.StartRun(id=0, task=home, researcher=researcher, rounds=4, seed=1)]


@pytest.mark.usefixtures("task")
async def test_is_told_what_is_wrong_in_the_form(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records) as engine, looking(workspace, SMALL) as one:
        await one.press("n", *"many", "enter")
        await one.sees("rounds: `many` is not a whole number")
        await one.press("escape")
        assert engine.commands == []


@pytest.mark.usefixtures("task")
async def test_a_new_search_goes_through_the_command_line_where_it_starts_engines(
    workspace: Workspace, finished: script.Script
) -> None:
    asked: list[p.StartRun] = []

    def start(message: p.StartRun) -> p.Reply:
        asked.append(message)
        raise MachineFailure("the disk is full", hint="free some space")

    async with FakeEngine(workspace, finished.records), looking(workspace, new_run=start) as one:
        await one.press("n", "enter")
        await one.sees("! the disk is full; free some space")
        assert asked[0].policy == "uct"


async def test_the_form_of_an_empty_workspace_offers_the_quickstart(workspace: Workspace) -> None:
    from .person import person

    async with FakeEngine(workspace, []), person(workspace) as one:
        await one.sees("engine ● live")
        await one.press("n")
        await one.sees("movie_sentiment")


async def test_asks_where_the_report_lies(workspace: Workspace, finished: script.Script) -> None:
    report = workspace.report("r1") / "report.html"
    report.parent.mkdir(parents=True)
    report.write_text("<html></html>")
    async with FakeEngine(workspace, finished.records) as engine, looking(workspace) as one:
        await one.press("o")
        await one.until(lambda: "report.html" in one.screen.replace("\n", "").replace(" ", ""))
        assert engine.commands == []


async def test_a_running_search_is_reported_as_far_as_it_is(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records) as engine, looking(workspace, LARGE) as one:
        await one.press("o")
        await one.sees("report: ", "of how far it is; the test split stays sealed")
        assert sent(engine) == [p.MakeReport(id=0, run="r1")]


async def test_looks_at_another_search_of_the_workspace(workspace: Workspace, finished: script.Script) -> None:
    other = script.Script("r2", first_seq=finished.records[-1].seq + 1, start=finished.time + 60)
    other.say(script.created())
    async with FakeEngine(workspace, finished.records + other.records), looking(workspace, SMALL, run="r1") as one:
        await one.press("r")
        await one.sees("2 searches", "● done", "0.870")
        assert misplaced(one.app) == []
        await one.press("g", "enter")
        await one.sees("run r2")
        assert one.search.run == "r2"


@pytest.mark.parametrize("key", ["q", "ctrl+q", "ctrl+c"])
async def test_leaves_and_the_engine_goes_on(workspace: Workspace, running: script.Script, key: str) -> None:
    async with FakeEngine(workspace, running.records) as engine:
        async with looking(workspace) as one:
            await one.until(lambda: one.app.store.pulse is not None)
            await one.press(key)
            assert one.app._exit and one.app.return_value == 0
            assert "The engine goes on with r1" in str(one.app._exit_renderables)
        assert engine.commands == []
        _, writer = await asyncio.open_unix_connection(workspace.socket)
        writer.close()


def test_a_file_is_not_opened_where_there_is_no_desktop(tmp_path: Path) -> None:
    assert desktop.open_file(tmp_path / "report.html") == ""
