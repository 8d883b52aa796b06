"""The insights, named after what a person does with them."""

from __future__ import annotations

import sys

import pytest

from engine.control import protocol as p
from engine.insights import Insights
from engine.search import events as ev
from engine.workspace import Workspace
from trex_tui.model.nearest import Nearest
from trex_tui.screens.insights import InsightsScreen

from . import script
from .fake_engine import FakeEngine
from .person import LARGE, MIDDLE, SMALL, Person, looking, misplaced

PHONE = (40, 20)
SIZES = pytest.mark.parametrize("size", [PHONE, SMALL, LARGE], ids=["40x20", "80x24", "200x60"])


def here(one: Person) -> InsightsScreen:
    assert isinstance(one.app.screen, InsightsScreen)
    return one.app.screen


def selected(one: Person) -> str:
    lesson = here(one).selected
    return lesson.insight.insight if lesson else ""


@SIZES
async def test_reads_what_was_learned_and_its_evidence(
    workspace: Workspace, running: script.Script, size: tuple[int, int]
) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace, size) as one:
        await one.press("i")
        await one.sees("3 insights, newest first", "Keep the rate at or below", "r1:n4", "One epoch is not enough")
        assert misplaced(one.app) == []
        await one.press("j", "j", "enter")
        await one.sees("by the Researcher", "For it", "n1", "Given to", "named")
        assert misplaced(one.app) == []
        await one.press("escape", "escape")
        assert one.app.screen is one.search


async def test_jumps_from_the_evidence_to_the_node(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace, SMALL) as one:
        await one.press("i", "G")
        assert selected(one) == "r1:n1"
        await one.press("enter", "enter")
        await one.sees("this line leads to no node")
        await one.press("G", "enter")
        assert one.app.screen is one.search
        assert one.selected == "n2", "the plan that named it"


async def test_leafs_through_where_there_is_no_room_for_a_line(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace, SMALL) as one:
        await one.press("i")
        await one.sees("3 insights")
        await one.pilot.resize_terminal(1, 1)
        await one.press("pagedown", "pageup", "j", "enter", "pagedown", "escape")
        await one.pilot.resize_terminal(*SMALL)
        await one.sees("3 insights")


async def test_sees_what_plans_made_of_an_insight(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace, LARGE) as one:
        await one.press("i", "G")
        await one.sees("given 1 named 1", "1 plan, named by 1, which gained +0.060 on average")


async def test_filters_by_words_at_each_letter_and_comes_back(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace, SMALL) as one:
        await one.press("i", "slash", *"RATE b")
        await one.sees("2 of 3 insights")
        await one.press(*"elow")
        await one.sees("1 of 3 insights", "Keep the rate")
        assert "One epoch" not in one.screen
        await one.press(*"xyz")
        await one.sees("No insight has these words")
        await one.press("escape", "escape")
        await one.sees("3 insights, newest first", "One epoch")
        assert isinstance(one.app.screen, InsightsScreen)


async def test_asks_for_the_nearest_by_meaning(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace, SMALL) as one:
        await one.press("i", "slash", *"hold the rate under it", "enter")
        await one.sees("nearest by meaning, of 3")
        assert selected(one) == "r1:n4"
        assert 0.2 < here(one)._near["r1:n4"] <= 1.0
        await one.press("escape")
        await one.sees("3 insights, newest first")


