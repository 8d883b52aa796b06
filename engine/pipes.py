"""Workers: child processes of ours that answer questions in JSON lines, one at a time, both halves.

For work the engine must not do in its own process (llama.cpp, FAISS). Not for trials and data jobs: those outlive
the engine and speak through files (`engine.jobs`). A worker ends when the engine's end of its stdin closes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any, Literal, TypeVar

import msgspec

from engine.errors import BadInput, MachineFailure, TrexError
from engine.failpoints import reach

MAX_LINE = 16 * 1024 * 1024
NOTHING = msgspec.Raw(b"null")

T = TypeVar("T")


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line to the worker."""

    id: int
    body: msgspec.Raw


class Reply(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line back: `body`, or the sentence in `error`."""

    id: int
    body: msgspec.Raw = NOTHING
    error: str = ""
    hint: str = ""
    kind: Literal["input", "machine"] = "machine"


class Worker:
    """The engine's half: starts the process when first asked, restarts it once where it dies under a question."""

    def __init__(self, module: str, arguments: Sequence[str] = (), *, log: Path | None = None) -> None:
        """`module` is run with `python -P -m`; its stderr is appended to `log` (nowhere where None)."""
        self.command = (sys.executable, "-P", "-m", module, *arguments)
        self.module, self.log = module, log
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._count = 0

    @property
    def pid(self) -> int | None:
        """The living process, if there is one."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def ask(self, body: object, kind: type[T], *, timeout: float, first: object = None) -> T:
        """The answer to `body`. `first` is asked, its answer dropped, whenever the process is a fresh one.

        Raises BadInput or MachineFailure in the worker's own words; MachineFailure where it dies twice or is late.
        """
        async with self._turn:
            for last in (False, True):
                try:
                    async with asyncio.timeout(timeout):
                        if self.pid is None:
                            await self._start()
                            if first is not None:
                                await self._exchange(first)
                        return msgspec.json.decode(await self._exchange(body), type=kind)
                except (ConnectionError, asyncio.IncompleteReadError):
                    code = await self._end()
                    if last:
                        raise MachineFailure(
                            f"the worker {self.module} died twice under one question (exit code {code})",
                            where=str(self.log or ""),
                            hint="see its log, and whether memory ran out",
                        ) from None
                except TimeoutError:
                    await self._end()
                    raise MachineFailure(f"the worker {self.module} gave no answer in {timeout:.0f} s") from None
                except asyncio.CancelledError:
                    await self._end()  # its answer would meet the next question
                    raise
            raise AssertionError("unreachable")

    async def close(self) -> None:
        """End the process; a later question starts a new one."""
        async with self._turn:
            await self._end()

    async def _start(self) -> None:
        with contextlib.ExitStack() as open_files:
            noise: int | IO[bytes] = asyncio.subprocess.DEVNULL
            if self.log:
                self.log.parent.mkdir(parents=True, exist_ok=True)
                noise = open_files.enter_context(self.log.open("ab"))
            self._process = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=noise,
                env={**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"},
                start_new_session=True,  # the terminal's Ctrl-C is the engine's to handle
                limit=MAX_LINE,
            )

    async def _exchange(self, body: object) -> msgspec.Raw:
        process = self._process
        assert process and process.stdin and process.stdout
        self._count += 1
        question = Question(self._count, msgspec.Raw(msgspec.json.encode(body)))
        process.stdin.write(msgspec.json.encode(question) + b"\n")
        await process.stdin.drain()
        reply = msgspec.json.decode(await process.stdout.readuntil(b"\n"), type=Reply)
        if reply.error:
            fault = BadInput if reply.kind == "input" else MachineFailure
            raise fault(reply.error, hint=reply.hint)
        assert reply.id == self._count
        return reply.body

    async def _end(self) -> int | None:
        process, self._process = self._process, None
        if process is None:
            return None
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        if process.stdin:
            process.stdin.close()
        return await process.wait()


def serve(kind: type[T], answer: Callable[[T], Any]) -> None:
    """The worker's half: answer every line of stdin. When stdin closes the process ends at once, in the middle of an
    answer too: nobody is left to read it. What libraries print goes to stderr, so it cannot tear an answer apart.
    """
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(lines,), daemon=True).start()
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)
        while True:
            line = lines.get()
            reach("worker.question")
            reply = _reply(line, kind, answer)
            reach("worker.answer")
            out.write(msgspec.json.encode(reply) + b"\n")
            out.flush()


def _listen(lines: queue.SimpleQueue[bytes]) -> None:
    for line in sys.stdin.buffer:
        lines.put(line)
    os._exit(0)


def _reply(line: bytes, kind: type[T], answer: Callable[[T], Any]) -> Reply:
    question = msgspec.json.decode(line, type=Question)
    try:
        body = answer(msgspec.json.decode(question.body, type=kind))
    except TrexError as error:
        what = f"{error.where}: {error.what}" if error.where else error.what
        return Reply(
            question.id, error=what, hint=error.hint, kind="input" if isinstance(error, BadInput) else "machine"
        )
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        return Reply(question.id, error=f"{type(error).__name__}: {error}")
    return Reply(question.id, body=msgspec.Raw(msgspec.json.encode(body)))
