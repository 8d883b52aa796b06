"""The data process of one command: started, told what to do, listened to, and ended with the command."""

from __future__ import annotations

import math
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import msgspec

from engine import errors, jobs
from engine.aidp.job import Progress
from engine.aidp.request import Profiled, Ran, Refused, Request, RunData, Said, Working
from engine.errors import BadInput, MachineFailure, ResourceFailure, TrexError, one_line
from engine.files import disk_errors
from engine.workspace import Workspace

MODULE = "engine.aidp.alone"
PATIENCE = 3.0  # seconds that a process which was asked to end has for it
GRACE = 10.0  # seconds after the limit of time in which the process may say itself that it is over
WAKE = 0.5  # seconds between two looks at a process that says nothing
CHUNK = 2**20  # bytes
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
    asked = encoded(request)
    log = space.home / "cli.log"
    with disk_errors(log):
        log.touch(mode=0o600)
        with log.open("ab") as trouble:
            child = subprocess.Popen(
                [sys.executable, "-P", "-m", MODULE, str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=trouble,
                start_new_session=True,
                env={**os.environ, **QUIET},
            )
    try:
        return _heard(child, asked, _Listener(request, watch), log)
    finally:
        _end(child)


def encoded(request: Request) -> bytes:
    """The request as it is sent. Raises BadInput where the name of a file in it is no text."""
    try:
        return msgspec.json.encode(request)
    except UnicodeEncodeError:
        hint = "rename the file or folder, or make a link to it that has another name"
        raise BadInput("the name of a file or folder is not UTF-8 text", hint=hint) from None


class _Listener:
    """Tells who watches; and keeps a limit of time where the process is too busy to look at its clock."""

    def __init__(self, request: Request, watch: Watch) -> None:
        self._limit = request.limits.seconds if isinstance(request, RunData) else 0.0
        self._watch = watch
        self._name = ""
        self._over = math.inf

    def hears(self, progress: Progress) -> None:
        if self._limit and math.isinf(self._over):
            self._over = time.monotonic() + self._limit + GRACE
        self._name = progress.operator if progress.of else ""
        self._watch(progress)

    def check(self) -> None:
        """Raises ResourceFailure."""
        if self._name and time.monotonic() > self._over:
            what = f"the recipe took longer than {self._limit:g} s, in `{self._name}`"
            raise ResourceFailure(what, hint="raise the limit")


def _heard(child: subprocess.Popen[bytes], asked: bytes, listener: _Listener, log: Path) -> Ran | Profiled:
    assert child.stdin is not None
    with suppress(BrokenPipeError):
        child.stdin.write(asked)
        child.stdin.close()
    said = msgspec.json.Decoder(Said)
    for line in _lines(child):
        listener.check()
        if not line:
            continue
        match said.decode(line):
            case Working(progress=progress):
                listener.hears(progress)
            case Refused() as refused:
                raise KINDS.get(refused.kind, MachineFailure)(refused.what, where=refused.where, hint=refused.hint)
            case (Ran() | Profiled()) as answer:
                return answer
    with suppress(subprocess.TimeoutExpired):  # it may have closed its pipe and gone on
        child.wait(PATIENCE)
    code = child.returncode
    if code == -signal.SIGKILL:
        hint = "use fewer rows, or close other programs"
        raise ResourceFailure("the data process was killed, most likely for want of memory", hint=hint)
    raise MachineFailure(f"the data process ended without a word (status {code})", hint=f"look at the end of {log}")


def _lines(child: subprocess.Popen[bytes]) -> Iterator[bytes]:
    """What it says by the line, and an empty one now and then where it says nothing. Ends with the process, not with
    the pipe: others that it has started may hold that."""
    assert child.stdout is not None
    pipe, begun = child.stdout.fileno(), bytearray()
    with selectors.DefaultSelector() as ready:
        ready.register(pipe, selectors.EVENT_READ)
        while True:
            gone = child.poll() is not None
            if ready.select(0 if gone else WAKE):
                if not (data := os.read(pipe, CHUNK)):
                    return
                begun += data
                if b"\n" in data:
                    *whole, begun = begun.split(b"\n")
                    yield from map(bytes, whole)
            elif gone:
                return
            else:
                yield b""


def _end(child: subprocess.Popen[bytes]) -> None:
    """The process and all of its own: asked first, then not asked."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, number)
        with suppress(subprocess.TimeoutExpired):
            child.wait(PATIENCE)
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()


@contextmanager
def passing(space: Workspace) -> Iterator[Path]:
    """A folder for what is thrown away at the end, also where the command is told to end. Those of commands that were
    killed go first."""
    with told_to_end():
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


@contextmanager
def told_to_end() -> Iterator[None]:
    """SIGTERM and SIGHUP are as ctrl-C: what was begun is put in order first. Once: what puts it in order is let be."""
    ours = threading.current_thread() is threading.main_thread()  # no other thread may say what a signal does
    heard = [number for number in (signal.SIGTERM, signal.SIGHUP) if ours and _is_deadly(number)]

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        for number in heard:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in heard:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, signal.SIG_DFL)


def _is_deadly(number: signal.Signals) -> bool:
    """Not heard by somebody else, nor ignored, as after `nohup`."""
    return signal.getsignal(number) == signal.SIG_DFL


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
