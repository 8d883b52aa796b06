"""Child processes: started, watched, adopted by another watcher, asked to go, killed. With real processes."""

import asyncio
import os
import time
from pathlib import Path

import pytest

from engine import jobs
from engine.executor.supervise import LocalProcesses

CHILD = """
import signal, sys, time
from pathlib import Path
from engine import jobs
directory = Path(sys.argv[-1] if sys.argv[1] != "--standby" else sys.stdin.readline().strip())
try:
    held = jobs.hold(directory)
except jobs.Locked:
    sys.exit(0)
with (directory / "starts").open("a") as starts:
    starts.write("x")
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
end = time.monotonic() + float((directory / "seconds").read_text())
while time.monotonic() < end and not asked:
    time.sleep(0.02)
jobs.finish(directory, jobs.Exit(state="interrupted" if asked else "done"))
"""


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A job directory, and a module `supervised_child` that children can import."""
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "supervised_child.py").write_text(CHILD)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(modules), *filter(None, [os.environ.get("PYTHONPATH")])]))
    job = tmp_path / "job"
    job.mkdir()
    (job / "seconds").write_text("0.3")
    return job


def alive(directory: Path, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not jobs.is_alive(directory):
        assert time.monotonic() < end, (directory / "log.txt").read_text()
        time.sleep(0.02)


def test_a_child_is_followed_to_its_word(directory: Path) -> None:
    processes = LocalProcesses()
    processes.start("supervised_child", directory)
    assert asyncio.run(processes.ended(directory)) == jobs.Exit(state="done")


def test_another_engine_adopts_a_living_child(directory: Path) -> None:
    (directory / "seconds").write_text("1.0")
    LocalProcesses().start("supervised_child", directory)
    alive(directory)
    assert asyncio.run(LocalProcesses().ended(directory)) == jobs.Exit(state="done")


def test_a_killed_child_leaves_no_word_and_a_free_lock(directory: Path) -> None:
    (directory / "seconds").write_text("60")
    processes = LocalProcesses()
    processes.start("supervised_child", directory)
    alive(directory)
    processes.kill(directory)
    assert asyncio.run(processes.ended(directory)) is None
    assert jobs.has_begun(directory)


def test_an_adopted_child_can_be_asked_to_go(directory: Path) -> None:
    (directory / "seconds").write_text("60")
    LocalProcesses().start("supervised_child", directory)
    alive(directory)
    other = LocalProcesses()
    other.interrupt(directory)
    assert asyncio.run(other.ended(directory)) == jobs.Exit(state="interrupted")


def test_two_processes_never_work_in_one_directory(directory: Path) -> None:
    (directory / "seconds").write_text("1.5")
    first, second = LocalProcesses(), LocalProcesses()
    first.start("supervised_child", directory)
    alive(directory)
    second.start("supervised_child", directory)
    assert asyncio.run(second.ended(directory)) == jobs.Exit(state="done")
    assert (directory / "starts").read_text() == "x"


def test_an_old_word_is_not_taken_for_a_new_one(directory: Path) -> None:
    jobs.finish(directory, jobs.Exit(state="failed", kind="machine", cause="old"))
    processes = LocalProcesses()
    processes.start("supervised_child", directory)
    assert asyncio.run(processes.ended(directory)) == jobs.Exit(state="done")


def test_a_standby_takes_the_next_directory(directory: Path) -> None:
    processes = LocalProcesses(standby="supervised_child")
    processes.warm()
    processes.start("supervised_child", directory)
    assert asyncio.run(processes.ended(directory)) == jobs.Exit(state="done")
    processes.close()


def test_a_number_in_a_free_lock_is_never_signalled(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    monkeypatch.setattr(os, "kill", lambda pid, _number: sent.append(pid))
    (directory / jobs.LOCK).write_text(f"{os.getpid()}\n")
    LocalProcesses().kill(directory)
    assert sent == []
