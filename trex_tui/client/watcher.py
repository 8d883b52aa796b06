"""Follows the directories of the trials that are on screen, in a thread, and brings the news to the store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from engine.workspace import Workspace
from trex_tui.model.store import Store
from trex_tui.model.telemetry import Offsets, read

PERIOD = 0.5  # seconds between readings

Wanted = Callable[[], frozenset[tuple[str, str]]]


class Watcher:
    """`wanted` names the (run, trial) pairs on screen; `poke` reads at once, after the selection has moved."""

    def __init__(self, store: Store, workspace: Workspace, wanted: Wanted) -> None:
        self._store, self._workspace, self._wanted = store, workspace, wanted
        self._offsets: dict[tuple[str, str], Offsets] = {}
        self._poked = asyncio.Event()
        self._reading = asyncio.Lock()  # two readings at once would bring the same lines twice

    def poke(self) -> None:
        self._poked.set()

    async def watch(self) -> None:
        """Ends only by cancellation."""
        while True:
            self._poked.clear()
            await self.once()
            try:
                await asyncio.wait_for(self._poked.wait(), PERIOD)
            except TimeoutError:
                continue

    async def once(self) -> None:
        async with self._reading:
            await self._read_all()

    async def _read_all(self) -> None:
        for run, trial in self._wanted():
            seen = self._offsets.get((run, trial), Offsets())
            folder = self._workspace.trial(run, trial)
            chunk = await asyncio.to_thread(read, folder, seen, self._split(run))
            self._offsets[run, trial] = chunk.offsets
            self._store.telemetry(run, trial, chunk, time.time())

    def _split(self, run: str) -> Path | None:
        """The run's validation split. Never confirm or test: nobody looks at those while a search can still learn."""
        view = self._store.runs.get(run)
        folder = view.tree.created.splits if view and view.tree.created else ""
        return Path(folder) / "validation.jsonl" if folder else None
