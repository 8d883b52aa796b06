"""`trex chat`: talk to a trial beside its base model, line by line. The interface's screen does the same."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import threading

from engine.chat.messages import Answered, Ask, Done, Fault, FromChild, Moved, Piece, Ready
from engine.chat.process import Chat
from engine.chat.setup import opening_for
from engine.errors import MachineFailure
from engine.search.tree import ROOT, ROOT_TRIAL
from trex_tui.commands.look import one, trial_of
from trex_tui.model.talk import lines, verdict

PROMPT = "> "
WAIT = "(loading the models)"


def chat(options: argparse.Namespace) -> int:
    """Prompts from standard input, one a line, until it ends; answers on standard output."""
    tree = one(options)
    wanted = options.node or tree.champion or ROOT
    trial = ROOT_TRIAL if wanted in (ROOT, ROOT_TRIAL) else trial_of(tree, wanted, options.run)
    opening = opening_for(options.space, options.run, tree, trial)
    length = opening.evaluation.max_new_tokens if opening.evaluation.mode == "generate" else 64
    talk = Talker(Chat(opening), {"tuned": trial, "base": "base"}, options, options.length or length)
    asyncio.run(talk.through())
    return 0


class Talker:
    """Reads a line, asks, prints what comes."""

    def __init__(self, chat: Chat, names: dict[str, str], options: argparse.Namespace, length: int) -> None:
        self._chat, self._names, self._options, self._length = chat, names, options, length
        self._turn = asyncio.Event()  # the next prompt may be read
        self._lines: asyncio.Queue[str] = asyncio.Queue()
        self._voice = ""
        self._people = sys.stdin.isatty()

    async def through(self) -> None:
        # Not a worker of asyncio's, which would be waited for: at its prompt only a person can end its reading.
        threading.Thread(target=self._read, args=(asyncio.get_running_loop(),), daemon=True).start()
        hearing = asyncio.create_task(self._hear())
        asking = asyncio.create_task(self._ask())
        try:
            await asyncio.wait({hearing, asking}, return_when=asyncio.FIRST_COMPLETED)
            if hearing.done():
                hearing.result()
        finally:
            await self._chat.close()
            for task in (hearing, asking):
                task.cancel()
            await asyncio.gather(hearing, asking, return_exceptions=True)

    async def _ask(self) -> None:
        number = 0
        if self._people:
            print(WAIT, file=sys.stderr)
        while True:
            await self._turn.wait()
            self._turn.clear()
            if self._people:
                print(PROMPT, end="", flush=True)
            if not (line := await self._lines.get()):
                return
            number += 1
            if not (text := line.strip()):
                self._turn.set()
                continue
            warm = self._options.temperature
            ask = Ask(id=number, text=text, raw=self._options.raw, temperature=warm, length=self._length, seed=number)
            await self._chat.ask(ask)

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hand on every line of the input; "" at its end."""
        line = "not the end"
        while line:
            line = sys.stdin.readline()
            with contextlib.suppress(RuntimeError):  # the loop is gone: nobody listens any more
                loop.call_soon_threadsafe(self._lines.put_nowait, line)

    async def _hear(self) -> None:
        async for message in self._chat.listen():
            self._show(message)

    def _show(self, message: FromChild) -> None:
        match message:
            case Ready():
                print(f"on {message.device}{f' ({message.note})' if message.note else ''}", file=sys.stderr)
                self._turn.set()
            case Moved():
                print(f"\n{message.reason}; starting again on the processor", file=sys.stderr)
            case Piece():
                self._speaks(message.who)
                print(lines(message.text), end="", flush=True)
            case Done():
                self._speaks(message.who)
                print(f"\n  ({verdict(message)})")
                self._voice = ""
            case Answered():
                self._turn.set()
            case Fault(fatal=True):
                raise MachineFailure(message.text)
            case Fault():
                print(f"trex: {message.text}", file=sys.stderr)
                self._turn.set()

    def _speaks(self, who: str) -> None:
        if self._voice != who:
            self._voice = who
            print(f"{self._names[who]}: ", end="")
