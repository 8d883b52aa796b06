"""The disk: what a run takes, what is left, and taking away what nobody needs any more.

Not the choice of what goes (`engine.search.steering.collectable`).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from engine.search.budget import Room
from engine.search.events import AnyEvent, Collected, Record
from engine.workspace import Workspace

COPIES = 4  # a trial's adapter, and two checkpoints with it: each has the optimizer's two moments beside it
HEAVY = ("adapter", ".adapter", "checkpoint-*")


def room_for(run: Path) -> Room:
    """The run's disk. What a trial may write is guessed from the largest adapter that the run has written."""
    used = largest = 0
    for folder, _, names in os.walk(run):
        for name in names:
            try:
                size = os.lstat(os.path.join(folder, name)).st_size  # noqa: PTH118  (thousands of files a second)
            except OSError:
                continue  # a trial is writing: the file was renamed
            used += size
            if name.endswith(".safetensors"):
                largest = max(largest, size)
    return Room(free=shutil.disk_usage(_existing(run)).free, used=used, trial=COPIES * 3 * largest)


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder


def heavy(trials: Iterable[Path]) -> list[Path]:
    """The folders of adapters and checkpoints in these trial directories."""
    return [found for trial in trials for pattern in HEAVY for found in sorted(trial.glob(pattern)) if found.is_dir()]


def size_of(folders: Iterable[Path]) -> int:
    """Bytes below these folders."""
    files = (path for folder in folders for path in folder.rglob("*"))
    return sum(path.lstat().st_size for path in files if not path.is_dir())


def collect(
    workspace: Workspace, run: str, trials: tuple[str, ...], by: str, record: Callable[[str, AnyEvent], Record]
) -> int:
    """Journal it, then take the folders away; returns their bytes. What cannot go stays and does no harm."""
    folders = heavy(workspace.trial(run, trial) for trial in trials)
    freed = size_of(folders)
    record(run, Collected(trials=trials, bytes=freed, by=by))
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    return freed
