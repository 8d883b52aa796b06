"""Protocol frames against a real engine: in process for the bulk, over a real socket for some."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, get_args

import msgspec

from engine.control import protocol as p
from engine.errors import BadInput, MachineFailure
from engine.journal import Journal
from engine.search.events import Flag
from engine.service import Engine
from tests import story
from tests.fuzz import shapes
from tests.fuzz.harness import Broken, Input, State, check_sentence
from tests.fuzz.mutate import mutated, one_field
from tests.fuzz.places import BASE, LIVE, OVER, RUNS, Template, builtins_of, copy_of, listing
from tests.fuzz.write import to_msgpack

MESSAGES: dict[str, type[p.Message]] = {shapes.tag(kind): kind for kind in get_args(p.FromClient)}


def words(template: Template) -> Mapping[str, Sequence[Any]]:
    """What a client of this workspace would say."""
    nodes, trials = ("n0", "n1", "n2", "n3"), ("", "n1t0", "n1t1", "n2t0", "n3t0", "n3t1")
    plans = [builtins_of(story.plan(seed=seed)) for seed in range(3)]
    return {
        "version": (p.VERSION, p.VERSION, 0, 99),
        "id": (1, 2, 2**31 - 1),
        "run": RUNS,
        "node": nodes,
        "trial": trials,
        "trials": trials[1:],
        "flag": get_args(Flag),
        "task": (str(template.task), str(template.task / "task.toml"), str(template.folder)),
        "policy": ("uct", "gbfs", "ses", "random", "no such"),
        "normaliser": ("rank", "clipped", "minmax", "no such"),
        "researcher": ("", "none", BASE),
        "hint": ("h1", "h2"),
        "insight": (f"{LIVE}:n1", f"{OVER}:n1", "no such"),
        "wall": ("", "10m", "8h", "until 07:00", "soon"),
        "device": ("", "2h", "none"),
        "disk": ("", "10GB", "none"),
        "text": ("try more rows", "a"),
        "by": ("", "me"),
        "plan": plans,
        "changes key": ("training.learning_rate", "training.rows", "budget.rounds", "recipe.seed", "metric.name"),
        "changes value": ("1e-4", "16", "5", '"accuracy"', "[1, 2]"),
    }


class Frames:
    """The engine's command handler, without a socket."""

    name = "frames"

    def __init__(self, template: Template, folder: Path) -> None:
        self._template, self._folder, self._words = template, folder, words(template)
        self._runner = asyncio.Runner()
        self._engine: Engine | None = None
        self.renew()

    @property
    def engine(self) -> Engine:
        assert self._engine is not None
        return self._engine

    def kinds(self) -> tuple[str, ...]:
        return tuple(MESSAGES)

    def make(self, kind: str, rng: Random) -> Input:
        value = shapes.valid(MESSAGES[kind], rng, self._words)
        chance = rng.random()
        if chance < 0.05:
            return Input(kind, "valid", to_msgpack(value))
        if chance < 0.52:
            return Input(kind, "one field changed", to_msgpack(one_field(value, rng)))
        if chance < 0.95:
            return Input(kind, "bytes mutated", mutated(msgspec.msgpack.encode(value), rng))
        return Input(kind, "random", rng.randbytes(rng.randrange(200)))

    def feed(self, given: Input) -> None:
        message = p.decode_from_client(given.data)
        if isinstance(message, p.Hello | p.Subscribe):
            return
        reply = self._runner.run(self.engine.handle(message))
        refuse(reply)

    def state(self) -> State:
        engine = self.engine
        trees = {f"tree of {name}": repr(tree) for name, tree in engine.trees.items()}
        return {"events": engine.journal.last_seq, **trees, **listing(self._folder)}

    def renew(self) -> None:
        self._end()
        workspace = copy_of(self._template, self._folder)

        async def begin() -> Engine:
            return Engine(workspace, Journal.open(workspace.journal))

        self._engine = self._runner.run(begin())

    def close(self) -> None:
        self._end()
        self._runner.close()

    def _end(self) -> None:
        if self._engine is not None:
            self._engine.journal.close()


class Sockets(Frames):
    """The same messages, whole frames and their headers, over the engine's own socket."""

    name = "socket"

    def make(self, kind: str, rng: Random) -> Input:
        given = super().make(kind, rng)
        header = p.HEADER.pack(len(given.data))
        chance = rng.random()
        if chance < 0.1:
            header = p.HEADER.pack(rng.choice((0, 1, len(given.data) + 7, p.MAX_FRAME, p.MAX_FRAME + 1, 2**32 - 1)))
        elif chance < 0.15:
            header = header[: rng.randrange(4)]
        first = p.encode(p.Hello(version=p.VERSION)) if rng.random() < 0.9 else b""
        return given._replace(data=first + header + given.data)

    def feed(self, given: Input) -> None:
        self._runner.run(self._exchange(given.data))

    def renew(self) -> None:
        super().renew()
        self._runner.run(self.engine.server.start())

    def _end(self) -> None:
        if self._engine is not None:
            self._runner.run(self._engine.server.close())
        super()._end()

    async def _exchange(self, data: bytes) -> None:
        """Say it, hear everything the engine says to it, then ask whether it still answers others."""
        reader, writer = await asyncio.open_unix_connection(self.engine.workspace.socket)
        try:
            writer.write(data)
            writer.write_eof()
            replies = [message async for message in _messages(reader)]
        finally:
            writer.close()
        async with asyncio.timeout(2):
            while self.engine.server.clients:  # noqa: ASYNC110 - a server says nothing when a client has gone
                await asyncio.sleep(0)
        for message in replies:
            if isinstance(message, p.Refused):
                raise BadInput(message.reason)
            if isinstance(message, p.Reply):
                refuse(message)


async def _messages(reader: asyncio.StreamReader) -> Any:
    while header := await reader.read(p.HEADER.size):
        header += await reader.readexactly(p.HEADER.size - len(header))
        yield p.decode_from_engine(await reader.readexactly(p.body_length(header)))


def refuse(reply: p.Reply) -> None:
    """A refusal as the exception it was; a reply that hides a traceback is a finding."""
    check_sentence(reply.text)
    if "the engine failed on this command" in reply.text:
        raise Broken(f"the engine failed on a command: {reply.text}")
    if not reply.ok:
        raise MachineFailure(reply.text) if reply.failed else BadInput(reply.text)
