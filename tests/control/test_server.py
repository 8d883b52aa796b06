"""The socket: records without gaps, refusals in sentences, slow and hostile clients."""

import asyncio
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from engine.control import protocol as p
from engine.control.client import Connection, call
from engine.control.server import Server
from engine.errors import BadInput, MachineFailure
from engine.journal import Journal
from engine.search import events as ev
from tests import story


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[tuple[Server, Journal, Path]]:
    journal = Journal.open(folder / "journal.db")

    async def handle(command: p.Command) -> p.Reply:
        if isinstance(command, p.StopRun):
            raise BadInput("no such run")
        return p.Reply(id=command.id, ok=True, text=type(command).__name__)

    def welcome() -> p.Welcome:
        return p.Welcome(version=p.VERSION, engine="test", pid=1, workspace="", last_seq=journal.last_seq)

    server = Server(folder / "s", journal, handle, lambda: p.Pulse(time=1.0), welcome)
    await server.start()
    try:
        yield server, journal, folder / "s"
    finally:
        await server.close()
        journal.close()


async def collect(connection: Connection, count: int) -> list[ev.Record]:
    found: list[ev.Record] = []
    async with asyncio.timeout(10):
        async for message in connection:
            if isinstance(message, p.Records):
                found.extend(message.records)
            if len(found) >= count:
                return found
    raise AssertionError("the connection ended")


async def test_history_and_news_come_in_order_without_a_gap(tmp_path: Path) -> None:
    async with serving(tmp_path) as (server, journal, socket):
        for record in story.records(story.created(), story.base()):
            journal.append("demo-1", record.event)
        connection = await Connection.open(socket)
        await connection.send(p.Subscribe(since=1))
        assert [r.seq for r in await collect(connection, 2)] == [2, 3]
        for number in range(500):
            journal.append("demo-1", ev.Noted(text=str(number)))
            if number % 50 == 0:
                server.announce()
        server.announce()
        assert [r.seq for r in await collect(connection, 500)] == list(range(4, 504))
        await connection.close()


async def test_large_records_are_split_over_frames(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, journal, socket):
        for _ in range(8):
            journal.append("demo-1", ev.Noted(text="x" * 1_000_000))
        connection = await Connection.open(socket)
        await connection.send(p.Subscribe())
        assert len(await collect(connection, 8)) == 8
        await connection.close()


async def test_commands_are_answered_and_refused_in_words(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, _, socket):
        assert (await call(socket, p.GetStatus(id=7))).text == "GetStatus"
        refused = await call(socket, p.StopRun(id=8, run="x"))
        assert (refused.ok, refused.text) == (False, "no such run")


@pytest.mark.parametrize(
    "first",
    [
        p.encode(p.Hello(version=99)),
        p.encode(p.GetStatus(id=1)),
        p.HEADER.pack(5) + b"\xc1abcd",
        p.HEADER.pack(2**31),
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
async def test_whoever_does_not_speak_the_protocol_gets_one_sentence(tmp_path: Path, first: bytes) -> None:
    async with serving(tmp_path) as (server, _, socket):
        reader, writer = await asyncio.open_unix_connection(socket)
        writer.write(first)
        async with asyncio.timeout(5):
            data = await reader.read()
        assert isinstance(p.decode_from_engine(data[p.HEADER.size :]), p.Refused)
        writer.close()
        assert (await call(socket, p.GetStatus(id=1))).ok
        assert server.clients <= 1


async def test_a_client_that_never_reads_stops_nobody(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, journal, socket):
        for _ in range(20):
            journal.append("demo-1", ev.Noted(text="x" * 500_000))
        slow = await Connection.open(socket)
        await slow.send(p.Subscribe())
        quick = await Connection.open(socket)
        await quick.send(p.Subscribe())
        assert len(await collect(quick, 20)) == 20
        await quick.close()
        await slow.close()


async def test_the_socket_is_the_owners_alone(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, _, socket):
        assert stat.S_IMODE(socket.stat().st_mode) == 0o600
    assert not socket.exists()


async def test_no_engine_is_said_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(MachineFailure, match="trex run"):
        await call(tmp_path / "nobody", p.GetStatus(id=1))
