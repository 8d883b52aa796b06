"""A private folder for sockets, a workspace with a recorded search in it, and one with a real engine at work."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.workspace import Workspace
from tests.place import Place

from . import person, script


@pytest.fixture(autouse=True)
def sockets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A short folder of our own: a socket's path may have 108 bytes only."""
    with tempfile.TemporaryDirectory(prefix="trex") as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        monkeypatch.setenv("XDG_CONFIG_HOME", folder)
        monkeypatch.delenv("SSH_CONNECTION", raising=False)
        monkeypatch.delenv("DISPLAY", raising=False)
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
        yield


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "home").create()


@pytest.fixture
def running(workspace: Workspace) -> script.Script:
    """A search in full swing: n6t0 trains, n3 is pruned, n4t0 has failed."""
    out = script.search(str(workspace.home / "tasks" / "movie_sentiment"), str(workspace.home), time.time() - 697)
    script.directories(workspace, out)
    return out


@pytest.fixture
def finished(running: script.Script, workspace: Workspace) -> script.Script:
    script.ending(running)
    script.directories(workspace, running)
    return running


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A real engine that has begun to search with a tiny model."""
    monkeypatch.setattr(person, "PATIENCE", 90.0)
    here = Place(tmp_path_factory.mktemp("seen"))
    here.trex("run", str(here.task), "--detach", "--set", "baseline.epochs=2")
    yield here
    here.trex("engine", "stop", check=False)
