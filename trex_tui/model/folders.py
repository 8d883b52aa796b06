"""What lies in the directory of a node or a trial: its files, and for a node what its recipe did. Read in a thread.

Not a trial's course and result (`trex_tui.model.telemetry`).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from engine.aidp.job import DataReport
from engine.files import UNREADABLE, read_regular

MOST = 300  # entries of one directory
REPORT_LIMIT = 1024 * 1024

MEANING = {
    "plan.json": "what the trial was asked to do",
    "job.json": "the recipe, and what it may read",
    "data.jsonl": "the rows that the recipe made",
    "report.json": "what each operator did",
    "metrics.jsonl": "one line per step",
    "log.txt": "the process's own log",
    "state.json": "what the process does now",
    "result.json": "score and judged validation rows",
    "trained.json": "what the training came to",
    "exit.json": "how the process ended",
    "lock": "held by the process while it lives",
    "adapter": "the trained adapter (safetensors)",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, or a folder with all that is in it. `time`: of its last change, Unix seconds."""

    name: str
    path: Path
    size: int
    time: float
    folder: bool

    @property
    def meaning(self) -> str:
        """What it is; "" for what we do not know."""
        if self.name.startswith("checkpoint-"):
            return "to go on from, after an interruption"
        return MEANING.get(self.name, "")


@dataclass(frozen=True, slots=True)
class FolderView:
    """A directory as it lies on the disk. `report` None: no recipe has run to its end here."""

    path: Path
    entries: tuple[Entry, ...] = ()
    more: int = 0  # entries that are not listed
    report: DataReport | None = None


def look(path: Path) -> FolderView:
    """The directory now. One that is not there yet is empty."""
    try:
        with os.scandir(path) as found:
            listed = sorted(found, key=lambda entry: entry.name)
    except OSError:
        return FolderView(path)
    entries = [entry for entry in map(_entry, listed[:MOST]) if entry is not None]
    return FolderView(path, tuple(entries), max(0, len(listed) - MOST), _report(path / "report.json"))


def _entry(found: os.DirEntry[str]) -> Entry | None:
    try:
        info = found.stat(follow_symlinks=False)
        folder = found.is_dir(follow_symlinks=False)
    except OSError:
        return None  # gone in the meantime
    size = _size(found.path) if folder else info.st_size
    return Entry(found.name, Path(found.path), size, info.st_mtime, folder)


def _size(folder: str) -> int:
    """Bytes of the files in a folder, without those of its folders: adapters and checkpoints are flat."""
    try:
        with os.scandir(folder) as found:
            return sum(entry.stat(follow_symlinks=False).st_size for entry in found if entry.is_file())
    except OSError:
        return 0


def _report(path: Path) -> DataReport | None:
    try:
        return msgspec.json.decode(read_regular(path, REPORT_LIMIT), type=DataReport)
    except (OSError, *UNREADABLE):
        return None
