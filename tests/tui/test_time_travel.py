"""Going back in time on the search screen, named after what a person does."""

from __future__ import annotations

import gc
import weakref

import pytest

from engine.search import events as ev
from engine.workspace import Workspace
from trex_tui.model import store
from trex_tui.widgets.scrubber import Scrubber

from . import script
from .fake_engine import FakeEngine
from .person import LARGE, MIDDLE, SMALL, Person, looking, misplaced
from .test_replay_command import journalled

PHONE = (40, 20)


async def back_to(one: Person, event: type[ev.Event], node: str = "", key: str = "left_square_bracket") -> None:
    """Press the key until the moment is that of such an event."""
    for _ in range(80):
        await one.press(key)
        await one.until(lambda: one.app.past is not None, "the past on the screen")
        found = one.app.travel.record.event
        if isinstance(found, event) and node in (getattr(found, "node", ""), getattr(found, "trial", "")):
            return
    raise AssertionError(f"never came to {event} {node}\n{one.screen}")


async def test_steps_back_and_sees_everything_as_it_was(workspace: Workspace, finished: script.Script) -> None:
    async with FakeEngine(workspace, finished.records), looking(workspace, LARGE) as one:
        await one.sees("champion n5t0", "● done", "n6 adjust")
        await back_to(one, ev.NodeAdded, "n4", "left_curly_bracket")
        await one.sees("best n2t1 0.863", "the past", "5 nodes", "this is how it was at", "event 28 of 61")
        assert "champion" not in one.screen and "n5 refine" not in one.screen and "n4t1" not in one.screen
        assert one.app.now() == one.app.store.runs["r1"].tree.last_time < finished.time
        assert misplaced(one.app) == []


async def test_goes_forward_again_until_it_is_now(workspace: Workspace, finished: script.Script) -> None:
    async with FakeEngine(workspace, finished.records), looking(workspace) as one:
        for _ in range(3):
            await one.press("left_square_bracket")
        await one.sees("event 58 of 61")
        for _ in range(3):
            await one.press("right_square_bracket")
        await one.until(lambda: one.app.past is None, "now")
        await one.sees("champion n5t0", "● done")
        await one.press("right_square_bracket")
        await one.sees("this is now; [ goes one event back")


@pytest.mark.parametrize("size", [PHONE, SMALL, MIDDLE, LARGE], ids=["40x20", "80x24", "120x40", "200x60"])
async def test_sees_where_in_time_it_is_on_any_screen(
    workspace: Workspace, finished: script.Script, size: tuple[int, int]
) -> None:
    async with FakeEngine(workspace, finished.records), looking(workspace, size) as one:
        assert not one.app.screen.query_one(Scrubber).display
        await back_to(one, ev.NodeAdded, "n6", "left_curly_bracket")
        await one.press("left_square_bracket")
        await one.sees("n6: fallback: the plan")
        assert one.app.screen.query_one(Scrubber).display
        assert misplaced(one.app) == []


async def test_returns_to_now_with_end_and_then_goes_to_the_last_node(
    workspace: Workspace, running: script.Script
) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace) as one:
        await one.press("left_curly_bracket")
        await one.sees("end returns to now" if one.app.size.width > 100 else "n6 grows from n4")
        await one.press("end")
        assert one.app.past is None
        await one.press("g", "end")
        assert one.selected == "n3"


async def test_cannot_steer_what_has_been(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records) as engine, looking(workspace, LARGE) as one:
        await one.press("left_square_bracket")
        await one.sees("n6 tries adjust_training")
        for key in ("p", "b", "x", "R", "F", "H", "u", "B", "C", "s", "asterisk"):
            one.search._notice.hide()
            await one.press(key)
            await one.sees("! this is how it was at")
            assert one.app.screen is one.search
        assert engine.commands == []
        await one.press("end", "p")
        await one.until(lambda: engine.commands, "a command")


async def test_the_present_goes_on_meanwhile(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records) as engine, looking(workspace, LARGE) as one:
        await one.press("left_square_bracket")
        await one.until(lambda: one.app.past is not None)
        shown, known = one.app.travel.record, len(one.app.travel.timeline)
        await engine.publish(ev.Noted(text="one"), ev.NodeAdded(node="n7", parent="n1"))
        await one.sees("2 new")
        assert one.app.travel.record is shown and "n7" not in one.screen
        assert one.app.live.take_dirty() == (frozenset(), frozenset()), "drained, though nobody shows it"
        assert len(one.app.travel.timeline) == known + 2
        await one.press("end")
        await one.sees("n7 thinking")


async def test_steps_on_into_what_came_meanwhile(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records) as engine, looking(workspace, LARGE) as one:
        await one.press("left_square_bracket")
        await one.until(lambda: one.app.past is not None)
        await engine.publish(ev.Noted(text="a first note"), ev.Noted(text="a second note"))
        await one.sees("2 new")
        await one.press("right_square_bracket", "right_square_bracket")
        await one.sees("a first note")
        assert "a second note" not in one.screen


