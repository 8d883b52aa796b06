"""The search screen, named after what a person does."""

from __future__ import annotations

import pytest

from engine.control import protocol as p
from engine.search import events as ev
from engine.workspace import Workspace
from trex_tui.widgets.tree_pane import NodeTree

from . import script
from .fake_engine import FakeEngine
from .person import LARGE, MIDDLE, SMALL, looking, misplaced, person

SIZES = pytest.mark.parametrize("size", [SMALL, MIDDLE, LARGE], ids=["80x24", "120x40", "200x60"])


@SIZES
async def test_sees_the_whole_search_at_a_glance(
    workspace: Workspace, running: script.Script, size: tuple[int, int]
) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace, size) as one:
        await one.sees("movie_sentiment", "► running", "best n4t1 0.877 [0.840, 0.914]", "gain +0.317", "of 15 min")
        await one.sees("engine ● live", "cpu held by n6t0", "n6t0 trains, step 23 of 64", "★ best", "n3 refine")
        await one.sees("n6t0 starts", "? help", "q quit")
        assert misplaced(one.app) == []


@SIZES
async def test_turns_every_tab_and_nothing_is_cut_or_covered(
    workspace: Workspace, finished: script.Script, size: tuple[int, int]
) -> None:
    shown = {
        "1": "Hypothesis",
        "2": "Configuration",
        "3": "decontaminate",
        "4": "gradient norm",
        "5": "validation rows wrong",
        "6": "became right",
        "7": "Learned here",
        "8": "log.txt",
        "9": "result.json",
        "0": "tokens written",
    }
    async with FakeEngine(workspace, finished.records), looking(workspace, size) as one:
        for key, text in shown.items():
            await one.press(key)
            await one.sees(text)
            assert misplaced(one.app) == []


async def test_reads_why_a_node_was_chosen(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace) as one:
        await one.press("g", "j", "j")
        assert one.selected == "n2"
        await one.sees("More rows at the same rate", "written by the Researcher", "Why below n0", "◄ chosen")
        await one.sees("1 insight given, named in the plan: r1:n1", "Both trials gain")


async def test_compares_the_configuration_with_the_parents_best(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace, LARGE) as one:
        await one.press("g", "j", "j", "j", "2")
        assert one.selected == "n4"
        await one.sees("* differs from n2t1", "*0.002", "*64", "the loss diverged at step 14")


async def test_reads_bad_cases_with_gold_answer_and_text(workspace: Workspace, finished: script.Script) -> None:
    async with FakeEngine(workspace, finished.records), looking(workspace) as one:
        await one.press("5")
        await one.sees("n5t0: 39 of 300 validation rows wrong", "gold negative  answer positive", "Review: ")


async def test_chooses_another_trial_of_the_node(workspace: Workspace, finished: script.Script) -> None:
    async with FakeEngine(workspace, finished.records), looking(workspace) as one:
        await one.press("g", "j", "j", "j", "4", "t")
        await one.sees("n4t2  ● done", "at step 64")
        await one.press("t")
        await one.sees("n4t0  ✗ failed", "at step 23")


async def test_watches_the_curve_and_the_log_grow(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace) as one:
        await one.press("4")
        await one.sees("at step 23")
        folder = workspace.trial(script.RUN, "n6t0")
        with (folder / "metrics.jsonl").open("a") as metrics, (folder / "log.txt").open("a") as log:
            metrics.write(script.step_line("n6t0", 24, 64))
            log.write("a fresh line of the trial\n")
        await one.sees("at step 24", "n6t0 | a fresh line of the trial")


async def test_stays_on_the_node_while_the_tree_grows(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records) as engine, looking(workspace) as one:
        await one.press("G")
        assert one.selected == "n3"
        await engine.publish(ev.NodeAdded(node="n7", parent="n1"))
        await one.sees("n7 thinking")
        assert one.selected == "n3"


async def test_follows_the_engine_until_the_cursor_is_moved(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records) as engine, looking(workspace) as one:
        assert one.selected == "n6"
        await engine.publish(ev.Failed(trial="n6t0", node="n6", cause="x"), ev.Launched(trial="n5t0", node="n5"))
        await one.until(lambda: one.selected == "n5")
        await one.press("k")
        await engine.publish(ev.Launched(trial="n6t1", node="n6"))
        await one.sees("n6t1 starts")
        assert one.selected != "n6"


