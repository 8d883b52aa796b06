"""The data process of one command: started, told what to do, listened to, and ended with the command."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from engine import errors, jobs
from engine.aidp.job import Progress
from engine.aidp.request import Profiled, Ran, Refused, Request, Said, Working
from engine.errors import BadInput, MachineFailure, ResourceFailure, TrexError, one_line
from engine.files import disk_errors
from engine.workspace import Workspace

MODULE = "engine.aidp.alone"
PATIENCE = 3.0  # seconds that a process which was asked to end has for it
NEW = 60.0  # seconds in which a command's folder may not be held yet
QUIET = {
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
}
WORK = "data-work"  # below the workspace's cache: folders that live as long as their command
KINDS: dict[str, type[TrexError]] = {
    kind.kind: kind for kind in (BadInput, MachineFailure, ResourceFailure, errors.IdeaFailure)
}

Watch = Callable[[Progress], None]


def ask(space: Workspace, request: Request, watch: Watch) -> Ran | Profiled:
    """What the process makes of it. Raises what it refuses with; an interrupt ends it and whatever it has started."""
    log = space.home / "cli.log"
    with disk_errors(log):
        log.touch(mode=0o600)
        with log.open("ab") as trouble:
            child = subprocess.Popen(
                [sys.executable, "-P", "-m", MODULE],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=trouble,
                start_new_session=True,
                env={**os.environ, **QUIET},
            )
    try:
        return _heard(child, request, watch, log)
    finally:
        _end(child)


def _heard(child: subprocess.Popen[bytes], request: Request, watch: Watch, log: Path) -> Ran | Profiled:
    assert child.stdin is not None and child.stdout is not None
    with suppress(BrokenPipeError):
        child.stdin.write(msgspec.json.encode(request))
        child.stdin.close()
    said = msgspec.json.Decoder(Said)
    for line in child.stdout:
        match said.decode(line):
            case Working(progress=progress):
                watch(progress)
            case Refused() as refused:
                raise KINDS.get(refused.kind, MachineFailure)(refused.what, where=refused.where, hint=refused.hint)
            case (Ran() | Profiled()) as answer:
                return answer
    code = child.wait()
    if code == -signal.SIGKILL:
        hint = "use fewer rows, or close other programs"
        raise ResourceFailure("the data process was killed, most likely for want of memory", hint=hint)
    raise MachineFailure(f"the data process ended without a word (status {code})", hint=f"look at the end of {log}")


def _end(child: subprocess.Popen[bytes]) -> None:
    """The process and all of its own: asked first, then not asked."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, number)
        with suppress(subprocess.TimeoutExpired):
            child.wait(PATIENCE)
            break
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()


@contextmanager
def passing(space: Workspace) -> Iterator[Path]:
    """A folder for what is thrown away at the end. Those of commands that were killed go first."""
    home = space.create().cache / WORK
    with disk_errors(home):
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in home.iterdir():
            if time.time() - left.stat().st_mtime > NEW and not jobs.is_alive(left):
                shutil.rmtree(left, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(dir=home))
    with jobs.hold(folder):
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


class Line:
    """Progress on standard error: one line that rewrites itself on a terminal, now and then a line elsewhere."""

    EVERY = 10.0  # seconds between two lines where they stay

    def __init__(self) -> None:
        self._terminal = sys.stderr is not None and sys.stderr.isatty()
        self._then = time.monotonic() + self.EVERY
        self._open = False

    def __call__(self, progress: Progress) -> None:
        text = one_line(told(progress))
        if self._terminal:
            print(f"\r{text}\x1b[K", end="", file=sys.stderr, flush=True)
            self._open = True
        elif time.monotonic() >= self._then:
            print(text, file=sys.stderr, flush=True)
            self._then = time.monotonic() + self.EVERY

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        if self._open:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def told(progress: Progress) -> str:
    """`2 of 5: dedup_minhash, 40%`; rows where their number is not known beforehand."""
    where = f"{progress.place + 1} of {progress.of}: {progress.operator}" if progress.of else progress.operator
    if progress.total:
        return f"{where}, {min(1.0, progress.done / progress.total):.0%}"
    return f"{where}, {progress.done:,} rows" if progress.done else where
