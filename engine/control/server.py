"""The engine's half of the socket: accepts clients, streams records to them, hands their commands to the engine.

Each client has a cursor into the journal, not a queue: a slow one is simply behind and holds no memory of ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from pathlib import Path
from typing import Protocol

from engine.control import protocol as p
from engine.errors import BadInput, MachineFailure, TrexError
from engine.files import disk_errors
from engine.search.events import Record
from engine.workspace import private

BATCH = 256
LOOK_SECONDS = 2.0
HELLO_SECONDS = 10.0
IDLE_WRITE_SECONDS = 30.0

log = logging.getLogger(__name__)


class History(Protocol):
    """What the server reads: the journal."""

    last_seq: int

    def records(self, since: int = 0, run: str | None = None, limit: int = -1) -> Iterable[Record]: ...


class Server:
    """One listening socket, 0600 in a 0700 folder. `handle` carries out a command and returns its reply."""

    def __init__(
        self,
        socket: Path,
        history: History,
        handle: Callable[[p.Command], Awaitable[p.Reply]],
        pulse: Callable[[], p.Pulse],
        welcome: Callable[[], p.Welcome],
    ) -> None:
        self._socket, self._history, self._handle, self._pulse, self._welcome = socket, history, handle, pulse, welcome
        self._news = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._inode = 0
        self._watch: asyncio.Task[None] | None = None
        self._clients: set[asyncio.Task[None]] = set()

    @property
    def clients(self) -> int:
        return len(self._clients)

    async def start(self) -> None:
        """Listen. The caller holds the engine's lock, so a socket file that exists is a dead engine's."""
        if len(str(self._socket)) > 100:
            raise MachineFailure(
                "the path of the engine's socket is too long", where=str(self._socket), hint="set XDG_RUNTIME_DIR"
            )
        await self._listen()
        self._watch = asyncio.create_task(self._stay_reachable())

    async def _listen(self) -> None:
        with disk_errors(self._socket, "with XDG_RUNTIME_DIR"):
            self._socket.unlink(missing_ok=True)
            before = os.umask(0o177)
            try:
                self._server = await asyncio.start_unix_server(self._accept, self._socket)
            finally:
                os.umask(before)
            self._inode = self._socket.stat().st_ino

    async def _stay_reachable(self) -> None:
        """Listen anew where the socket's file is gone: a logout removes $XDG_RUNTIME_DIR, a cleaner old files."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                if self._socket.lstat().st_ino == self._inode:
                    continue
            except OSError:
                pass
            with contextlib.suppress(TrexError, OSError):  # the folder may not be there yet, or not be private
                private(self._socket.parent)
                if self._server is not None:
                    self._server.close()
                await self._listen()
                log.info("the socket was gone; listening again at %s", self._socket)

    async def close(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        if self._server is not None:
            self._server.close()
        for task in list(self._clients):
            task.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)
        self._socket.unlink(missing_ok=True)

    def announce(self) -> None:
        """New records are in the journal."""
        # Whoever waits holds the old event; a reader that comes now takes the new one and reads first.
        self._news.set()
        self._news = asyncio.Event()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients.add(task)
        try:
            await self._serve(reader, writer)
        except BadInput as error:
            with contextlib.suppress(OSError):
                await _send(writer, p.Refused(reason=str(error)))
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            pass  # the client went away, or did not read for too long: it will reconnect from its last number
        except asyncio.CancelledError:
            pass  # `close` ends us, which asyncio before 3.12 would log as an error
        finally:
            self._clients.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(HELLO_SECONDS):
            hello = await _read(reader)
        if not isinstance(hello, p.Hello):
            raise BadInput("the first message must be hello")
        if hello.version != p.VERSION:
            older = "an older" if hello.version < p.VERSION else "a newer"
            raise BadInput(
                f"this client speaks {older} protocol (version {hello.version}, the engine speaks {p.VERSION})",
                hint="end the engine with `trex engine stop` and start it from the same installation",
            )
        await _send(writer, self._welcome())
        feeds: list[asyncio.Task[None]] = []
        try:
            while True:
                message = await _read(reader)
                if isinstance(message, p.Subscribe) and not feeds:
                    feeds.append(asyncio.create_task(_until_gone(self._feed(writer, message.since), writer)))
                    feeds.append(asyncio.create_task(_until_gone(self._beat(writer), writer)))
                elif isinstance(message, p.Hello | p.Subscribe):
                    raise BadInput(f"{type(message).__name__.lower()} was said already")
                else:
                    await _send(writer, await self._answer(message))
        finally:
            for feed in feeds:
                feed.cancel()

    async def _answer(self, command: p.Command) -> p.Reply:
        try:
            return await self._handle(command)
        except TrexError as error:
            return p.Reply(id=command.id, ok=False, text=str(error), failed=not isinstance(error, BadInput))
        except Exception:
            log.exception("command %s", command)
            text = "the engine failed on this command; see engine.log"
            return p.Reply(id=command.id, ok=False, text=text, failed=True)

    async def _feed(self, writer: asyncio.StreamWriter, cursor: int) -> None:
        """Everything after `cursor`, then what comes."""
        while True:
            news = self._news
            batch = tuple(self._history.records(cursor, limit=BATCH))
            if batch:
                cursor = batch[-1].seq
                for part in _fitting(batch):
                    await _send(writer, p.Records(records=part))
                continue
            await news.wait()

    async def _beat(self, writer: asyncio.StreamWriter) -> None:
        while True:
            await _send(writer, self._pulse())
            await asyncio.sleep(1.0)


async def _until_gone(feed: Coroutine[None, None, None], writer: asyncio.StreamWriter) -> None:
    """Run a feed; where the client no longer reads, cut the connection, which ends its reading half too."""
    try:
        await feed
    except (OSError, TimeoutError):
        writer.transport.abort()


def _fitting(batch: tuple[Record, ...]) -> list[tuple[Record, ...]]:
    """The batch in parts that fit a frame; prompts can make a record large."""
    try:
        p.encode(p.Records(records=batch))
        return [batch]
    except BadInput:
        if len(batch) == 1:
            raise
        middle = len(batch) // 2
        return _fitting(batch[:middle]) + _fitting(batch[middle:])


async def _send(writer: asyncio.StreamWriter, message: p.FromEngine) -> None:
    writer.write(p.encode(message))
    async with asyncio.timeout(IDLE_WRITE_SECONDS):
        await writer.drain()


async def _read(reader: asyncio.StreamReader) -> p.FromClient:
    length = p.body_length(await reader.readexactly(p.HEADER.size))
    return p.decode_from_client(await reader.readexactly(length))
