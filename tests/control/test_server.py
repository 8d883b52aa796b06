"""The socket: records without gaps, refusals in sentences, slow and hostile clients."""

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from socket import AF_UNIX
from socket import socket as Socket  # noqa: N812 - `socket` is a path here

import pytest

from engine.control import protocol as p
from engine.control import server as server_module
from engine.control.client import Connection, call
from engine.control.server import AHEAD, BATCH_BYTES, Server
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


async def test_a_refused_client_that_goes_on_talking_still_hears_why(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, _, socket):
        reader, writer = await asyncio.open_unix_connection(socket)
        writer.write(p.encode(p.Hello(version=99)) + b"x" * 100_000)
        async with asyncio.timeout(5):
            said = await reader.read()
        assert isinstance(p.decode_from_engine(said[p.HEADER.size :]), p.Refused)
        writer.close()


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


async def test_a_process_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "peer_user", lambda _: os.getuid() + 1)
    async with serving(tmp_path) as (_, _, socket):
        with pytest.raises(BadInput, match="another user"):
            await Connection.open(socket)


async def test_the_kernel_says_whose_process_the_peer_is(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, _, socket):
        _, writer = await asyncio.open_unix_connection(socket)
        assert server_module.peer_user(writer.get_extra_info("socket")) == os.getuid()
        writer.close()


async def test_a_client_that_never_reads_holds_little_memory_and_stops_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, journal, socket):
        read, size = 0, 500_000

        def stored(since: int, limit: int) -> Iterator[tuple[int, float, str, bytes]]:
            nonlocal read
            for row in Journal.stored(journal, since, limit):
                read += len(row[3])
                yield row

        for _ in range(40):
            journal.append("demo-1", ev.Noted(text="x" * size))
        journal.stored = stored  # type: ignore[method-assign]
        with closing(unread(socket, p.Hello(version=p.VERSION), p.Subscribe())):
            assert (await call(socket, p.GetStatus(id=1))).ok
            await asyncio.sleep(0.1)
            in_the_kernel = 1_000_000
            assert 0 < read < 2 * (AHEAD + size + in_the_kernel)  # each of these records is looked at twice


def unread(path: Path, *messages: p.FromClient) -> Socket:
    """A client that says something and never reads."""
    client = Socket(AF_UNIX)
    client.connect(str(path))
    client.sendall(b"".join(p.encode(message) for message in messages))
    return client


async def test_an_event_larger_than_a_frame_is_said_and_not_waited_for(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, journal, socket):
        journal.append("demo-1", ev.Noted(text="fits"))
        journal.append("demo-1", ev.Noted(text="x" * (p.MAX_FRAME + 1)))
        connection = await Connection.open(socket)
        await connection.send(p.Subscribe())
        async with asyncio.timeout(5):
            said = [message async for message in connection]
        assert isinstance(said[-1], p.Refused) and "more than" in said[-1].reason
        assert (await call(socket, p.GetStatus(id=1))).ok


async def test_a_quick_client_with_a_long_history_leaves_turns_for_others(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, journal, socket):
        for _ in range(2000):
            journal.append("demo-1", ev.Noted(text="x" * 2000))
        connection, turns = await Connection.open(socket), 0
        await connection.send(p.Subscribe())
        reading = asyncio.create_task(collect(connection, 2000))
        while not reading.done():
            await asyncio.sleep(0)
            turns += 1
        assert [r.seq for r in reading.result()] == list(range(1, 2001))
        assert turns > 2000 * 2000 // BATCH_BYTES
        await connection.close()


async def test_no_engine_is_said_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(MachineFailure, match="trex run"):
        await call(tmp_path / "nobody", p.GetStatus(id=1))


@pytest.mark.parametrize("by", ["", "ana"])
async def test_an_engine_that_was_told_to_end_says_so(tmp_path: Path, by: str) -> None:
    async with serving(tmp_path) as (server, _, socket):
        connection = await Connection.open(socket)
        await connection.send(p.Subscribe())
        await server.close(by)
        async with asyncio.timeout(10):
            words = [message async for message in connection if isinstance(message, p.Goodbye)]
        assert words == ([p.Goodbye(by="ana")] if by else [])
        await connection.close()
