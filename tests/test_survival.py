"""A real engine, real trials: steered while it is killed, and without the library it needs."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.control import protocol as p
from engine.control.client import call
from engine.jobs import is_alive
from engine.search import events as ev
from tests.place import Place, until

LONG = ["--set", "budget.examples_per_trial=100000", "--set", "baseline.epochs=400", "--set", "budget.rounds=1"]
RUN = "letters-1"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    here = Place(tmp_path)
    yield here
    here.trex("engine", "stop", check=False)


def say(place: Place, command: p.Command) -> str:
    reply = asyncio.run(call(place.workspace.socket, command))
    assert reply.ok, reply.text
    return reply.text


def flag(place: Place, flag: str, on: bool, node: str = "n1", trial: str = "") -> None:
    say(place, p.SetFlag(id=1, run=RUN, node=node, flag=flag, on=on, trial=trial, by="me"))


def reborn(place: Place) -> None:
    """The engine is killed, and another one started."""
    os.kill(place.engine_pid(), signal.SIGKILL)
    place.trex("engine", "start")


def steps(folder: Path) -> list[int]:
    path = folder / "metrics.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line)["step"] for line in lines if line.endswith("}")]


def test_a_branch_is_paused_pruned_restored_and_resumed_with_an_engine_killed_between_any_two(place: Place) -> None:
    place.trex("run", str(place.task), "--detach", *LONG)
    folder = place.workspace.trial(RUN, "n1t0")
    until(lambda: len(steps(folder)) > 5)
    flag(place, "paused", True)
    reborn(place)
    until(lambda: not is_alive(folder))
    until(lambda: place.tree().trial("n1t0").state == "interrupted")
    saved = steps(folder)[-1]
    reborn(place)
    flag(place, "pruned", True)
    reborn(place)
    flag(place, "pruned", False)
    reborn(place)
    assert not is_alive(folder), "a paused trial takes no memory"
    flag(place, "paused", False)
    reborn(place)
    until(lambda: steps(folder)[-1] > saved + 5)
    assert f"going on after step {saved}" in (folder / "log.txt").read_text()
    flag(place, "pruned", True)
    until(lambda: not is_alive(folder))
    until(lambda: place.tree().trial("n1t0").state == "interrupted")
    assert not [e for e in place.events() if isinstance(e, ev.Failed)]
    assert steps(folder) == sorted(set(steps(folder))), "no step stands twice"


def test_a_single_trial_is_paused_and_resumed_and_undone(place: Place) -> None:
    place.trex("run", str(place.task), "--detach", *LONG)
    folder = place.workspace.trial(RUN, "n1t0")
    until(lambda: len(steps(folder)) > 2)
    flag(place, "paused", True, trial="n1t0")
    until(lambda: not is_alive(folder) and place.tree().trial("n1t0").state == "interrupted")
    assert "me paused n1t0" in say(place, p.Undo(id=1, run=RUN, by="me"))
    until(lambda: is_alive(folder))
    say(place, p.StopRun(id=1, run=RUN, by="me"))
    until(lambda: place.tree().over)
    assert place.tree().state == "stopped"


def test_without_its_library_no_node_fails_and_after_repair_the_search_goes_on(place: Place) -> None:
    """A driver update in the night: what the trials import cannot be loaded any more, until somebody mends it."""
    shim = place.folder / "shim"
    (shim / "bitsandbytes").mkdir(parents=True)
    broken = shim / "bitsandbytes" / "__init__.py"
    before = {**os.environ}
    os.environ["PYTHONPATH"] = str(shim)
    (shim / "bitsandbytes").rename(shim / "waiting")
    try:
        place.trex("run", str(place.task), "--detach", "--set", "budget.rounds=20")
    finally:
        os.environ.clear()
        os.environ.update(before)
    until(lambda: sum(isinstance(e, ev.Finished) for e in place.events()) >= 2)
    (shim / "waiting" / "__init__.py").write_text(
        'raise OSError("libcuda.so.1: cannot open shared object file: No such file or directory")\n'
    )
    (shim / "waiting").rename(shim / "bitsandbytes")
    assert broken.exists()
    until(lambda: place.tree().state == "paused")
    tree = place.tree()
    assert [n.id for n in tree.nodes.values() if n.state == "failed"] == []
    assert "libcuda.so.1" in tree.reason
    assert "Traceback" not in tree.reason and len(tree.reason.splitlines()) == 1
    broken.unlink()
    (shim / "bitsandbytes").rmdir()
    flag(place, "paused", False, node="n0")
    scored = len(tree.scored())
    until(lambda: len(place.tree().scored()) > scored)
    tree = place.tree()
    assert tree.state == "running"
    assert [n.id for n in tree.nodes.values() if n.state == "failed"] == []
    machine = [e for e in place.events() if isinstance(e, ev.Failed)]
    assert len(machine) == 2 and all(e.kind == "machine" for e in machine)


def test_nothing_changes_when_the_terminal_goes_away(place: Place) -> None:
    """SIGHUP to the whole session that started the search: the engine and its trial have sessions of their own."""
    command = [sys.executable, "-P", "-m", "trex_tui.cli", "--workspace", str(place.workspace.home)]
    watching = subprocess.Popen(
        [*command, "run", str(place.task), "--headless", *LONG],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # nohup would have it ignored
    )
    folder = place.workspace.trial(RUN, "n1t0")
    until(lambda: len(steps(folder)) > 1)
    engine = place.engine_pid()
    os.killpg(watching.pid, signal.SIGHUP)
    watching.wait(timeout=30)
    seen = steps(folder)[-1]
    until(lambda: steps(folder)[-1] > seen + 3)
    assert place.engine_pid() == engine
    assert is_alive(folder)
    say(place, p.StopRun(id=1, run=RUN, by="me"))
    until(lambda: place.tree().over)


def test_another_runtime_folder_finds_the_same_engine(place: Place, tmp_path: Path) -> None:
    """cron and su give another $XDG_RUNTIME_DIR, or none."""
    place.trex("engine", "start")
    first = place.engine_pid()
    other = tmp_path / "runtime"
    other.mkdir(mode=0o700)
    command = [sys.executable, "-P", "-m", "trex_tui.cli", "--workspace", str(place.workspace.home), "engine"]
    for action in ("start", "stop"):
        done = subprocess.run(
            [*command, action],
            env={**os.environ, "XDG_RUNTIME_DIR": str(other)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert place.engine_pid() == first
