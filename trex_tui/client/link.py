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

from engine import __version__
from engine.control import protocol as p
from engine.control.client import NOBODY, Connection
from engine.errors import BadInput, MachineFailure, TrexError
from trex_tui.client.source import Sink
from trex_tui.model.store import Link

SLICE = 0.001  # seconds of work before others get a turn: a key passes through half a dozen until it is seen
CHUNK = 32  # records folded in one go, some 0.5 ms
WAITS = (0.2, 0.5, 1.0, 2.0)  # seconds between attempts to connect; the last one repeats
REPLY_TIMEOUT = 30.0
WAY_BACK = "K starts it, and it goes on where it was"
NO_ENGINE = f"the engine is not running; {WAY_BACK}"
GONE = Link("down", f"the engine went away; {WAY_BACK}")


class SocketLink:
    """A `Source` over the engine's Unix socket, or the one that `socket` names now. `clock` gives Unix seconds."""

    def __init__(self, socket: Path | Callable[[], Path], clock: Callable[[], float] = time.time) -> None:
        self._socket, self._clock = socket, clock
        self._connection: Connection | None = None
        self._waiting: dict[int, asyncio.Future[p.Reply]] = {}
        self._next = 1

    async def feed(self, sink: Sink) -> None:
        attempt = 0
        told = Link("connecting")
        while True:
            try:
                self._connection = await Connection.open(self._door, "trex interface")
                attempt = 0
                sink.connection(_live(self._connection.welcome), self._clock())
                told = await self._listen(self._connection, sink)
            except BadInput as refusal:
                told = Link("refused", str(refusal))
            except MachineFailure as error:
                told = _down(error, told)
            except (TrexError, OSError) as error:
                told = Link("down", f"the connection broke ({error}); trying again")
            finally:
                await self._drop()
            sink.connection(told, self._clock())
            await asyncio.sleep(WAITS[min(attempt, len(WAITS) - 1)])
            attempt += 1

    @property
    def _door(self) -> Path:
        return self._socket if isinstance(self._socket, Path) else self._socket()

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

    async def _listen(self, connection: Connection, sink: Sink) -> Link:
        """Until the engine goes away: how it did."""
        await connection.send(p.Subscribe(since=sink.last_seq))
        with _collector_resting():
            end = await self._take(connection, sink, until=connection.welcome.last_seq)
        return end or await self._take(connection, sink) or GONE

    async def _take(self, connection: Connection, sink: Sink, until: float = math.inf) -> Link | None:
        """Hand on what comes until the sink has seen record `until` (None), or the engine goes away."""
        turn = time.monotonic()
        if sink.last_seq >= until:
            return None
        async for message in connection:
            match message:
                case p.Records():
                    turn = await _hand_on(message, sink, turn)
                case p.Pulse():
                    sink.beat(message, self._clock())
                case p.Reply():
                    waiter = self._waiting.get(message.id)
                    if waiter is not None and not waiter.done():
                        waiter.set_result(message)
                case p.Refused():
                    raise BadInput(message.reason)
                case p.Goodbye():
                    return Link("down", f"the engine was ended by {message.by or 'somebody'}; {WAY_BACK}", told=True)
                case _:
                    continue
            if sink.last_seq >= until:
                return None
            turn = await _taking_turns(turn)
        return GONE

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        for waiter in self._waiting.values():
            if not waiter.done():
                waiter.set_result(p.Reply(id=0, ok=False, text="the engine went away before it answered"))
        if connection is not None:
            await connection.close()


async def _hand_on(message: p.Records, sink: Sink, turn: float) -> float:
    """The records, some at a time; since when we have had our turn."""
    for start in range(0, len(message.stored), CHUNK):
        sink.records(p.Records(stored=message.stored[start : start + CHUNK]).records)
        turn = await _taking_turns(turn)
    return turn


async def _taking_turns(since: float) -> float:
    """Let others have their turn where ours, `since` then, was long enough; since when ours lasts."""
    if time.monotonic() - since <= SLICE:
        return since
    await asyncio.sleep(0)
    return time.monotonic()


def _live(welcome: p.Welcome) -> Link:
    """Another version that speaks the same protocol works, and is said."""
    other = f"the engine is version {welcome.engine}, we are {__version__}; `trex engine stop`, then K, mends that"
    return Link("live", "" if welcome.engine == __version__ else other, last_seq=welcome.last_seq)


def _down(error: MachineFailure, before: Link) -> Link:
    """No engine, or one that does not answer. Who ended it is said until another is there."""
    if error.what != NOBODY:
        return Link("down", f"{error.what}: it may be busy; trying again")
    return before if before.told else Link("down", NO_ENGINE)


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
