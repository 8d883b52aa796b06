"""The engine's side of child processes: start one for a job directory, watch it, adopt one, ask it to go.

A child lives in its own session and outlives the engine; its directory's lock says whether it lives. Not the
child's work (`engine.executor.__main__`, `engine.aidp.__main__`) and no decision about what to run.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO, Protocol

from engine import jobs
from engine.files import disk_errors

POLL_SECONDS = 0.1
OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


class Processes(Protocol):
    """What the loop needs of the operating system."""

    def start(self, module: str, directory: Path) -> None:
        """Start `python -P -m module directory`. The caller has journalled it before."""

    def warm(self) -> None:
        """Have a process ready for the next start, where that pays."""

    async def ended(self, directory: Path) -> jobs.Exit | None:
        """Wait until no process holds the directory; its own word, or None where it was killed."""

    def interrupt(self, directory: Path) -> None:
        """Ask it to save its state and end."""

    def kill(self, directory: Path) -> None:
        """End it at once."""


class LocalProcesses:
    """Processes of this machine. `standby` modules are started ahead, imports done, and wait for a directory."""

    def __init__(self, standby: str = "", log: Path | None = None) -> None:
        self._children: dict[Path, subprocess.Popen[bytes]] = {}
        self._standby_module, self._log = standby, log
        self._standby: subprocess.Popen[bytes] | None = None

    def start(self, module: str, directory: Path) -> None:
        (directory / jobs.EXIT).unlink(missing_ok=True)
        waiting, self._standby = self._standby, None
        if waiting is not None and module == self._standby_module and _hand_over(waiting, directory):
            self._children[directory] = waiting
            return
        if waiting is not None:
            self._standby = waiting
        with disk_errors(directory), (directory / "log.txt").open("ab") as log:
            self._children[directory] = _spawn([module, str(directory)], log)

    def warm(self) -> None:
        """Start the standby process, where there is none."""
        if not self._standby_module or (self._standby is not None and self._standby.poll() is None):
            return
        with (self._log or Path(os.devnull)).open("ab") as log:
            self._standby = _spawn([self._standby_module, "--standby"], log, stdin=subprocess.PIPE)

    async def ended(self, directory: Path) -> jobs.Exit | None:
        child = self._children.get(directory)
        while True:
            # A child that has ended may have found the directory held by an older process: the lock decides.
            gone = child is None or child.poll() is not None
            if gone and not jobs.is_alive(directory):
                self._children.pop(directory, None)
                return jobs.outcome(directory)
            await asyncio.sleep(POLL_SECONDS)

    def interrupt(self, directory: Path) -> None:
        self._signal(directory, signal.SIGTERM)

    def kill(self, directory: Path) -> None:
        self._signal(directory, signal.SIGKILL)

    def close(self) -> None:
        """Let the standby go. Running jobs go on; the next engine adopts them."""
        if self._standby is not None and self._standby.stdin is not None:
            with contextlib.suppress(OSError):
                self._standby.stdin.close()
            self._standby = None

    def _signal(self, directory: Path, number: signal.Signals) -> None:
        child = self._children.get(directory)
        pid = child.pid if child is not None and child.poll() is None else 0
        # A process number is trusted only while the lock is held: numbers are reused.
        if not pid and jobs.is_alive(directory):
            pid = jobs.holder(directory)
        if pid > 0:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


def _spawn(arguments: list[str], log: IO[bytes], stdin: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    """A child in its own session that writes to a file, never to a pipe somebody must drain."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", *arguments],
        stdin=stdin,
        stdout=log,
        stderr=log,
        start_new_session=True,
        env={**os.environ, **OFFLINE},
    )


def _hand_over(standby: subprocess.Popen[bytes], directory: Path) -> bool:
    """Give the waiting process its directory; False where it is gone."""
    if standby.poll() is not None or standby.stdin is None:
        return False
    try:
        standby.stdin.write(f"{directory}\n".encode())
        standby.stdin.close()
    except OSError:
        return False
    return True
