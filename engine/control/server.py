"""The engine's half of the socket: accepts clients, streams records to them, hands their commands to the engine.

Each client has a cursor into the journal, not a queue: a slow one is simply behind and holds `AHEAD` bytes of ours.
Records are forwarded as they lie in the journal; only whoever looks at them decodes them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from pathlib import Path
from typing import Protocol

from engine.control import protocol as p
from engine.errors import BadInput, MachineFailure, TrexError
from engine.files import disk_errors
from engine.workspace import private

BATCH = 512  # records in a frame, at most
BATCH_BYTES = 256 * 1024  # events in a frame of several
AHEAD = 1024 * 1024  # bytes written for a client that it has not taken yet
LOOK_SECONDS = 2.0
HELLO_SECONDS = 10.0
IDLE_WRITE_SECONDS = 30.0
LAST_WORDS_SECONDS = 1.0

_PEER = struct.Struct("3i")  # Linux's struct ucred: process, user, group

log = logging.getLogger(__name__)


class History(Protocol):
    """What the server reads: the journal."""

    last_seq: int

    def stored(self, since: int, limit: int) -> Iterable[tuple[int, float, str, bytes]]: ...


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
        self._last_word: p.Goodbye | None = None

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

    async def close(self, told_by: str = "") -> None:
        """Stop listening and cut every client off; where somebody told the engine to end, that is the last word."""
        self._last_word = p.Goodbye(by=told_by) if told_by else None
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
            _refuse_others(writer)
            await self._serve(reader, writer)
        except BadInput as error:
            with contextlib.suppress(OSError, TimeoutError):
                await _send(writer, p.Refused(reason=str(error)))
                await _hear_out(reader, writer)
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            pass  # the client went away, or did not read for too long: it will reconnect from its last number
        except asyncio.CancelledError:  # `close` ends us, which asyncio before 3.12 would log as an error
            if self._last_word is not None:
                writer.write(p.encode(self._last_word))
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
        writer.transport.set_write_buffer_limits(high=AHEAD)
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
                    await asyncio.sleep(0)  # frames that lie ready would keep everybody else waiting
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
            batch = self._batch(cursor)
            if not batch:
                await news.wait()
                continue
            cursor = batch[-1].seq
            await _send(writer, p.Records(stored=batch))
            await asyncio.sleep(0)  # sending waits only for a slow client; others want their turn beside a quick one

    def _batch(self, cursor: int) -> tuple[p.Stored, ...]:
        """The next records that make a frame; a large one travels alone."""
        batch: list[p.Stored] = []
        size = 0
        for row in self._history.stored(cursor, BATCH):
            record = p.Stored(*row)
            size += len(record.body)
            if batch and size > BATCH_BYTES:
                break
            batch.append(record)
        return tuple(batch)

    async def _beat(self, writer: asyncio.StreamWriter) -> None:
        while True:
            await _send(writer, self._pulse())
            await asyncio.sleep(1.0)


async def _until_gone(feed: Coroutine[None, None, None], writer: asyncio.StreamWriter) -> None:
    """Run a feed; where it cannot go on, cut the connection, which ends its reading half too."""
    try:
        await feed
    except TrexError as error:  # an event larger than a frame, a journal that cannot be read
        log.error("a client is cut off: %s", error)
        with contextlib.suppress(OSError, TimeoutError):
            await _send(writer, p.Refused(reason=str(error)))
        writer.close()
    except (OSError, TimeoutError):  # the client no longer reads
        writer.transport.abort()


def _refuse_others(writer: asyncio.StreamWriter) -> None:
    """The socket's mode keeps other users out; this holds where the mode was changed. Raises BadInput."""
    if peer_user(writer.get_extra_info("socket")) != os.getuid():
        raise BadInput("this engine belongs to another user", hint="start your own with `trex run TASK`")


def peer_user(connection: socket.socket) -> int:
    """The user id of the process at the other end, by the kernel's word."""
    _process, user, _group = _PEER.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
    return int(user)


async def _hear_out(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Let a refused client finish: one that is cut off while it speaks would not hear why. Raises TimeoutError."""
    writer.write_eof()
    async with asyncio.timeout(LAST_WORDS_SECONDS):
        while await reader.read(BATCH_BYTES):
            pass


async def _send(writer: asyncio.StreamWriter, message: p.FromEngine) -> None:
    writer.write(p.encode(message))
    async with asyncio.timeout(IDLE_WRITE_SECONDS):
        await writer.drain()


async def _read(reader: asyncio.StreamReader) -> p.FromClient:
    length = p.body_length(await reader.readexactly(p.HEADER.size))
    return p.decode_from_client(await reader.readexactly(length))