async def test_is_told_that_nothing_is_near_enough(
    workspace: Workspace, running: script.Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(self: Nearest, *_: object) -> dict[str, float]:
        return {}

    monkeypatch.setattr(Nearest, "find", nothing)
    async with FakeEngine(workspace, running.records), looking(workspace, SMALL) as one:
        await one.press("i", "slash", *"soup", "enter")
        await one.sees("No insight has these words, and nothing that was learned is near enough")
        await one.press("slash", *"xyz")
        await one.sees("Enter on the line above asks")


async def test_is_told_when_the_embedding_worker_cannot_run(
    workspace: Workspace, running: script.Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Insights, *_: object, **__: object) -> None:
        begin(self, (), workspace.cache)
        self.worker.command = (sys.executable, "-c", "raise SystemExit(1)")

    begin = Insights.__init__
    monkeypatch.setattr(Insights, "__init__", broken)
    async with FakeEngine(workspace, running.records), looking(workspace, SMALL) as one:
        await one.press("i", "slash", *"rate", "enter")
        await one.sees("cannot be found: the worker engine.insights died", "words still filter", "2 of 3 insights")


async def test_pins_deletes_restores_and_takes_back(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records) as engine, looking(workspace, SMALL) as one:
        await one.press("i", "asterisk")
        await one.sees("▪ pinned, for 1 against 0", "unpin")
        await one.press("x")
        await one.sees("Delete r1:n4?", "No plan is given it any more")
        await one.press("n")
        assert len(engine.commands) == 1
        await one.press("x", "y")
        await one.sees("▪ pinned, × deleted", "restore")
        assert selected(one) == "r1:n4", "it stays where it is, so that it can be brought back"
        await one.press("e")
        await one.sees("r1:n4 is deleted; x brings it back")
        await one.press("u")
        await one.sees("deleted insight r1:n4", "Undone, r1:n4 stands as it")
        await one.press("y")
        await one.until(lambda: "deleted," not in one.screen)
        await one.sees("▪ pinned")
        changes = [c for c in engine.commands if isinstance(c, p.ChangeInsight)]
        assert [(c.pinned, c.deleted) for c in changes] == [(True, None), (None, True)]
        assert all(c.by and c.seen for c in changes)
        assert misplaced(one.app) == []


async def test_edits_the_words_and_sees_those_it_was_learned_with(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records) as engine, looking(workspace, MIDDLE) as one:
        await one.press("i", "j", "e")
        await one.sees("It was learned as:", script.LESSON[:30])
        await one.press("enter")
        await one.sees("nothing is changed yet")
        await one.press("ctrl+u", *"More rows first.", "enter")
        await one.sees("edited", "learned as:", "edited by")
        (command,) = engine.commands
        assert isinstance(command, p.ChangeInsight)
        assert (command.insight, command.text) == ("r1:n2", "More rows first.")


async def test_keeps_reading_while_more_is_learned(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records) as engine, looking(workspace, SMALL) as one:
        await one.press("i", "j")
        assert selected(one) == "r1:n2"
        await engine.publish(ev.Learned(insight="r1:n5", node="n5", text="Balanced labels did nothing."))
        await one.sees("4 insights", "Balanced labels")
        assert selected(one) == "r1:n2"


async def test_orders_by_use_and_by_gain(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace, SMALL) as one:
        await one.press("i", "O")
        await one.sees("most named first")
        await one.press("g")
        assert selected(one) == "r1:n1"


async def test_is_told_that_nothing_was_learned_yet_and_that_there_is_no_engine(workspace: Workspace) -> None:
    out = script.Script()
    out.say(script.created())
    async with FakeEngine(workspace, out.records), looking(workspace, PHONE) as one:
        await one.press("i")
        await one.sees("Nothing was learned yet")
        await one.press("x")
        await one.sees("there is no insight here")
        assert misplaced(one.app) == []


async def test_text_of_a_model_is_only_text(workspace: Workspace, running: script.Script) -> None:
    running.learn("n5", "x", "evil \x1b[2J [red]markup[/red] 学习率太高 " * 9)
    async with FakeEngine(workspace, running.records), looking(workspace, PHONE) as one:
        await one.press("i", "enter")
        await one.sees("[red]markup[/red]")
        assert "\x1b" not in one.screen
        assert misplaced(one.app) == []


async def test_takes_back_from_the_search_screen_what_was_done_after_its_end(
    workspace: Workspace, finished: script.Script
) -> None:
    finished.say(ev.InsightChanged(insight="r1:n4", by="ana", deleted=True))
    async with FakeEngine(workspace, finished.records) as engine, looking(workspace, SMALL) as one:
        await one.sees("ana deleted insight r1:n4")
        await one.press("u")
        await one.sees("ana deleted insight r1:n4. Undone")
        await one.press("y")
        await one.until(lambda: engine.commands)
        (command,) = engine.commands
        assert isinstance(command, p.Undo) and command.insight == ""


async def test_opens_with_words_to_filter_by(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace, SMALL) as one:
        one.app.action_show("insights", "below", "rate")
        await one.sees("1 of 3 insights", "Keep the rate")
