"""Talking to a trial, as it stands on the screen. The process is a stand-in here; tests/chat has the real one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import ClassVar

import pytest

from engine.chat.messages import Answered, Ask, Done, Fault, FromChild, Moved, Opening, Piece, Ready
from engine.errors import MachineFailure
from engine.task import Evaluation, Format
from engine.workspace import Workspace
from trex_tui.model.talk import Talk, verdict
from trex_tui.screens import chat

from . import script
from .fake_engine import FakeEngine
from .person import LARGE, MIDDLE, SMALL, Person, looking, misplaced
from .test_steering import go_to

TINY = (40, 12)


def done(who: str = "tuned", **more: object) -> Done:
    values = {"id": 1, "who": who, "tokens": 3, "seconds": 0.2, "end": "end", **more}
    return Done(**values)  # type: ignore[arg-type]


class StandIn:
    """Says what a test puts into it."""

    made: ClassVar[list[StandIn]] = []

    def __init__(self, opening: Opening) -> None:
        self.opening, self.asked, self.closed, self.halted = opening, list[Ask](), False, False
        self.says: asyncio.Queue[FromChild | Exception] = asyncio.Queue()
        self.made.append(self)

    async def listen(self) -> AsyncIterator[FromChild]:
        while True:
            said = await self.says.get()
            if isinstance(said, Exception):
                raise said
            yield said

    async def ask(self, ask: Ask) -> None:
        self.asked.append(ask)

    async def halt(self) -> None:
        self.halted = True

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> list[StandIn]:
    def opening_for(*_: object) -> Opening:
        form, judged = (
            Format(prompt="Review: {text}\nSentiment:"),
            Evaluation(mode="label_likelihood", labels=("a", "b")),
        )
        return Opening(model_dir="", cache="", lock="", format=form, evaluation=judged, adapter="x")

    monkeypatch.setattr(chat, "Chat", StandIn)
    monkeypatch.setattr(chat, "opening_for", opening_for)
    StandIn.made.clear()
    return StandIn.made


async def open_chat(one: Person, node: str = "n4") -> None:
    await go_to(one, node)
    await one.press("a")
    await one.sees("chat with")


@pytest.mark.parametrize("size", [TINY, SMALL, MIDDLE, LARGE], ids=["40x12", "80x24", "120x40", "200x60"])
async def test_both_answers_stand_there_word_by_word(
    workspace: Workspace, running: script.Script, process: list[StandIn], size: tuple[int, int]
) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace, size) as one:
        await open_chat(one)
        (there,) = process
        there.says.put_nowait(Ready(device="cpu", note="a trial is at work, so one thread is used"))
        await one.until(lambda: "one thread" in one.screen.replace("\n", " ").replace("  ", " "), "the note")
        await one.press(*"a fine film", "enter")
        assert there.asked == [Ask(id=1, text="a fine film", seed=1)]
        for message in (Piece(id=1, who="tuned", text=" pos"), Piece(id=1, who="tuned", text="itive\x1b[2J")):
            there.says.put_nowait(message)
        await one.sees("positive [2J")
        there.says.put_nowait(done(judged={"positive": 0.93, "negative": 0.07}))
        there.says.put_nowait(Piece(id=1, who="base", text="一部令人难忘的电影 [bold]"))
        there.says.put_nowait(done("base", end="halted"))
        there.says.put_nowait(Answered(id=1))
        await one.sees("[bold]", "stopped")
        assert misplaced(one.app) == []
        if size != TINY:
            await one.sees("judged positive 0.93, negative 0.07; 3 tokens in 0.2 s", "base: SmolLM2-135M-Instruct")


async def test_esc_stops_the_answer_and_then_leaves(
    workspace: Workspace, running: script.Script, process: list[StandIn]
) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace) as one:
        await open_chat(one)
        (there,) = process
        there.says.put_nowait(Ready(device="cpu"))
        await one.sees("on cpu")
        await one.press(*"x", "enter", *"y", "enter")
        await one.sees("an answer is being given; esc stops it", "esc stop")
        assert len(there.asked) == 1
        await one.press("escape")
        await one.until(lambda: there.halted)
        there.says.put_nowait(Answered(id=1))
        await one.sees("esc back")
        assert not there.closed
        await one.press("escape")
        await one.until(lambda: there.closed, "the process is ended")
        await one.sees("base model")


async def test_settings_go_with_the_prompt_and_the_last_one_comes_back(
    workspace: Workspace, running: script.Script, process: list[StandIn]
) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace) as one:
        await open_chat(one)
        (there,) = process
        there.says.put_nowait(Ready(device="cpu"))
        await one.sees("prompt: Review: {text}⏎Sentiment: · greedy · 64 tokens")
        await one.press("ctrl+r", "ctrl+o", "ctrl+l")
        await one.sees("prompt: as it is · temperature 0.5 · 256 tokens")
        await one.press(*"x", "enter")
        assert there.asked == [Ask(id=1, text="x", raw=True, temperature=0.5, length=256, seed=1)]
        await one.press("up")
        await one.sees(" x ")


async def test_a_process_that_dies_is_one_sentence(
    workspace: Workspace, running: script.Script, process: list[StandIn]
) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace) as one:
        await open_chat(one)
        process[0].says.put_nowait(MachineFailure("the chat's process has died", hint="open it again"))
        await one.sees("! the chat's process has died; open it again")
        await one.press(*"x", "enter")
        await one.sees("! the chat's process has died; open it again")
        assert process[0].asked == []


async def test_without_its_files_there_is_one_sentence(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace) as one:
        await go_to(one, "n0")
        await one.press("a")
        await one.sees("! ", "task.json")


def test_an_answer_that_moves_to_the_processor_begins_again() -> None:
    talk = Talk()
    talk.take(Ready(device="the card"))
    turn = talk.begin("x")
    talk.take(Piece(id=1, who="tuned", text="half"))
    talk.take(Moved(reason="a trial has taken the card"))
    assert turn.said == {} and talk.busy and "a trial has taken the card" in talk.state
    talk.take(Ready(device="cpu"))
    talk.take(Piece(id=1, who="tuned", text="whole"))
    assert turn.said == {"tuned": "whole"} and talk.state == "on cpu"


def test_a_wrong_prompt_leaves_the_chat_open_and_a_fatal_fault_ends_it() -> None:
    talk = Talk()
    turn = talk.begin("x")
    talk.take(Fault(text="the prompt is empty"))
    assert (turn.problem, talk.busy, talk.problem) == ("the prompt is empty", False, "")
    talk.take(Fault(text="out of memory", fatal=True))
    assert talk.problem == "out of memory"


def test_a_verdict_names_at_most_four_labels() -> None:
    many = {name: share / 10 for share, name in enumerate("abcde")}
    assert verdict(done(judged=many)).startswith("judged e 0.40, d 0.30, c 0.20, b 0.10; 3 tokens")
    assert verdict(done(tokens=1)) == "1 token in 0.2 s"
