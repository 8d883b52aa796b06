"""The connection: it comes back by itself, misses nothing and brings nothing twice."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from engine.control import protocol as p
from engine.search import events as ev
from engine.workspace import Workspace
from trex_tui.cli import main
from trex_tui.client.link import SocketLink
from trex_tui.client.replay import Replay
from trex_tui.client.source import Source
from trex_tui.model.store import Store

from . import script
from .fake_engine import FakeEngine


async def until(fact: Callable[[], object]) -> None:
    async with asyncio.timeout(15):
        while not fact():  # noqa: ASYNC110 - facts are not events
            await asyncio.sleep(0.01)


@asynccontextmanager
async def fed(source: Source, store: Store) -> AsyncIterator[None]:
    task = asyncio.create_task(source.feed(store))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_killed_engine_that_comes_back_leaves_no_gap_and_no_duplicate(
    workspace: Workspace, running: script.Script
) -> None:
    store, half = Store(), len(running.records) // 2
    async with fed(SocketLink(workspace.socket), store):
        await until(lambda: store.link.kind == "down")
        async with FakeEngine(workspace, running.records[:half]):
            await until(lambda: store.last_seq == half)
        await until(lambda: store.link.kind == "down")
        async with FakeEngine(workspace, running.records) as engine:
            await until(lambda: store.last_seq == len(running.records))
            assert engine.subscriptions == [half]
            await engine.publish(ev.Noted(text="live again"))
            await until(lambda: store.last_seq == len(running.records) + 1)
    seen = [line.seq for line in store.runs["r1"].log.lines if isinstance(line, ev.Record)]
    assert seen == list(range(1, len(running.records) + 2))


async def test_a_command_gets_its_own_answer(workspace: Workspace, running: script.Script) -> None:
    store, link = Store(), SocketLink(workspace.socket)
    async with FakeEngine(workspace, running.records) as engine, fed(link, store):
        await until(lambda: store.link.kind == "live")
        asked = [p.SetFlag(id=0, run="r1", node=node, flag="paused", on=True) for node in ("n1", "n2")]
        replies = await asyncio.gather(*(link.command(command) for command in asked))
        assert [reply.ok for reply in replies] == [True, True]
        assert [reply.id for reply in replies] == [command.id for command in engine.commands] == [1, 2]


async def test_a_command_without_an_engine_is_refused_in_one_sentence(workspace: Workspace) -> None:
    reply = await SocketLink(workspace.socket).command(p.GetStatus(id=0))
    assert not reply.ok and "engine is not running" in reply.text


async def test_an_engine_that_dies_before_it_answers_is_said(workspace: Workspace, running: script.Script) -> None:
    store, link = Store(), SocketLink(workspace.socket)
    async with fed(link, store):
        async with FakeEngine(workspace, running.records) as engine:
            await until(lambda: store.link.kind == "live")
            engine.mute = True
            waiting = asyncio.create_task(link.command(p.GetStatus(id=0)))
            await until(lambda: engine.commands)
        reply = await waiting
    assert not reply.ok and "went away" in reply.text


async def test_a_flood_leaves_turns_for_keys(workspace: Workspace) -> None:
    """While 30,000 records come in, the loop must keep running other work."""
    out = script.Script(start=time.time())
    out.say(script.created())
    flood = [ev.Record(seq=n, time=0.0, run="r1", event=ev.Noted(text="x")) for n in range(2, 30_000)]
    store, turns = Store(), 0
    async with FakeEngine(workspace, out.records + flood), fed(SocketLink(workspace.socket), store):
        await until(lambda: store.last_seq > 1)
        while store.last_seq < 29_999:
            await asyncio.sleep(0)
            turns += 1
    assert turns > 10


async def test_a_recording_is_the_same_to_the_store_and_takes_no_commands(running: script.Script) -> None:
    store, replay = Store(), Replay(running.records, at=running.time)
    async with fed(replay, store):
        await until(lambda: store.link.kind == "replay")
        assert store.last_seq == running.records[-1].seq
        reply = await replay.command(p.GetStatus(id=0))
        assert not reply.ok and "recording" in reply.text


async def test_an_engine_that_was_told_to_end_is_said_until_another_is_there(
    workspace: Workspace, running: script.Script
) -> None:
    store = Store()
    async with fed(SocketLink(lambda: workspace.socket), store):
        async with FakeEngine(workspace, running.records) as engine:
            await until(lambda: store.last_seq == len(running.records))
            assert store.link.last_seq == len(running.records)
            await engine.say_goodbye("ana")
        await until(lambda: store.link.kind == "down")
        await asyncio.sleep(0.5)  # two attempts to connect
        assert store.link.told and "ended by ana" in store.link.text
        async with FakeEngine(workspace, running.records):
            await until(lambda: store.link.kind == "live")
        await until(lambda: store.link.kind == "down")
        assert not store.link.told


HOLDER = """
import fcntl, sys, time
lock = open(sys.argv[1], "a+")
fcntl.lockf(lock, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""


async def test_an_engine_of_another_version_can_be_told_to_end(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    old = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, str(workspace.engine_lock), stdout=asyncio.subprocess.PIPE
    )
    assert old.stdout is not None and await old.stdout.readline()
    async with FakeEngine(workspace, [], version=p.VERSION + 1):
        code = await asyncio.to_thread(main, ["--workspace", str(workspace.home), "engine", "stop"])
    assert code == 0 and "is of another version and was told to end" in capsys.readouterr().out
    assert await asyncio.wait_for(old.wait(), 15) == -signal.SIGTERM
