"""The connection to the engine: it comes back by itself, from the last sequence number that was seen.

One asyncio task in the interface's own loop. It yields every few milliseconds, so that a flood never holds up a key.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from engine.control import protocol as p
from engine.control.client import Connection
from engine.errors import BadInput, TrexError
from trex_tui.client.source import Sink
from trex_tui.model.store import Link

SLICE = 0.004  # seconds of work before keys get their turn
WAITS = (0.2, 0.5, 1.0, 2.0)  # seconds between attempts to connect; the last one repeats
REPLY_TIMEOUT = 30.0
NO_ENGINE = "the engine is not running: leave (q) and start `trex` again, and it goes on where it was"


class SocketLink:
    """A `Source` over the engine's Unix socket. `clock` gives Unix seconds."""

    def __init__(self, socket: Path, clock: Callable[[], float] = time.time) -> None:
        self._socket, self._clock = socket, clock
        self._connection: Connection | None = None
        self._waiting: dict[int, asyncio.Future[p.Reply]] = {}
        self._next = 1

    async def feed(self, sink: Sink) -> None:
        attempt = 0
        while True:
            try:
                self._connection = await Connection.open(self._socket, "trex interface")
                attempt = 0
                sink.connection(Link("live"), self._clock())
                await self._listen(self._connection, sink)
                sink.connection(Link("down", "the engine went away; trying again"), self._clock())
            except BadInput as refusal:
                sink.connection(Link("refused", str(refusal)), self._clock())
            except TrexError:
                sink.connection(Link("down", NO_ENGINE), self._clock())
            except OSError as error:
                sink.connection(Link("down", f"the connection broke ({error.strerror}); trying again"), self._clock())
            finally:
                await self._drop()
            await asyncio.sleep(WAITS[min(attempt, len(WAITS) - 1)])
            attempt += 1

    async def command(self, command: p.Command) -> p.Reply:
        connection = self._connection
        if connection is None:
            return p.Reply(id=command.id, ok=False, text=NO_ENGINE)
        number, self._next = self._next, self._next + 1
        answer: asyncio.Future[p.Reply] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            await connection.send(msgspec.structs.replace(command, id=number))
            return await asyncio.wait_for(answer, REPLY_TIMEOUT)
        except TimeoutError:
            return p.Reply(id=number, ok=False, text=f"the engine did not answer within {REPLY_TIMEOUT:.0f} s")
        except (TrexError, OSError) as error:
            return p.Reply(id=number, ok=False, text=f"the command did not reach the engine ({error})")
        finally:
            self._waiting.pop(number, None)

    async def _listen(self, connection: Connection, sink: Sink) -> None:
        await connection.send(p.Subscribe(since=sink.last_seq))
        with _collector_resting():
            await self._take(connection, sink, until=connection.welcome.last_seq)
        await self._take(connection, sink)

    async def _take(self, connection: Connection, sink: Sink, until: float = math.inf) -> None:
        """Hand on what comes until the sink has seen record `until`, or the engine goes away."""
        turn = time.monotonic()
        if sink.last_seq >= until:
            return
        async for message in connection:
            match message:
                case p.Records():
                    sink.records(message.records)
                case p.Pulse():
                    sink.beat(message, self._clock())
                case p.Reply():
                    waiter = self._waiting.get(message.id)
                    if waiter is not None and not waiter.done():
                        waiter.set_result(message)
                case p.Refused():
                    raise BadInput(message.reason)
                case _:
                    continue
            if sink.last_seq >= until:
                return
            if time.monotonic() - turn > SLICE:
                await asyncio.sleep(0)
                turn = time.monotonic()

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        for waiter in self._waiting.values():
            if not waiter.done():
                waiter.set_result(p.Reply(id=0, ok=False, text="the engine went away before it answered"))
        if connection is not None:
            await connection.close()


@contextlib.contextmanager
def _collector_resting() -> Iterator[None]:
    """While a history comes in. It is a million objects that stay: the collector would walk them all, again and again,
    while keys wait, and find nothing."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
