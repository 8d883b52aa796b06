"""Steering that needs more to be said: the form of a fork, of hints, of the budget; the preview of cleaning."""

from __future__ import annotations

import time

import pytest

from engine.control import protocol as p
from engine.search import events as ev
from engine.workspace import Workspace

from . import script
from .fake_engine import FakeEngine
from .person import LARGE, MIDDLE, SMALL, looking, misplaced
from .test_steering import go_to, sent

SIZES = pytest.mark.parametrize("size", [SMALL, MIDDLE, LARGE], ids=["80x24", "120x40", "200x60"])


@pytest.fixture
def roomy(workspace: Workspace) -> script.Script:
    """The same search, with hours left."""
    out = script.search(str(workspace.home / "tasks" / "movie_sentiment"), str(workspace.home), time.time() - 697)
    out.say(ev.BudgetChanged(limits=ev.Limits(rounds=9, wall_seconds=36_000.0), by="ana"), after=0)
    script.directories(workspace, out)
    return out


@SIZES
@pytest.mark.parametrize("key", ["F", "H", "B", "C"])
async def test_nothing_is_cut_or_covered(
    workspace: Workspace, roomy: script.Script, size: tuple[int, int], key: str
) -> None:
    for trial in ("n3t0", "n4t2", "n1t0"):
        folder = workspace.trial("r1", trial) / "adapter"
        folder.mkdir()
        (folder / "weights").write_bytes(b"x" * 2_000_000)
    title = {"F": "fork n6t0", "H": "advice to", "B": "what r1 may spend", "C": "Remove the adapters of"}[key]
    async with FakeEngine(workspace, roomy.records), looking(workspace, size) as one:
        await one.press(key)
        await one.sees(title)
        await one.pilot.pause()
        assert misplaced(one.app) == []
        foot = {"F": "ctrl+s fork", "H": "enter send", "B": "enter change", "C": "y yes"}[key]
        await one.sees(foot)
        await one.press("escape")
        await one.sees("base model")


async def test_forks_a_trial_with_edits(workspace: Workspace, roomy: script.Script) -> None:
    async with FakeEngine(workspace, roomy.records) as engine, looking(workspace, SMALL) as one:
        await go_to(one, "n4")
        await one.press("F")
        await one.sees("fork n4t1", "about 3 min")
        await one.press(*"1e-4")
        await one.sees("* learning_rate           1e-4", "was 0.0005")
        await one.press("down", "down", "down", "down", "down", *"3")
        await one.sees("* epochs                  3", "was 2", "are left for new")
        await one.press("ctrl+s")
        await one.sees("n7 adjust fork", "forked n4 as n7")
        assert sent(engine) == [
            p.Fork(
                id=0,
                run="r1",
                node="n4",
                trial="n4t1",
                changes={"training.learning_rate": "1e-4", "training.epochs": "3"},
            )
        ]
        await go_to(one, "n7")
        await one.press("1")
        await one.sees("fork of n4 by", "written by a person")


async def test_a_refused_fork_stays_as_it_was_written(workspace: Workspace, roomy: script.Script) -> None:
    async with FakeEngine(workspace, roomy.records) as engine, looking(workspace, SMALL) as one:
        engine.refuse = "n4t1 is this very trial already; change something in it"
        await one.press("F", *"fast")
        await one.sees("! training.learning_rate: `fast` is no value; write a number")
        await one.press("ctrl+s")
        assert engine.commands == []
        await one.press("backspace", "backspace", "backspace", "backspace", *"1e-4", "ctrl+s")
        await one.sees("! n4t1 is this very trial already", "1e-4")
        engine.refuse = ""
        await one.press("ctrl+s")
        await one.until(lambda: "n7" in one.app.store.runs["r1"].tree.nodes)


async def test_edits_the_recipe_far_down_in_the_form(workspace: Workspace, roomy: script.Script) -> None:
    async with FakeEngine(workspace, roomy.records) as engine, looking(workspace, SMALL) as one:
        await one.press("F", "up", "up", "up", "up", "up")
        await one.sees("before what waits")
        await one.press(*"12")
        await one.sees("* recipe.seed             12")
        await one.press("ctrl+s")
        await one.until(lambda: engine.commands)
        command = engine.commands[0]
        assert isinstance(command, p.Fork) and command.changes == {"recipe.seed": "12"}


