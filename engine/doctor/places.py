"""Who can read the workspace, and what killed processes left half-written in it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from engine.doctor.finding import Finding, MakePrivate, Remove, fine, note, wrong
from engine.errors import TrexError
from engine.jobs import LOCK
from engine.workspace import OTHERS, Workspace, lock_holder, only_ours, our_entries

AGE = 3600.0  # seconds after which nobody is still writing a temporary file
# What tempfile appends to a name of ours; the adapter that a trial was saving; a cached base model, a model's import;
# an operator's result on its way into the cache.
HALF_WRITTEN = re.compile(r"\.(.+\.[a-z0-9_]{8}|adapter|nf4-.+|import-[a-z0-9_]{8}|[0-9a-f]{64}\.\d+)")


def privacy(space: Workspace) -> list[Finding]:
    """The workspace, what lies in it, and the folder of the socket: readable for the owner and nobody else."""
    found = [_home(space.home)]
    try:
        found.append(fine("the folder of the engine's socket is private", space.socket.parent))
    except TrexError as error:
        found.append(wrong(f"{error.what}; {error.hint}", error.where))
    return found


def _home(home: Path) -> Finding:
    entries = [home, *our_entries(home)]
    foreign = tuple(path for path in entries if path.lstat().st_uid != os.getuid())
    if foreign:
        return wrong(f"{len(foreign)} of the workspace's folders and files belong to another user", foreign[0])
    if not home.stat().st_mode & OTHERS:
        return fine("nobody else can read the workspace", home)
    if only_ours(home):
        return wrong("others on this machine can look into the workspace", home, MakePrivate((home,)))
    exposed = tuple(path for path in entries[1:] if path.lstat().st_mode & OTHERS and not path.is_symlink())
    if exposed:
        what = "the workspace lies among other things in a folder that others can read, and so can they this"
        return wrong(what, exposed[0], MakePrivate(exposed))
    return note("others can list this folder, because it holds other things too; what is TREX's they cannot read", home)


def leftovers(space: Workspace, now: float) -> Finding:
    """Temporary files and folders that a killed process did not take away. `now`: Unix seconds."""
    old = tuple(path for path in _half_written(space) if now - _touched(path) > AGE)
    if not old:
        return fine("nothing half-written is left", space.home)
    return note(f"killed processes left {len(old)} half-written files or folders", old[0], Remove(old))


def _half_written(space: Workspace) -> Iterator[Path]:
    yield from (path for path in space.home.glob(f".{space.journal.name}.*") if HALF_WRITTEN.fullmatch(path.name))
    if not (space.home / "models").is_symlink():
        yield from (space.home / "models").glob(".import-*")
    for place in ("runs", "tasks", "cache", "backups"):
        for folder, folders, files in os.walk(space.home / place):
            here = Path(folder)
            halves = [name for name in (*folders, *files) if HALF_WRITTEN.fullmatch(name)]
            folders[:] = [name for name in folders if name not in halves]
            if halves and not lock_holder(here / LOCK):
                yield from (here / name for name in halves)


def _touched(path: Path) -> float:
    """When the youngest thing of it was written; in the future where it is gone meanwhile."""
    try:
        return max(part.lstat().st_mtime for part in (path, *path.rglob("*")))
    except OSError:
        return float("inf")
