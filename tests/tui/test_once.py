"""`trex --once`: the search screen as plain lines, with an engine and without one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from engine.errors import BadInput
from engine.workspace import Workspace
from trex_tui.cli import main
from trex_tui.once import once

from . import script
from .fake_engine import FakeEngine
from .test_process import record


async def test_prints_what_the_engine_does(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records):
        lines = await asyncio.to_thread(once, workspace, "", 80, True)
    text = "\n".join(lines)
    for part in ("movie_sentiment", "engine ● live", "n6t0 trains, step 23 of 64", "★ best", "n3 refine", "next n6t1"):
        assert part in text
    assert all(len(line) <= 80 and line == line.rstrip() for line in lines)


def test_prints_the_journal_where_no_engine_is_at_work(
    workspace: Workspace, finished: script.Script, capsys: pytest.CaptureFixture[str]
) -> None:
    record(workspace, finished)
    assert main(["--workspace", str(workspace.home), "attach", "r1", "--once"]) == 0
    said = capsys.readouterr().out
    assert "champion n5t0" in said and "engine down" in said and "\x1b" not in said
    assert main(["--workspace", str(workspace.home), "--once"]) == 0


def test_says_that_there_is_nothing_to_print(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no runs yet"):
        once(Workspace(tmp_path), "", 80, False)


def test_tells_a_script_what_happened_since(
    workspace: Workspace, finished: script.Script, capsys: pytest.CaptureFixture[str]
) -> None:
    record(workspace, finished)
    home = ["--workspace", str(workspace.home), "status"]
    assert main([*home, "--since", "8h"]) == 0
    said = capsys.readouterr().out
    assert "champion n5t0" in said and "Learned\n  One epoch is not enough." in said and "it has ended" in said
    assert main([*home, "--since", "1s", "--json"]) == 0
    assert capsys.readouterr().out.startswith("[")
    assert main([*home, "--since", "soon"]) == 2