async def test_gives_a_hint_sees_it_and_withdraws_it(workspace: Workspace, roomy: script.Script) -> None:
    async with FakeEngine(workspace, roomy.records) as engine, looking(workspace, LARGE) as one:
        await go_to(one, "n2")
        await one.press("H", "enter")
        await one.sees("! the hint is empty")
        await one.press(*"Lower rates.", "enter")
        await one.sees("gave hint h1 for n2: Lower rates.")
        await one.press("j", "1")
        await one.sees("Hints", "h1 for n2 by")
        await one.press("H")
        await one.sees("It holds here already", "Lower rates.")
        await one.press("up", *"h1", "enter")
        await one.until(lambda: not one.app.store.runs["r1"].tree.hints)
        assert sent(engine) == [
            p.GiveHint(id=0, run="r1", text="Lower rates.", node="n2"),
            p.WithdrawHint(id=0, run="r1", hint="h1"),
        ]


async def test_changes_the_budget_and_sees_it_in_the_header(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records) as engine, looking(workspace, SMALL) as one:
        await one.press("B")
        await one.sees("rounds          6                 6 begun", "11 min", "KB used", "are kept back for confirming")
        await one.press(*"9", "down", *"x", "enter")
        await one.sees("! trials: `x` is not a whole number")
        await one.press("backspace", *"40", "down", *"2h")
        await one.sees("then: 9 rounds, 40 trials, 2 h")
        await one.press("enter")
        await one.sees("of 2 h", "changed the budget to 9 rounds, 40 trials, 2 h")
        (command,) = sent(engine)
        assert command == p.SetBudget(id=0, run="r1", rounds=9, trials=40, wall="2h")
        assert getattr(engine.commands[0], "seen", 0) == running.records[-1].seq
        await go_to(one, "n0")
        await one.press("1")
        await one.sees("The search may spend", "9 rounds, 40 trials, 2 h")


async def test_a_search_without_a_limit_of_time_is_shown(workspace: Workspace, running: script.Script) -> None:
    running.say(ev.BudgetChanged(limits=ev.Limits(rounds=12), by="ana"))
    async with FakeEngine(workspace, running.records), looking(workspace, SMALL) as one:
        await one.sees("50% of the rounds", "no limit")
        assert misplaced(one.app) == []


async def test_cleans_up_after_a_preview(workspace: Workspace, running: script.Script) -> None:
    folder = workspace.trial("r1", "n3t0") / "adapter"
    folder.mkdir()
    (folder / "weights").write_bytes(b"x" * 3_000_000)
    async with FakeEngine(workspace, running.records) as engine, looking(workspace, SMALL) as one:
        await one.press("C")
        await one.sees("Remove the adapters of 1 trial?", "3.0 MB  pruned", "cannot be undone")
        await one.press("y")
        await one.sees("removed the adapters of 1 trials")
        assert sent(engine) == [p.Collect(id=0, run="r1", trials=("n3t0",))]


async def test_is_told_that_nothing_can_go(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records) as engine, looking(workspace) as one:
        await one.press("C")
        await one.sees("! nothing can go")
        assert engine.commands == []


async def test_a_long_preview_scrolls(workspace: Workspace, roomy: script.Script) -> None:
    for trial in range(40):
        roomy.say(ev.NodeAdded(node=f"n{trial + 7}", parent="n1"))
        plan = script.plan("adjust_training", "x", script.BASELINE)
        roomy.say(ev.Planned(node=f"n{trial + 7}", plan=plan))
        roomy.say(ev.DataReady(node=f"n{trial + 7}", rows=9))
        roomy.judge(f"n{trial + 7}t0", 0.6, 1)
        folder = workspace.trial("r1", f"n{trial + 7}t0") / "adapter"
        folder.mkdir(parents=True)
        (folder / "weights").write_bytes(b"x" * 1_000_000)
    async with FakeEngine(workspace, roomy.records), looking(workspace, SMALL) as one:
        await one.press("C")
        await one.sees("n10t0      1.0 MB  0.600", "y yes  n no")
        assert misplaced(one.app) == []
        await one.press("end")
        await one.sees("cannot be undone", "y yes  n no")


async def test_a_key_pressed_in_a_form_is_a_letter(workspace: Workspace, roomy: script.Script) -> None:
    async with FakeEngine(workspace, roomy.records) as engine, looking(workspace) as one:
        await one.press("H", *"pxq")
        await one.sees("pxq")
        await one.press("escape")
        assert engine.commands == []
