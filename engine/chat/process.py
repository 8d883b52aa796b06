"""The half that asks: starts the chat's process, sends prompts, hands on what it says, ends it.

Asyncio, nothing heavy; for the interface and the command line.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator

import msgspec

from engine.chat.messages import MAX_LINE, Answered, Ask, Fault, FromChild, Halt, Moved, Opening, ToChild, from_child
from engine.chat.messages import encode as line_of
from engine.errors import BadInput, MachineFailure
from engine.executor.supervise import OFFLINE

SAID = 4096  # bytes of its standard error that are kept


class Chat:
    """One conversation. The process starts when it is first listened to, and again on the CPU where it gives way."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._process: asyncio.subprocess.Process | None = None
        self._pending: Ask | None = None
        self._errors = b""
        self.started = asyncio.Event()  # there is a process

    @property
    def pid(self) -> int | None:
        """The living process, if there is one."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def listen(self) -> AsyncIterator[FromChild]:
        """What the process says, until it is closed. Raises MachineFailure where it dies."""
        while True:
            process = await self._start()
            moved = False
            async for message in self._messages(process):
                moved = isinstance(message, Moved)
                if isinstance(message, Answered | Fault):
                    self._pending = None
                yield message
                if isinstance(message, Fault) and message.fatal:
                    return
            if self._process is not process:  # closed by us
                return
            await process.wait()
            if not moved:
                raise MachineFailure(f"the chat's process has died{self._last_words(process)}", hint="open it again")
            self._opening = msgspec.structs.replace(self._opening, device="cpu")

    async def ask(self, ask: Ask) -> None:
        """Send a prompt; what comes of it is heard by `listen`."""
        self._pending = ask
        await self._send(ask)

    async def halt(self) -> None:
        """Stop the answer that is being given."""
        await self._send(Halt())

    async def close(self) -> None:
        """End the process and all that is its own, at once."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()

    async def _start(self) -> asyncio.subprocess.Process:
        self._errors = b""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "engine.chat"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **OFFLINE},
            start_new_session=True,
            limit=MAX_LINE,
        )
        self._process = process
        self.started.set()
        await self._send(self._opening)
        if self._pending is not None:
            await self._send(self._pending)
        return process

    async def _messages(self, process: asyncio.subprocess.Process) -> AsyncIterator[FromChild]:
        assert process.stdout
        noise = asyncio.create_task(self._drain(process))
        try:
            while line := await process.stdout.readline():
                yield from_child(line)
        except (ValueError, BadInput) as error:
            raise MachineFailure(f"the chat's process said something unreadable ({error})") from None
        finally:
            noise.cancel()

    async def _drain(self, process: asyncio.subprocess.Process) -> None:
        """Nobody may wait for a pipe that nobody reads."""
        assert process.stderr
        while data := await process.stderr.read(SAID):
            self._errors = (self._errors + data)[-SAID:]

    async def _send(self, message: ToChild) -> None:
        if self._process is None or self._process.stdin is None:
            return
        with contextlib.suppress(OSError):  # it is gone; `listen` says so
            self._process.stdin.write(line_of(message))
            await self._process.stdin.drain()

    def _last_words(self, process: asyncio.subprocess.Process) -> str:
        lines = self._errors.decode(errors="replace").strip().splitlines()
        killed = process.returncode is not None and process.returncode < 0
        return f" (killed by signal {-(process.returncode or 0)})" if killed else f": {lines[-1]}" if lines else ""
