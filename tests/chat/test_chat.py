"""The chat's process, with a tiny real model and an adapter: it answers, stops, gives way, and ends with its asker."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from engine import models
from engine.chat.messages import Answered, Ask, Done, Fault, FromChild, Opening, Piece, Ready, from_child, to_child
from engine.chat.process import Chat
from engine.chat.speaker import filled
from engine.errors import BadInput, MachineFailure
from engine.task import Evaluation, Format
from tests.tinymodels import write_tiny_gguf

FORM = Format(prompt="{word}:", answer=" {answer}")
LABELS = Evaluation(mode="label_likelihood", labels=("yes", "no"))


@pytest.fixture(scope="module")
def opening(tmp_path_factory: pytest.TempPathFactory) -> Opening:
    folder = tmp_path_factory.mktemp("chat")
    gguf = write_tiny_gguf(folder / "tiny.gguf")
    base = models.import_file(gguf, "tiny", folder / "models", kind="base").path
    return Opening(
        model_dir=str(base),
        cache=str(folder / "cache"),
        lock=str(folder / "device.lock"),
        format=FORM,
        evaluation=LABELS,
        adapter=str(adapter(base, folder / "adapter")),
        device="cpu",
    )


def adapter(base: Path, target: Path) -> Path:
    """An adapter that changes what the model says."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    config = LoraConfig(r=4, lora_alpha=64, target_modules="all-linear", init_lora_weights=False)
    get_peft_model(AutoModelForCausalLM.from_pretrained(base), config).save_pretrained(target)
    return target


class Listener:
    """Collects what the process says, in the background."""

    def __init__(self, chat: Chat) -> None:
        self.chat, self.heard = chat, list[FromChild]()
        self.task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async for message in self.chat.listen():
            self.heard.append(message)

    async def until(self, what: type[FromChild] | Callable[[FromChild], bool], number: int = 1) -> list[FromChild]:
        fits = (lambda message: isinstance(message, what)) if isinstance(what, type) else what
        end = time.monotonic() + 60
        while sum(map(fits, self.heard)) < number:
            assert time.monotonic() < end, self.heard
            if self.task.done():
                self.task.result()
            await asyncio.sleep(0.02)
        return self.heard

    def said(self, who: str, id: int = 1) -> str:
        return "".join(m.text for m in self.heard if isinstance(m, Piece) and m.who == who and m.id == id)

    def done(self, who: str, id: int = 1) -> Done:
        return next(m for m in self.heard if isinstance(m, Done) and m.who == who and m.id == id)


@asynccontextmanager
async def talking(opening: Opening) -> AsyncIterator[Listener]:
    chat = Chat(opening)
    listener = Listener(chat)
    try:
        yield listener
    finally:
        await chat.close()
        listener.task.cancel()
        await asyncio.gather(listener.task, return_exceptions=True)


async def test_a_conversation_with_both_models(opening: Opening) -> None:
    async with talking(opening) as one:
        await one.until(Ready)
        await one.chat.ask(Ask(id=1, text="abba", length=12))
        await one.until(Answered)
        assert one.said("tuned") != one.said("base")
        assert sum(isinstance(m, Piece) and m.who == "tuned" for m in one.heard) > 1, "token by token"
        for who in ("tuned", "base"):
            judged = one.done(who).judged
            assert set(judged) == {"yes", "no"} and sum(judged.values()) == pytest.approx(1.0)

        await one.chat.ask(Ask(id=2, text="abba", length=12))
        await one.until(Answered, 2)
        assert one.said("tuned", 2) == one.said("tuned", 1), "the most likely token each time"

        for id, seed in ((3, 1), (4, 1), (5, 2)):
            await one.chat.ask(Ask(id=id, text="x", raw=True, length=16, temperature=2.0, seed=seed))
            await one.until(Answered, id)
        assert one.said("base", 3) == one.said("base", 4) != one.said("base", 5)
        assert one.done("base", 3).judged == {}

        await one.chat.ask(Ask(id=6, text="abba", length=4000))
        (fault,) = (m for m in await one.until(Fault) if isinstance(m, Fault))
        assert "room for 128 tokens" in fault.text and not fault.fatal

        await one.chat.ask(Ask(id=7, text="abba", raw=True, length=120, temperature=2.0))
        await one.until(lambda m: isinstance(m, Piece) and m.id == 7, 1)
        await one.chat.halt()
        await one.until(Answered, 6)
        assert any(isinstance(m, Done) and m.id == 7 and m.end == "halted" and m.tokens < 120 for m in one.heard)


async def test_beside_a_trial_it_makes_itself_small_and_a_killed_one_is_one_sentence(
    opening: Opening, tmp_path: Path
) -> None:
    with Held(tmp_path / "device.lock"):
        async with talking(msgspec.structs.replace(opening, lock=str(tmp_path / "device.lock"))) as one:
            (ready,) = (m for m in await one.until(Ready) if isinstance(m, Ready))
            assert "one thread" in ready.note
            assert one.chat.pid
            os.kill(one.chat.pid, signal.SIGKILL)
            with pytest.raises(MachineFailure, match=r"has died \(killed by signal 9\)"):
                await one.task


async def test_what_cannot_be_loaded_is_one_sentence(opening: Opening, tmp_path: Path) -> None:
    async with talking(msgspec.structs.replace(opening, adapter=str(tmp_path))) as one:
        (fault,) = (m for m in await one.until(Fault) if isinstance(m, Fault))
        assert fault.fatal and "the adapter is missing" in fault.text


async def test_it_ends_when_nobody_is_left_to_hear_it(opening: Opening) -> None:
    async with talking(opening) as one:
        await one.chat.started.wait()
        process = one.chat._process
        assert process and process.stdin
        process.stdin.close()  # while it loads
        assert await asyncio.wait_for(process.wait(), 20) == 0
        one.task.cancel()


@pytest.mark.parametrize(
    ("template", "text", "whole"),
    [("{word}:", "a | b", "a | b:"), ("{q} {{x}} {a} {q}", "one | two", "one {x} two one")],
)
def test_what_is_typed_goes_into_the_templates_columns(template: str, text: str, whole: str) -> None:
    assert filled(template, text) == whole


def test_a_column_too_few_is_refused() -> None:
    with pytest.raises(BadInput, match=r"2 columns; write q \| a"):
        filled("{q}{a}", "one")


@pytest.mark.parametrize("line", [b"", b"{}", b'{"kind": "ask"}', b"\xff", b"[" * 5000])
def test_a_line_that_is_no_message_is_refused(line: bytes) -> None:
    for read in (to_child, from_child):
        with pytest.raises(BadInput, match="not a message of the chat"):
            read(line)


class Held:
    """The device's lease in another process's hands."""

    def __init__(self, lock: Path) -> None:
        self.lock = lock

    def __enter__(self) -> None:
        self.lock.touch()
        ready, wrote = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            with self.lock.open("a+") as handle:
                fcntl.lockf(handle, fcntl.LOCK_EX)
                os.write(wrote, b"x")
                signal.pause()
            os._exit(0)
        os.read(ready, 1)
        os.close(ready)
        os.close(wrote)

    def __exit__(self, *_: object) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
