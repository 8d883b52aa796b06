"""One engine, one long training, and what a person or an accident does to it, with a clock."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec
import psutil
import pynvml

from engine import jobs
from engine.control import client
from engine.control import protocol as p
from engine.executor.job import State
from engine.search import events as ev
from tests.bench.attach import start_engine
from tests.place import Place

RUN, NODE, TRIAL = "letters-1", "n1", "n1t0"
PATIENCE = 600.0
LOOK = 0.002
TIMES = 2  # of each act; a trial is given up after five deaths
LONG = {"baseline.max_steps": "200000", "budget.examples_per_trial": "10000000", "budget.wall": "10000h"}


async def measured(place: Place) -> AsyncIterator[tuple[str, float]]:
    """Every act with the seconds it took. The pruning comes last: after it, the engine goes on elsewhere."""
    scene = _Scene(place)
    engine = start_engine(place.workspace)
    try:
        await scene.say(p.StartRun(id=1, task=str(place.task), researcher="none", changes=LONG))
        await scene.training()
        for _ in range(TIMES):
            yield "pause", await scene.pause()
            yield "resume", await scene.resume()
            yield "death", await scene.death()
        for _ in range(TIMES):
            engine.kill()
            engine.wait()
            engine = start_engine(place.workspace)
            yield "adopted death", await scene.death()
        yield "prune", await scene.prune()
    finally:
        engine.kill()
        engine.wait()
        end_children(place)


class _Scene:
    """The trial's directory and the engine's socket."""

    def __init__(self, place: Place) -> None:
        self._socket = place.workspace.socket
        self._trial = place.workspace.trial(RUN, TRIAL)
        self._pid = 0  # of the last process that was seen to train
        self._since = 0.0  # when it ended: what its folder says of the time before is no sign of life

    async def say(self, command: p.Command) -> None:
        reply = await client.call(self._socket, command)
        if not reply.ok:
            raise SystemExit(f"the engine refuses: {reply.text}")

    async def training(self) -> None:
        """Until a process that was not there before has done an optimiser step."""
        await until(self._is_training, "the trial does not train")
        self._pid = jobs.holder(self._trial)

    async def pause(self) -> float:
        async with news(self._socket) as records:
            pid, began = self._pid, time.perf_counter()
            await self._flag("n0", "paused", True)
            await until(lambda: is_gone(pid), "the paused process does not go")
            seconds = time.perf_counter() - began
            await _interruption(records)
        self._since = time.time()
        return seconds

    async def resume(self) -> float:
        began = time.perf_counter()
        await self._flag("n0", "paused", False)
        await self.training()
        return time.perf_counter() - began

    async def death(self) -> float:
        """Between the signal and the record's own time."""
        async with news(self._socket) as records:
            self._since = time.time()
            os.kill(self._pid, signal.SIGKILL)
            seconds = await _interruption(records) - self._since
        await self.training()
        return seconds

    async def prune(self) -> float:
        pid, began = self._pid, time.perf_counter()
        await self._flag(NODE, "pruned", True)
        await until(lambda: is_gone(pid), "the pruned process does not go")
        return time.perf_counter() - began

    async def _flag(self, node: str, flag: ev.Flag, on: bool) -> None:
        await self.say(p.SetFlag(id=1, run=RUN, node=node, flag=flag, on=on, by="bench"))

    def _is_training(self) -> bool:
        if not jobs.is_alive(self._trial) or jobs.holder(self._trial) in (0, self._pid):
            return False
        try:
            state = msgspec.json.decode((self._trial / "state.json").read_bytes(), type=State)
            stepped = (self._trial / "metrics.jsonl").stat().st_mtime
        except (OSError, msgspec.MsgspecError):
            return False
        return state.phase == "training" and stepped > state.since > self._since


async def _interruption(records: AsyncIterator[ev.Record]) -> float:
    """When the journal says that the trial was interrupted (Unix seconds)."""
    async for record in records:
        if isinstance(record.event, ev.Interrupted) and record.event.trial == TRIAL:
            return record.time
    raise SystemExit("the engine went away")


@asynccontextmanager
async def news(socket: Path) -> AsyncIterator[AsyncIterator[ev.Record]]:
    """The records from now on."""
    connection = await client.Connection.open(socket)
    await connection.send(p.Subscribe(since=connection.welcome.last_seq))

    async def records() -> AsyncIterator[ev.Record]:
        async for message in connection:
            if isinstance(message, p.Records):
                for record in message.records:
                    yield record

    try:
        async with asyncio.timeout(PATIENCE):
            yield records()
    finally:
        await connection.close()


def is_gone(pid: int) -> bool:
    """Whether the process has given back its memory, and the card's: a zombie has."""
    try:
        if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            return False
    except psutil.NoSuchProcess:
        pass
    return pid not in _on_the_card()


def _on_the_card() -> set[int]:
    """Processes that hold memory of the first card; none where there is no driver."""
    try:
        pynvml.nvmlInit()
        processes = pynvml.nvmlDeviceGetComputeRunningProcesses(pynvml.nvmlDeviceGetHandleByIndex(0))
    except pynvml.NVMLError:
        return set()
    return {process.pid for process in processes}


async def until(fact: Callable[[], bool], otherwise: str) -> None:
    """Look every few milliseconds."""
    end = time.monotonic() + PATIENCE
    while not fact():
        if time.monotonic() > end:
            raise SystemExit(otherwise)
        await asyncio.sleep(LOOK)


def end_children(place: Place) -> None:
    """What the engine left running: its trials outlive it."""
    run = place.workspace.run(RUN)
    for folder in (*run.glob("trials/*/"), *run.glob("nodes/*/")):
        end(folder)


def end(folder: Path) -> None:
    """Kill the process that holds the directory, and wait until it is dead."""
    while jobs.is_alive(folder):
        pid = jobs.holder(folder)
        if pid > 0:  # 0: it has just begun; to the kernel, our own process group
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)
