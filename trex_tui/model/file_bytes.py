"""The bytes of a file that somebody else writes, cuts off, renames or removes while they are read.

`look` finds out what has become of it (a system call or three, in a thread); `read` may be called from any thread at
any time. Not lines (`trex_tui.model.file_lines`).
"""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path
from typing import NamedTuple, Protocol

SAMPLE = 64  # bytes before the end that must be the same when the file has grown: else it was written anew


class Look(NamedTuple):
    """What there is to read. Another `generation`: other bytes under the same name. `problem`: why there are none."""

    size: int = 0
    generation: int = 0
    problem: str = ""


class Bytes(Protocol):
    """Something with bytes that grows at its end."""

    def look(self) -> Look:
        """What there is now."""

    def read(self, at: int, count: int) -> bytes:
        """At most `count` bytes from `at` on; fewer where there are no more."""

    def close(self) -> None: ...


class FileBytes:
    """`Bytes` of a path: follows it through truncation, rotation and removal."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()  # a file must not be closed, and its number used again, under a read
        self._handle = -1
        self._known = Look()
        self._sample = b""

    def look(self) -> Look:
        with self._lock:
            problem = self._reopen()
            if self._handle >= 0:
                self._measure()
            self._known = self._known._replace(problem="" if self._handle >= 0 else problem)
            return self._known

    def read(self, at: int, count: int) -> bytes:
        with self._lock:
            return self._read(at, count)

    def close(self) -> None:
        with self._lock:
            if self._handle >= 0:
                os.close(self._handle)
            self._handle = -1

    def _read(self, at: int, count: int) -> bytes:
        if self._handle < 0 or count <= 0:
            return b""
        try:
            return os.pread(self._handle, count, at)
        except OSError:
            return b""  # a disk that has gone; the next look says so

    def _reopen(self) -> str:
        """Open what bears the name now, where that is another file. Returns why it cannot be opened."""
        try:
            there = self.path.stat()
            if self._handle >= 0 and os.path.samestat(there, os.fstat(self._handle)):
                return ""
            if not stat.S_ISREG(there.st_mode):  # a pipe would keep us waiting
                return f"{self.path.name} is not a file"
            handle = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return f"there is no {self.path.name} here yet"  # renamed away: the old bytes stay until there are new ones
        except OSError as error:
            return f"{self.path.name} cannot be read ({error.strerror})"
        if self._handle >= 0:
            os.close(self._handle)
            self._begin_anew()
        self._handle = handle
        return ""

    def _measure(self) -> None:
        size = os.fstat(self._handle).st_size
        old = self._known.size
        if size < old or (size > old and self._read(old - len(self._sample), len(self._sample)) != self._sample):
            self._begin_anew()
        if size != self._known.size:
            self._known = self._known._replace(size=size)
            self._sample = self._read(max(0, size - SAMPLE), min(SAMPLE, size))

    def _begin_anew(self) -> None:
        self._known, self._sample = Look(0, self._known.generation + 1), b""
