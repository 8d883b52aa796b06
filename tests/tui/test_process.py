"""The interface as a process on a real pseudo-terminal, and the picture that is made without one."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from pathlib import Path

import pytest

from engine.journal import Journal
from engine.workspace import Workspace
from trex_tui import picture

from . import script
from .fake_engine import FakeEngine

START = "import sys; from pathlib import Path; from engine.workspace import Workspace;"
RUN = START + "from trex_tui.app import run_interface; sys.exit(run_interface(Workspace(Path(sys.argv[1])), None))"
ROOT = Path(__file__).parents[2]


class Terminal:
    """The interface in a child process behind a pseudo-terminal."""

    def __init__(self, home: Path) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(ROOT)
            os.execvpe(sys.executable, [sys.executable, "-c", RUN, str(home)], {**os.environ, "TERM": "xterm-256color"})
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.output = b""

    async def sees(self, text: bytes) -> None:
        end = time.monotonic() + 20
        while text not in self.output:
            assert time.monotonic() < end, self.output[-2000:]
            await asyncio.sleep(0.02)
            self.read()

    def read(self) -> None:
        while select.select([self.fd], [], [], 0)[0]:
            try:
                self.output += os.read(self.fd, 65536)
            except OSError:
                return

    async def exit_code(self) -> int:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            self.read()
            pid, status = os.waitpid(self.pid, os.WNOHANG)  # noqa: ASYNC222 - it does not wait
            if pid:
                os.close(self.fd)
                return os.waitstatus_to_exitcode(status)
            await asyncio.sleep(0.02)
        os.kill(self.pid, signal.SIGKILL)
        raise AssertionError("the interface did not end")


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_interface_and_not_the_engine(
    workspace: Workspace, running: script.Script, number: signal.Signals
) -> None:
    async with FakeEngine(workspace, running.records) as engine:
        terminal = Terminal(workspace.home)
        await terminal.sees(b"movie_sentiment")
        os.kill(terminal.pid, number)
        assert await terminal.exit_code() == 3
        assert engine.commands == []


async def test_leaving_says_that_the_engine_goes_on(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records):
        terminal = Terminal(workspace.home)
        await terminal.sees(b"held by")
        os.write(terminal.fd, b"q")
        assert await terminal.exit_code() == 0
        assert b"The engine goes on with r1" in terminal.output


def record(workspace: Workspace, out: script.Script) -> None:
    times = iter([entry.time for entry in out.records])
    journal = Journal.open(workspace.journal, clock=lambda: next(times))
    for entry in out.records:
        journal.append(entry.run, entry.event)
    journal.close()


def test_a_picture_of_a_recorded_run_needs_no_engine(
    workspace: Workspace, finished: script.Script, tmp_path: Path
) -> None:
    record(workspace, finished)
    assert picture.main([str(workspace.home), "r1", str(tmp_path / "out.svg"), "--size", "120x36", "--keys", "4"]) == 0
    svg = (tmp_path / "out.svg").read_text().replace("&#160;", " ")
    for text in ("champion", "n5t0", "learning rate", "done: all 6 rounds are done"):
        assert text in svg


def test_a_picture_of_a_run_that_is_not_there_is_refused(
    workspace: Workspace, finished: script.Script, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(workspace, finished)
    assert picture.main([str(workspace.home), "r7", str(tmp_path / "out.svg")]) == 2
    assert "there is no run `r7`" in capsys.readouterr().err
    assert not (tmp_path / "out.svg").exists()
