"""Job directories: how the engine and its child processes talk without a pipe somebody must drain.

A job is a directory. In: one JSON file (`plan.json` for trials, `job.json` for data). Out: telemetry, a result,
and, last of all, `exit.json`. From its first line to its death the process holds a POSIX record lock on `lock`:
locked = alive; free and no `exit.json` = killed. (`lockf`, not `flock`: a forked worker keeps a `flock`.)
Not the starting and watching of processes (`engine.executor.supervise`).
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO, Literal

import msgspec

from engine.files import UNREADABLE, read_regular, write_json

LOCK, EXIT = "lock", "exit.json"
MAX_EXIT, MAX_CAUSE = 1024 * 1024, 2000  # bytes, characters: it becomes an event


class Exit(msgspec.Struct, frozen=True, kw_only=True):
    """How a job's process ended, by its own word. `interrupted`: it was asked to stop and saved its state."""

    state: Literal["done", "failed", "interrupted"]
    kind: Literal["", "idea", "resource", "machine"] = ""
    cause: str = ""


class Locked(Exception):
    """Another living process holds this directory."""


def hold(directory: Path) -> IO[str]:
    """Take the directory's lock and keep it until this process ends. Keep the returned file open; open it nowhere else
    in this process (closing any other handle on the file would drop a POSIX lock). Raises Locked."""
    handle = (directory / LOCK).open("a+")
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        raise Locked(str(directory)) from None
    handle.truncate(0)
    handle.write(f"{os.getpid()}\n")
    handle.flush()
    return handle


def is_alive(directory: Path) -> bool:
    """Whether a process holds the directory. Never call it inside the holding process."""
    try:
        handle = (directory / LOCK).open("r+")
    except OSError:  # not there, or no file that a process could hold
        return False
    with handle:
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        return False


def clear(directory: Path) -> None:
    """Before a start is journalled: what processes before left here says nothing of the next one."""
    (directory / EXIT).unlink(missing_ok=True)
    if (directory / LOCK).exists() and not is_alive(directory):
        os.truncate(directory / LOCK, 0)


def has_begun(directory: Path) -> bool:
    """Whether a process has held the directory since it was cleared."""
    return holder(directory) > 0


def holder(directory: Path) -> int:
    """Process id written by the holder; 0 where unknown. Trust it only while `is_alive`."""
    try:
        return int((directory / LOCK).read_text().strip() or 0)
    except (OSError, ValueError):
        return 0


def finish(directory: Path, outcome: Exit) -> None:
    """Write `exit.json`: the last thing a job does."""
    write_json(directory / EXIT, outcome)


def outcome(directory: Path) -> Exit | None:
    """The job's own word, or None where it has not ended (or was killed)."""
    path = directory / EXIT
    try:
        if path.stat().st_size > MAX_EXIT:
            return None
        said = msgspec.json.decode(read_regular(path), type=Exit)
    except (OSError, *UNREADABLE):
        return None
    return msgspec.structs.replace(said, cause=said.cause[:MAX_CAUSE])
