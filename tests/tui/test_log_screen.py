"""A person reads the logs: opens one, searches, folds, follows, scrolls, and nothing they do waits for the disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from engine.search import events as ev
from engine.workspace import Workspace

from . import script
from .fake_engine import FakeEngine
from .person import LARGE, SMALL, Person, looking, misplaced

NARROW = (40, 20)


@asynccontextmanager
async def reading(
    workspace: Workspace, running: script.Script, size: tuple[int, int] = SMALL
) -> AsyncIterator[tuple[Person, FakeEngine]]:
    """The log screen, opened at the trial on show."""
    async with FakeEngine(workspace, running.records) as engine, looking(workspace, size) as one:
        await one.press("L")
        await one.sees("n6t0: training")
        yield one, engine


def log_of(workspace: Workspace, trial: str = "n6t0") -> Path:
    return workspace.trial(script.RUN, trial) / "log.txt"


def many(workspace: Workspace, count: int) -> Path:
    path = log_of(workspace)
    path.write_text("".join(f"row {number} of many\n" for number in range(1, count + 1)))
    return path


@pytest.mark.parametrize("size", [NARROW, SMALL, LARGE], ids=["40x20", "80x24", "200x60"])
async def test_opens_the_log_of_the_trial_on_show_and_every_other(
    workspace: Workspace, running: script.Script, size: tuple[int, int]
) -> None:
    workspace.engine_log.write_text("2026-11-22 00:14:45,255 ERROR asyncio: something broke\n")
    async with reading(workspace, running, size) as (one, _):
        await one.sees("loading SmolLM2-135M", "[2 n6t0]")
        assert misplaced(one.app) == []
        await one.press("1")
        await one.sees("[1 events]", "n6t0 starts")
        await one.press("tab", "tab", "tab", "tab")
        await one.sees("engine]", "00:14:45,255 ERROR")
        await one.press("slash", *"broke")
        await one.sees("1 match")
        assert misplaced(one.app) == []


async def test_reads_the_end_of_a_long_file_and_follows_it(workspace: Workspace, running: script.Script) -> None:
    path = many(workspace, 5000)
    async with reading(workspace, running) as (one, _):
        await one.sees("row 5000 of many", "following", "of 5,000")
        with path.open("a") as out:
            out.write("one more row\n")
        await one.sees("one more row", "of 5,001")
        await one.press("k")
        with path.open("a") as out:
            out.write("a\nb\n")
        await one.sees("2 new, G follows")
        assert "one more row" not in one.screen
        await one.press("G")
        await one.sees("following", "of 5,003")
        await one.press("g")
        await one.sees("row 1 of many", "line 1-")


async def test_searches_forwards_and_back_and_folds_the_rest_away(workspace: Workspace, running: script.Script) -> None:
    many(workspace, 3000)
    async with reading(workspace, running) as (one, _):
        await one.press("g", "slash", *"row 25 ")
        await one.sees("1 match")
        await one.press("enter")
        await one.sees("›row 25 of many")
        await one.press("enter")
        await one.sees("this is the only match")
        await one.press(*["backspace"] * 7, *"99 of")
        await one.sees("30 matches")
        await one.press("enter", "enter")
        await one.sees("›row 199 of many")
        await one.press("up")
        await one.sees("›row 99 of many")
        await one.press("tab")
        await one.sees("only matches", "row 1899 of many")
        assert "row 100 of" not in one.screen
        await one.press("escape", "z")
        await one.sees("row 100 of many")
        await one.press("escape", "escape")
        await one.sees("base model")


async def test_is_told_when_a_file_is_cut_off_replaced_or_not_there(
    workspace: Workspace, running: script.Script
) -> None:
    path = many(workspace, 500)
    async with reading(workspace, running) as (one, _):
        await one.sees("row 500 of many")
        os.truncate(path, 0)
        await one.sees("begun anew", "nothing was written yet")
        path.rename(path.with_suffix(".1"))
        path.write_text("another file\n")
        await one.sees("another file")
        await one.press("shift+tab", "shift+tab")
        await one.sees("there is no cli.log here yet")


async def test_scrolls_a_long_line_sideways_and_sees_what_is_hidden_in_it(
    workspace: Workspace, running: script.Script
) -> None:
    line = b"begin " + b"x" * 1_000_000 + b" end\n"
    log_of(workspace).write_bytes(b"\x1b[31mred\x1b[0m and \x07 bell \xff\n" + line)
    async with reading(workspace, running) as (one, _):
        await one.sees("red and ␇ bell �", "begin xxx")
        await one.press("dollar_sign")
        await one.sees("xxx end")
        await one.press("circumflex_accent")
        await one.sees("begin xxx")
        await one.press("slash", *" end", "enter")
        await one.sees("xxx end")
        await one.press("escape", "circumflex_accent")
        await one.sees("begin xxx")
        await one.press("l")
        await one.until(lambda: "begin" not in one.screen)
        assert "\x1b" not in one.screen and "\x07" not in one.screen


async def test_reads_the_events_as_they_come(workspace: Workspace, running: script.Script) -> None:
    async with reading(workspace, running) as (one, engine):
        await one.press("1")
        await one.sees("what happened in r1", "! n4t0 failed (idea)")
        await engine.publish(ev.Noted(text="a fact of the search"))
        await one.sees("a fact of the search")
        await one.press("slash", *"diverged", "enter")
        await one.sees("›", "the loss diverged at step 14")


async def test_asks_for_a_log_by_name(workspace: Workspace, running: script.Script) -> None:
    workspace.engine_log.write_text("the engine says this\n")
    async with FakeEngine(workspace, running.records), looking(workspace) as one:
        one.app.action_show("logs", "engine")
        await one.sees("the engine says this")
        await one.press("escape")
        one.app.action_show("logs", "n2t1")
        await one.sees("[3 n2t1]", "step 1: loss")
        await one.press("escape")
        one.app.action_show("logs", "nonsense")
        await one.sees("no log is called nonsense; there are events")


async def test_copies_lines_whole(workspace: Workspace, running: script.Script) -> None:
    log_of(workspace).write_text("first\n" + "x" * 300 + " end\n")
    async with reading(workspace, running) as (one, _):
        await one.sees("xxx")
        await one.press("y")
        await one.until(lambda: one.app.clipboard == "x" * 300 + " end")
        await one.press("Y")
        await one.until(lambda: one.app.clipboard.startswith("first\nxxx"))
        await one.sees("copied: 2 lines")


async def test_an_empty_workspace_has_logs_too(workspace: Workspace) -> None:
    async with FakeEngine(workspace, []), looking_empty(workspace) as one:
        await one.press("L")
        await one.sees("there is no researcher.log here yet")
        await one.press("z")
        await one.sees("nothing is looked for; / asks for a text")


@asynccontextmanager
async def looking_empty(workspace: Workspace) -> AsyncIterator[Person]:
    from .person import person

    async with person(workspace, SMALL) as one:
        await one.sees("No search yet")
        yield one


async def test_a_folder_that_is_gone_ends_nothing(workspace: Workspace, running: script.Script) -> None:
    async with reading(workspace, running) as (one, _):
        shutil.rmtree(workspace.trial(script.RUN, "n6t0"))
        await one.press("k", "G", "slash", *"loading")
        await one.sees("1 match")


async def test_the_pane_of_the_search_has_one_clock_and_one_line_for_progress(
    workspace: Workspace, running: script.Script
) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace, LARGE) as one:
        await one.sees("training 23/64")
        with log_of(workspace).open("a") as log:
            log.write("00:14:57.123 step 9/64: loss 0.31\nfetching data  10%\rfetching data 100%\nfetching data 100%\n")
        await one.sees("00:14:57 n6t0 | step 9/64: loss 0.31", "n6t0 | fetching data 100%")
        assert "fetching data  10%" not in one.screen
        assert one.screen.count("fetching data") == 1