async def test_folds_a_branch_and_unfolds_it(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace) as one:
        await one.press("g", "j", "j", "h")
        await one.sees("[+1]")
        assert "n5 refine" not in one.screen
        await one.press("l")
        await one.sees("n5 refine")


async def test_opens_a_node_on_a_small_terminal_and_steps_out(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace, SMALL) as one:
        assert "Hypothesis" not in one.screen
        await one.press("enter")
        await one.sees("Hypothesis")
        assert "base model" not in one.screen
        await one.press("escape")
        await one.sees("base model")


async def test_goes_round_the_panes_with_tab(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace, SMALL) as one:
        seen = []
        for _ in range(3):
            await one.press("tab")
            seen.append(one.app.focused.id if one.app.focused else "")
        assert seen == ["detail", "log", "search-tree"]


async def test_scrolls_the_log_back_and_is_told_what_is_new(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records) as engine, looking(workspace, SMALL) as one:
        await one.press("shift+tab", "g")
        await one.sees("search of movie_sentiment asked for", "G follows again")
        await engine.publish(ev.Noted(text="one"), ev.Noted(text="two"))
        await one.sees("2 new")
        await one.press("G")
        await one.sees("log, following", " two")


async def test_sees_a_finished_search_with_its_champion(workspace: Workspace, finished: script.Script) -> None:
    async with FakeEngine(workspace, finished.records), looking(workspace, SMALL) as one:
        await one.sees("● done", "champion n5t0", "★ champion", "done: all 6 rounds are done", "n starts a new one")
        assert one.selected == "n5"
        assert "p pause" not in one.screen


async def test_reads_every_state_without_colours(
    workspace: Workspace, running: script.Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with FakeEngine(workspace, running.records), looking(workspace, SMALL) as one:
        await one.sees("● n1 baseline", "× n3 refine", "pruned", "► n6 adjust", "›")
        await one.press("g", "j")
        line = next(row for row in one.screen.splitlines() if "n1 baseline" in row)
        assert line.startswith("›")


async def test_finds_an_empty_workspace(workspace: Workspace) -> None:
    async with FakeEngine(workspace, []), person(workspace, SMALL) as one:
        await one.sees("No search yet in this workspace", "engine ● live")
        await one.press("p")
        await one.sees("there is no search yet; n starts one")
        assert misplaced(one.app) == []


async def test_is_told_when_there_is_no_engine(workspace: Workspace) -> None:
    async with person(workspace, SMALL) as one:
        await one.sees("! engine down")


async def test_is_told_how_long_the_engine_is_silent(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace) as one:
        await one.until(lambda: one.app.store.pulse is not None)
        one.app._clock = lambda: one.app.store.heard + 40
        await one.sees("! engine silent for 40 s")


async def test_is_told_that_the_engine_is_of_another_version(workspace: Workspace) -> None:
    async with FakeEngine(workspace, [], version=p.VERSION + 1), person(workspace) as one:
        await one.sees("engine refused us", f"the engine speaks version {p.VERSION + 1}; restart it")


async def test_text_of_a_model_cannot_steer_the_terminal(workspace: Workspace) -> None:
    out = script.Script()
    out.say(script.created())
    out.grow("n1", "n0", script.plan("baseline", "evil \x1b[2J\x07 text [red]not markup[/red]"))
    async with FakeEngine(workspace, out.records), looking(workspace, LARGE) as one:
        await one.press("G")
        await one.sees("[red]not markup[/red]")
        assert "\x1b" not in one.screen and "\x07" not in one.screen


async def test_a_key_is_not_taken_back_by_following(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace) as one:
        assert one.selected == "n6"
        one.search.query_one(NodeTree).action_edge(False)
        one.app.live.beat(p.Pulse(time=0.0, run="r1"), 0.0)
        one.app.live._dirty.add("tree")
        one.app.tick()  # before the screen has heard of the move
        await one.pilot.pause()
        assert one.selected == "n0"
