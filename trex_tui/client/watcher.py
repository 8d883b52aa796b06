"""Follows the directories of what is on screen, in a thread, and brings the news to the store."""

from __future__ import annotations

import asyncio
import time
from array import array
from collections.abc import Callable, Iterable
from pathlib import Path

from engine.workspace import Workspace
from trex_tui.model import folders
from trex_tui.model.glance import glance
from trex_tui.model.store import Store
from trex_tui.model.telemetry import Offsets, read

PERIOD = 0.5  # seconds between readings
KEPT = 64  # trials whose course and result stay in memory after they were on screen; the next look reads them again

Wanted = Callable[[], frozenset[tuple[str, str]]]


def nothing() -> frozenset[tuple[str, str]]:
    return frozenset()


class Watcher:
    """`wanted` names the (run, trial) pairs whose course is on screen, `listed` the (run, node or trial) pairs whose
    files are, `glanced` the (run, trial) pairs whose loss stands in the tree; `poke` reads at once, after the selection
    has moved."""

    def __init__(
        self,
        store: Store,
        workspace: Workspace,
        wanted: Wanted,
        listed: Wanted = nothing,
        glanced: Wanted = nothing,
    ) -> None:
        self._store, self._workspace = store, workspace
        self._wanted, self._listed, self._glanced = wanted, listed, glanced
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
            wanted = self._wanted()
            for run, trial in wanted:
                await self._read(run, trial)
            self._forget(wanted)
            for run, name in self._listed():
                view = await asyncio.to_thread(folders.look, folder_of(self._workspace, run, name))
                self._store.folder(run, name, view)
            for run, trials in by_run(self._glanced() - self._store.losses.keys()).items():
                self._store.glanced(run, await asyncio.to_thread(self._glances, run, trials))

    def _glances(self, run: str, trials: list[str]) -> dict[str, array[float]]:
        """In the thread."""
        return {trial: glance(self._workspace.trial(run, trial)) for trial in trials}

    def _forget(self, wanted: frozenset[tuple[str, str]]) -> None:
        """Let go of what has not been on screen for longest: a result of 10,000 rows takes megabytes."""
        for pair in wanted:
            self._offsets[pair] = self._offsets.pop(pair)  # the latest stand last
        for pair in [pair for pair in self._offsets if pair not in wanted][: max(0, len(self._offsets) - KEPT)]:
            del self._offsets[pair]
            self._store.trials.pop(pair, None)

    async def _read(self, run: str, trial: str) -> None:
        seen = self._offsets.get((run, trial), Offsets())
        folder, split, kept = places(self._store, self._workspace, run, trial)
        chunk = await asyncio.to_thread(read, folder, seen, split, kept)
        self._offsets[run, trial] = chunk.offsets
        self._store.telemetry(run, trial, chunk, time.time())


def places(store: Store, workspace: Workspace, run: str, trial: str) -> tuple[Path, Path | None, Path | None]:
    """A trial's directory; the run's validation split; where the result of a score that was taken over from another run
    lies as well. Never confirm or test: nobody looks at those rows while a search can still learn."""
    view = store.runs.get(run)
    splits = view.tree.created.splits if view and view.tree.created else ""
    other = store.origin(run, trial)
    split = Path(splits) / "validation.jsonl" if splits else None
    return workspace.trial(run, trial), split, workspace.trial(other, trial) if other else None


def by_run(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The trials of each run."""
    found: dict[str, list[str]] = {}
    for run, trial in pairs:
        found.setdefault(run, []).append(trial)
    return found


def folder_of(workspace: Workspace, run: str, name: str) -> Path:
    """The directory of a node (`n3`) or of a trial (`n3t1`)."""
    return workspace.trial(run, name) if "t" in name else workspace.node(run, name)
