"""What a trial says while it works: `state.json`, `metrics.jsonl` and `log.txt`. Files, never a pipe.

Not its result. Everything here is written for whoever looks at the directory, alive or long dead.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from engine.executor.job import State, Step
from engine.files import UNREADABLE, disk_errors, write_json, write_jsonl

STATE_EVERY = 0.5  # seconds between state files within one phase
METRICS, STATE, LOG = "metrics.jsonl", "state.json", "log.txt"


def log_to(path: Path) -> None:
    """Send everything this process writes, native libraries included, to the end of `path`, line by line."""
    with disk_errors(path):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    os.close(handle)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(line_buffering=True)


def say(message: str) -> None:
    """One line of the log, with the time of day."""
    sys.stderr.write(f"{datetime.now():%H:%M:%S.%f}"[:12] + f" {message}\n")


def steps_in(directory: Path) -> list[Step]:
    """The steps that a trial has written down. A line torn by a kill, or by somebody's editor, is left out."""
    try:
        lines = (directory / METRICS).read_bytes().split(b"\n")
    except OSError:
        return []
    found = []
    for line in lines:
        with contextlib.suppress(*UNREADABLE):
            found.append(msgspec.json.decode(line, type=Step))
    return found


class Reporter:
    """Writes the state and the steps of one trial."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._state = State(phase="starting", since=time.time())
        self._written = 0.0

    def phase(self, phase: str, **changes: Any) -> None:
        """Enter a phase: written at once, logged."""
        self._state = msgspec.structs.replace(self._state, phase=phase, since=time.time(), **changes)
        say(phase.replace("_", " "))
        self._write()

    def progress(self, **changes: Any) -> None:
        """Progress within the phase: written twice a second at most."""
        self._state = msgspec.structs.replace(self._state, **changes)
        if time.monotonic() - self._written >= STATE_EVERY:
            self._write()

    def resume_after(self, step: int) -> int:
        """Forget the steps after `step`, which will be run, and written, again. Returns their number."""
        rows = self.steps()
        kept = [row for row in rows if row.step <= step]
        write_jsonl(self._directory / METRICS, kept)
        return len(rows) - len(kept)

    def step(self, step: Step) -> None:
        """Append one step to the metrics."""
        path = self._directory / METRICS
        with disk_errors(path), path.open("ab") as out:
            out.write(msgspec.json.encode(step) + b"\n")
        self.progress(step=step.step)

    def steps(self) -> list[Step]:
        """All steps so far, those before an interruption included."""
        return steps_in(self._directory)

    def _write(self) -> None:
        self._written = time.monotonic()
        write_json(self._directory / STATE, self._state)
