"""What a step is given: one run with its tree, its places on disk, and the engine's helpers behind Protocols."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from engine.executor.supervise import Processes
from engine.plan import Plan, TrialConfig
from engine.room import room_for
from engine.search.budget import Room
from engine.search.events import AnyEvent, Diagnosed, Learned, Record
from engine.search.fold import apply
from engine.search.tree import Tree
from engine.space import cheapest, grid_for
from engine.task import Task
from engine.workspace import Workspace


class Mind(Protocol):
    """The Researcher as the loop sees it. Both methods journal each call through `run.record` before using it."""

    async def plan(self, run: Run, node: str) -> Plan:
        """A new plan for the node. Raises MachineFailure where the model cannot be reached."""

    async def diagnose(self, run: Run, node: str) -> tuple[Diagnosed, Learned | None]:
        """What the round showed, and at most one insight."""


@dataclass
class Run:
    """One run at work. `record` is the only way to change the tree; `write` journals and calls `see`."""

    name: str
    workspace: Workspace
    task: Task
    task_folder: Path
    splits: Path
    model_dir: Path
    tree: Tree
    processes: Processes
    mind: Mind
    write: Callable[[str, AnyEvent], Record]
    doing: Callable[[str], None]
    clock: Callable[[], float]
    threads: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def cheapest(self) -> TrialConfig:
        """The smallest trial that the search space allows."""
        return cheapest(self.task.baseline, grid_for(self.task.space))

    @property
    def directory(self) -> Path:
        return self.workspace.run(self.name)

    def now(self) -> float:
        return self.clock()

    def room(self) -> Room:
        """The disk as it is now."""
        return room_for(self.directory)

    def record(self, event: AnyEvent) -> Record:
        """Journal an event; when this returns, it is synced and the tree knows it."""
        return self.write(self.name, event)

    def see(self, record: Record) -> None:
        """Called by whoever journals: fold the record and wake a step that waits. Commands of clients come here too."""
        self.tree = apply(self.tree, record)
        self.changed.set()
