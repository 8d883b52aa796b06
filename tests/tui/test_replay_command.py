"""`trex replay` and `trex record` as a person calls them, on a real pseudo-terminal where they show something."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import sys
import termios
from pathlib import Path

import pytest

from engine.journal import Journal
from engine.workspace import Workspace
from trex_tui import cli

from . import script
from .test_process import ROOT, Terminal


class Calling(Terminal):
    """`trex` with these words, in a child process behind a pseudo-terminal of 80x24."""

    def __init__(self, home: Path, *words: str) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(ROOT)
            command = [sys.executable, "-m", "trex_tui.cli", "--workspace", str(home), *words]
            os.execvpe(sys.executable, command, {**os.environ, "TERM": "xterm-256color"})
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.output = b""


def journalled(workspace: Workspace, out: script.Script) -> None:
    times = iter([entry.time for entry in out.records])
    journal = Journal.open(workspace.journal, clock=lambda: next(times))
    for entry in out.records:
        journal.append(entry.run, entry.event)
    journal.close()


async def test_the_shipped_recording_plays_without_engine_and_models(tmp_path: Path) -> None:
    terminal = Calling(tmp_path / "none", "replay", "--speed", "2")
    await terminal.sees(b"the past")
    await terminal.sees(b"n0t0 done")
    os.write(terminal.fd, b"\x1b[F")  # end
    await terminal.sees(b"champion")
    os.write(terminal.fd, b"q")
    assert await terminal.exit_code() == 0
    assert not (tmp_path / "none").exists(), "nothing is made where nothing is needed"


async def test_a_run_of_the_workspace_stands_still_at_its_end(workspace: Workspace, finished: script.Script) -> None:
    journalled(workspace, finished)
    before = workspace.journal.read_bytes()
    terminal = Calling(workspace.home, "replay", "r1", "--speed", "0")
    await terminal.sees(b"champion")
    os.write(terminal.fd, b"[")
    await terminal.sees(b"this is how it was at")
    os.write(terminal.fd, b"q")
    assert await terminal.exit_code() == 0
    assert workspace.journal.read_bytes() == before


def test_a_run_is_recorded_and_found_again(
    workspace: Workspace, finished: script.Script, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journalled(workspace, finished)
    to = tmp_path / "mine.trex"
    assert cli.main(["--workspace", str(workspace.home), "record", "r1", "--to", str(to)]) == 0
    assert capsys.readouterr().out.strip() == str(to) and to.is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["record", "r7", "--to", "x.trex"], "no run `r7` in this workspace"),
        (["record", "r1", "--to", "."], "is there already"),
        (["replay", "--speed", "-1"], "is no speed from 0 to 1000"),
        (["replay"], "a replay needs a terminal"),
    ],
)
def test_what_cannot_be_done_is_said(
    workspace: Workspace, finished: script.Script, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    journalled(workspace, finished)
    assert cli.main(["--workspace", str(workspace.home), *words]) == 2
    assert said in capsys.readouterr().err