async def test_sees_a_curve_only_as_far_as_it_had_come(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace, LARGE) as one:
        await one.press("4")
        await one.sees("at step 23")
        times = one.app.live.trials["r1", "n6t0"].times
        times[:] = [running.time + step for step in range(len(times))]
        one.app._clock = lambda: running.time + 100
        await one.press("left_square_bracket")
        await one.until(lambda: one.app.past is not None)
        assert "at step" not in one.screen
        one.app.on_scrubber_sought(Scrubber.Sought(running.time + 4.5))
        await one.sees("at step 5", "n6t0 starts")
        await one.press("end")
        await one.sees("at step 23")


async def test_sees_bad_cases_only_once_the_trial_was_judged(workspace: Workspace, finished: script.Script) -> None:
    async with FakeEngine(workspace, finished.records), looking(workspace, LARGE) as one:
        await one.press("5")
        await one.sees("n5t0: 39 of 300 validation rows wrong")
        await back_to(one, ev.Finished, "n5")
        await one.sees("n5t0: 39 of 300 validation rows wrong")
        await one.press("left_square_bracket")
        await one.sees("its bad cases are shown when it has been judged")


async def test_drags_along_the_axis(workspace: Workspace, finished: script.Script) -> None:
    async with FakeEngine(workspace, finished.records), looking(workspace, LARGE) as one:
        await one.press("left_square_bracket")
        await one.until(lambda: one.app.past is not None)
        await one.pilot.click(Scrubber, offset=(1, 0))
        await one.sees("event 1 of 61", "search of movie_sentiment asked for")
        scrubber = one.app.screen.query_one(Scrubber)
        await one.pilot.mouse_down(Scrubber, offset=(20, 0))
        for column in (40, 60, 100):
            await one.pilot.hover(Scrubber, offset=(column, 0))
        await one.pilot.mouse_up(Scrubber, offset=(100, 0))
        times = one.app.travel.timeline.times
        await one.until(lambda: abs(one.app.now() - (times[0] + (times[-1] - times[0]) * 0.5)) < 10, "the middle")
        assert not scrubber._dragged


async def test_keeps_the_node_that_is_read_and_the_place_in_the_tree(
    workspace: Workspace, finished: script.Script
) -> None:
    async with FakeEngine(workspace, finished.records), looking(workspace, LARGE) as one:
        await one.press("g", "j", "j")
        assert one.selected == "n2"
        await back_to(one, ev.NodeAdded, "n3", "left_curly_bracket")
        assert one.selected == "n2"
        await one.press("end")
        assert one.selected == "n2"


async def test_plays_the_search_from_the_palette(workspace: Workspace, finished: script.Script) -> None:
    async with FakeEngine(workspace, finished.records), looking(workspace, LARGE) as one:
        one.app.travel.speed = 10.0
        await one.press("ctrl+p")
        await one.press(*"play")
        await one.sees("Play the search from the moment on show")
        await one.press("enter")
        await one.until(lambda: one.app.past is not None, "the past")
        await one.sees("playing, 10 x")
        at = one.app.travel.position
        await one.until(lambda: one.app.travel.position > at, "the next event")
        await one.press("end")
        await one.sees("champion n5t0")


async def test_looks_at_another_run_as_it_was_then(workspace: Workspace, finished: script.Script) -> None:
    later = script.Script("r2", first_seq=len(finished.records) + 1, start=finished.time)
    later.say(script.created())
    later.judge("n0t0", 0.61)
    later.judge("n0t0", 0.62)
    async with FakeEngine(workspace, [*finished.records, *later.records]), looking(workspace, LARGE) as one:
        one.app.look_at("r2")
        await one.press("left_square_bracket")
        await one.sees("event 4 of 5", "n0t0 starts")
        one.app.look_at("r1")
        await one.sees("event 61 of 61", "champion n5t0")
        await one.press("left_curly_bracket")
        await one.sees("n6 grows from n4")
        one.app.look_at("r2")
        await one.until(lambda: one.app.past is None, "now, as it began later")
        assert one.search.run == "r2"


async def test_nothing_of_the_past_is_kept_after_the_return(workspace: Workspace, finished: script.Script) -> None:
    async with FakeEngine(workspace, finished.records), looking(workspace, LARGE) as one:
        await one.press("left_curly_bracket")
        await one.until(lambda: one.app.past is not None)
        past = weakref.ref(one.app.past)
        await one.press("end")
        await one.sees("champion n5t0")
        gc.collect()
        assert past() is None


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interface that keeps the last lines of a log only, as it does of very long ones."""
    monkeypatch.setattr(store, "LOG_LIMIT", 10)


async def test_reads_from_the_journal_what_the_log_has_forgotten(
    workspace: Workspace, finished: script.Script, forgetful: None
) -> None:
    journalled(workspace, finished)
    async with FakeEngine(workspace, finished.records), looking(workspace, LARGE) as one:
        await one.press("left_square_bracket")
        await one.sees("event 60 of 61")
        one.app.on_scrubber_sought(Scrubber.Sought(0.0))
        await one.sees("event 1 of 61", "search of movie_sentiment asked for")


async def test_is_told_where_there_is_nothing_to_go_back_to(
    workspace: Workspace, finished: script.Script, forgetful: None
) -> None:
    async with FakeEngine(workspace, finished.records), looking(workspace, LARGE) as one:
        await one.press("left_square_bracket")
        await one.sees("! ", "this workspace holds no runs yet")
        assert one.app.past is None
