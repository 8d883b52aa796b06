"""Habits: themes, the command line, coming back after a night, notifications, an engine that dies, only looking."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from engine.control import protocol as p
from engine.search import events as ev
from engine.workspace import Workspace
from trex_tui import settings
from trex_tui.around import Around
from trex_tui.client.machine import MachineWatch
from trex_tui.model.machine import Card, Reading
from trex_tui.settings import Settings
from trex_tui.visit import Visit

from . import script
from .fake_engine import FakeEngine
from .person import SMALL, Person, looking, misplaced

PHONE = (40, 12)


def overheard(one: Person) -> list[str]:
    """What the terminal is told from now on."""
    told: list[str] = []
    one.app._attention._write = told.append
    return told


async def test_sees_the_best_what_runs_and_the_end_on_a_phone(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records) as engine, looking(workspace, PHONE) as one:
        engine.pulse = p.Pulse(time=0, run="r1", holder="n6t0", device="cpu", eta=running.time + 400)
        await one.sees("► ★ n4t1 0.877 ±0.037", "+0.317", "n6t0 trains, step 23 of 64", "ends about")
        assert misplaced(one.app) == []


async def test_reads_what_comes_next_and_what_is_kept_back(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace, (200, 60)) as one:
        await one.sees("next n6t1, then the best 2 on unseen rows", "why below n4 (uct", "kept for test and report")


async def test_is_told_who_computes_while_the_researcher_thinks(workspace: Workspace, running: script.Script) -> None:
    out = script.Script(start=time.time() - 60)
    out.say(script.created())
    out.judge("n0t0", 0.56, 20)
    out.grow("n1", "n0", script.plan("baseline", "as by hand", source="baseline"))
    out.judge("n1t0", 0.8, 20)
    out.learn("n1", "Short rows are wrong.", "One epoch is not enough.")
    out.say(ev.NodeAdded(node="n2", parent="n0"))
    async with FakeEngine(workspace, out.records) as engine, looking(workspace) as one:
        engine.pulse = p.Pulse(time=0, run="r1", activity="n2 is being planned", device="CPU")
        await one.sees("the Researcher writes n2's plan", "CPU lease free, the Researcher computes")


async def test_sees_the_machine_and_nothing_cut_where_it_is_narrow(
    workspace: Workspace, running: script.Script
) -> None:
    card = Card("H", 11 * 2**30, 24 * 2**30, 0.93, 212.4, 71.0)
    machine = MachineWatch(lambda: lambda: Reading(0.5, 2**30, 2**31))
    machine.latest = Reading(0.78, 7 * 2**30, 24 * 2**30, card)
    around = Around(machine=machine)
    async with FakeEngine(workspace, running.records), looking(workspace, (200, 60), around=around) as one:
        await one.sees("GPU █ 93%", "VRAM ▄ 11.0 of 24 GiB", "CPU ▇ 78%", "71 °C", "212 W", "352 tokens/s")
    async with FakeEngine(workspace, running.records), looking(workspace, SMALL, around=around) as one:
        await one.sees("GPU █ 93%")
        assert misplaced(one.app) == []


async def test_turns_through_the_themes_and_the_last_one_is_kept(
    workspace: Workspace, running: script.Script, tmp_path: Path
) -> None:
    kept = tmp_path / "config" / "interface.toml"
    async with FakeEngine(workspace, running.records), looking(workspace, around=Around(kept_at=kept)) as one:
        await one.press("ctrl+t")
        await one.sees("theme light")
        await one.press("colon", *"theme contrast", "enter")
        await one.sees("theme contrast")
        await one.until(lambda: settings.load(kept)[0].theme == "trex-contrast", "kept")
        assert one.app.theme == "trex-contrast"


async def test_finds_own_keys_and_settings_again(workspace: Workspace, running: script.Script) -> None:
    around = Around(settings=Settings(theme="trex-light", keys={"prune": "D"}))
    async with FakeEngine(workspace, running.records), looking(workspace, around=around) as one:
        assert one.app.theme == "trex-light"
        await one.press("x")
        assert "Prune" not in one.screen
        await one.press("D")
        await one.sees("Prune n6?")
        await one.press("escape", "question_mark")
        await one.press("slash", *"prune the")
        row = next(row for row in one.screen.splitlines() if "Prune the selected branch" in row)
        assert row.split("Prune the")[0].split("│")[-1].strip() == "D"


async def test_is_told_why_the_settings_cannot_be_used(workspace: Workspace, running: script.Script) -> None:
    around = Around(complaint="interface.toml: no theme `ligth`; did you mean `light`?")
    async with FakeEngine(workspace, running.records), looking(workspace, around=around) as one:
        await one.sees("did you mean `light`?")


async def test_says_a_command_with_completion_and_history(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records) as engine, looking(workspace) as one:
        await one.press("colon", *"pru", "tab")
        await one.sees(":prune ")
        await one.press(*"n4", "enter", "y")
        await one.until(lambda: engine.commands, "prune was sent")
        command = engine.commands[0]
        assert isinstance(command, p.SetFlag) and (command.node, command.flag, command.on) == ("n4", "pruned", True)
        await one.press("colon", "up")
        await one.sees(":prune n4")
        assert misplaced(one.app) == []


async def test_a_command_that_is_none_is_told_the_nearest_and_kept_for_mending(
    workspace: Workspace, running: script.Script
) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace, SMALL) as one:
        await one.press("colon", *"gto n2", "enter")
        await one.sees("no command `gto`; did you mean `goto`?", ":gto n2")
        await one.press(*["backspace"] * 6, *"goto n2", "enter")
        await one.until(lambda: one.selected == "n2", "n2 is selected")


async def test_every_key_of_the_screen_can_be_said(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace) as one:
        await one.press("colon", *"runs", "enter")
        await one.until(lambda: one.app.screen.id == "runs", "the list of runs")
        await one.press("escape", "colon", *"help", "enter")
        await one.sees("help: every key")


async def test_comes_back_in_the_morning_to_a_report(workspace: Workspace, running: script.Script) -> None:
    path = workspace.home / "interface.json"
    Visit(path).note(time.time() - 8 * 3600, leaving=True)
    assert path.stat().st_mode & 0o077 == 0
    async with FakeEngine(workspace, running.records), looking(workspace, around=Around(visit=Visit(path))) as one:
        await one.sees(
            "since you left", "8 h ago", "best n4t1 0.877", "Tried", "Learned", "Failed", "the loss diverged"
        )
        assert misplaced(one.app) == []
        await one.press("tab")
        await one.sees("since the beginning")
        await one.press("escape")
        await one.sees("base model")
    assert time.time() - Visit(path).before < 60


async def test_who_was_here_just_now_is_not_greeted(workspace: Workspace, running: script.Script) -> None:
    path = workspace.home / "interface.json"
    Visit(path).note(time.time() - 600, leaving=True)
    async with FakeEngine(workspace, running.records), looking(workspace, around=Around(visit=Visit(path))) as one:
        one.app.glance()
        await one.pilot.pause()
        assert "since you left" not in one.screen
        await one.press("A")
        await one.sees("since you left", "10 min")


async def test_touches_a_key_after_a_night_with_the_interface_open(
    workspace: Workspace, running: script.Script
) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace) as one:
        one.app._touched = time.time() - 8 * 3600
        await one.press("j")
        await one.sees("A shows what has happened in the 8 h")
        await one.press("A")
        await one.sees("since you left", "8 h ago")


async def test_is_called_for_news_and_never_for_history(workspace: Workspace, running: script.Script) -> None:
    around = Around(terminal={"TERM": "xterm-kitty"})
    async with FakeEngine(workspace, running.records) as engine, looking(workspace, around=around) as one:
        told = overheard(one)
        one.app.glance()
        assert [text for text in told if "]99;" in text] == []
        await engine.publish(script.finished("n6t0", 0.9))
        await one.until(lambda: any("]99;;n6t0 of r1 is better than all before" in text for text in told), "a call")
        await engine.publish(ev.RunPaused(by="engine", reason="the disk is full"))
        await one.until(lambda: any("r1 is paused: the disk is full" in text for text in told), "a call for help")
        await one.press("colon", *"notify off", "enter")
        await engine.publish(ev.RunResumed(by="ana"), ev.RunEnded(state="done", reason="done"))
        await one.until(lambda: any("● done" in text for text in told), "the title")
        assert not any("r1 is done" in text for text in told)


async def test_an_engine_that_died_is_started_again(
    workspace: Workspace, running: script.Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trex_tui.client.keeper.DOWN", 0.0)
    started = threading.Event()
    async with looking_at_a_dying_engine(workspace, running, Around(start_engine=started.set)) as one:
        await one.until(started.is_set, "a new engine")
        await one.sees("the engine is running again")


async def test_an_engine_that_somebody_ended_is_left_alone_until_a_person_starts_it(
    workspace: Workspace, running: script.Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trex_tui.client.keeper.DOWN", 0.0)
    started = threading.Event()
    around = Around(start_engine=started.set)
    async with looking_at_a_dying_engine(workspace, running, around, told_by="ana") as one:
        await one.sees("the engine was ended by ana; K starts it", "K start engine")
        for _ in range(3):
            one.app.glance()
            await one.pilot.pause()
        assert not started.is_set()
        await one.press("K")
        await one.until(started.is_set, "a new engine")


class looking_at_a_dying_engine:  # noqa: N801 - a context manager
    """Somebody looks while the engine goes away, with or without a last word."""

    def __init__(self, workspace: Workspace, out: script.Script, around: Around, told_by: str = "") -> None:
        self._workspace, self._out, self._around, self._told_by = workspace, out, around, told_by

    async def __aenter__(self) -> Person:
        engine = FakeEngine(self._workspace, self._out.records)
        await engine.__aenter__()
        self._looking = looking(self._workspace, around=self._around)
        one = await self._looking.__aenter__()
        one.app.glance()
        if self._told_by:
            await engine.say_goodbye(self._told_by)
        await engine.__aexit__()
        await one.until(lambda: one.app.live.link.kind == "down", "the engine is gone")
        return one

    async def __aexit__(self, *why: object) -> None:
        await self._looking.__aexit__(*why)  # type: ignore[arg-type]


async def test_only_looks_and_is_told_so(workspace: Workspace, running: script.Script) -> None:
    async with (
        FakeEngine(workspace, running.records) as engine,
        looking(workspace, around=Around(read_only=True)) as one,
    ):
        await one.sees("read-only")
        for key in ("p", "x", "H", "n"):
            await one.press(key)
            if key == "n":
                await one.press("escape")
                continue
            await one.sees("this interface only looks")
        assert "p pause" not in one.screen
        assert engine.commands == []


async def test_takes_a_picture_of_the_screen(
    workspace: Workspace, running: script.Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with FakeEngine(workspace, running.records), looking(workspace) as one:
        await one.press("f12")
        await one.until(lambda: list(tmp_path.glob("trex-*.svg")), "a picture")
        await one.press("colon", *"screenshot here.svg", "enter")
        await one.until(lambda: (tmp_path / "here.svg").exists(), "another")
        await one.sees("the screen is in")
    assert "movie_sentiment" in (tmp_path / "here.svg").read_text()


async def test_an_engine_of_another_version_that_is_understood_is_said(
    workspace: Workspace, running: script.Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.tui.fake_engine.__version__", "9.9")
    async with FakeEngine(workspace, running.records), looking(workspace) as one:
        await one.sees("the engine is version 9.9")


def test_what_cannot_be_read_of_a_visit_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "interface.json"
    for text in ("", "{", '{"looked": "x"}', '{"more": 1}', "\x00" * 100):
        path.write_text(text)
        assert (Visit(path).before, Visit(path).said) == (0.0, [])
    Visit(tmp_path / "no" / "where").note(1.0)
