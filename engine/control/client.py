"""The client half of the protocol: one asyncio connection, and a blocking call for commands.

Not the reconnecting link of the interface (`trex_tui.client`), which is built on this.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

from engine.control import protocol as p
from engine.errors import BadInput, MachineFailure

WELCOME_SECONDS = 10.0
BUFFER = 1024 * 1024  # bytes read ahead; a frame of history is smaller
LOG = "look at engine.log"
NOBODY = "no engine is running in this workspace"


class Connection:
    """A connection that has said hello. Read messages with `async for`; send with `send`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, welcome: p.Welcome) -> None:
        self._reader, self._writer, self.welcome = reader, writer, welcome

    @classmethod
    async def open(cls, socket: Path, client: str = "") -> Connection:
        """Connect and shake hands. Raises MachineFailure where no engine answers, BadInput where it refuses."""
        try:
            reader, writer = await asyncio.open_unix_connection(socket, limit=BUFFER)
        except OSError:
            hint = "`trex engine start` lets unfinished runs go on; `trex run TASK` begins one"
            raise MachineFailure(NOBODY, hint=hint) from None
        answer: p.FromEngine | None = None
        try:
            writer.write(p.encode(p.Hello(version=p.VERSION, client=client or f"pid {os.getpid()}")))
            async with asyncio.timeout(WELCOME_SECONDS):
                answer = await _read(reader)
        except TimeoutError:
            raise MachineFailure("the engine does not answer", hint=LOG) from None
        finally:
            if not isinstance(answer, p.Welcome):
                writer.close()
        if isinstance(answer, p.Welcome):
            return cls(reader, writer, answer)
        if isinstance(answer, p.Refused):
            raise BadInput(answer.reason)
        raise MachineFailure("the engine closed the connection", hint=LOG)

    async def send(self, message: p.FromClient) -> None:
        self._writer.write(p.encode(message))
        await self._writer.drain()

    async def __aiter__(self) -> AsyncIterator[p.FromEngine]:
        """Messages until the engine goes away."""
        while (message := await _read(self._reader)) is not None:
            yield message

    async def close(self) -> None:
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except OSError:
            return


async def _read(reader: asyncio.StreamReader) -> p.FromEngine | None:
    try:
        length = p.body_length(await reader.readexactly(p.HEADER.size))
        return p.decode_from_engine(await reader.readexactly(length))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


async def call(socket: Path, command: p.Command, timeout: float = 30.0) -> p.Reply:
    """Send one command and wait for its reply (seconds). Raises MachineFailure, BadInput."""
    connection = await Connection.open(socket)
    try:
        await connection.send(command)
        async with asyncio.timeout(timeout):
            async for message in connection:
                if isinstance(message, p.Reply) and message.id == command.id:
                    return message
                if isinstance(message, p.Refused):
                    raise BadInput(message.reason)
    except TimeoutError:
        raise MachineFailure(f"the engine did not answer within {timeout:.0f} s", hint=LOG) from None
    except ConnectionError:
        pass  # it went away while the command was being sent
    finally:
        await connection.close()
    raise MachineFailure("the engine went away before it answered", hint=LOG)
