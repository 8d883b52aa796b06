"""What a trial writes on its way, the lease and the limits, without training anything."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.executor import checkpoints, lease, limits
from engine.executor.job import State, Step
from engine.executor.stop import Interrupted, Stop
from engine.executor.telemetry import Reporter
from engine.files import read_jsonl
from tests.executor.conftest import ENVIRONMENT

HOLD = """
import fcntl, sys
handle = open(sys.argv[1], "a+")
fcntl.lockf(handle, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.readline()
"""


def step(number: int) -> Step:
    return Step(time=0.0, step=number, loss=1.0, learning_rate=0.1, grad_norm=1.0, tokens_per_second=1.0, memory=1)


def test_steps_after_the_checkpoint_are_forgotten(tmp_path: Path) -> None:
    reporter = Reporter(tmp_path)
    for number in (1, 2, 3):
        reporter.step(step(number))
    with (tmp_path / "metrics.jsonl").open("ab") as torn:
        torn.write(b'{"step": 4, "lo')
    reporter.resume_after(2)
    reporter.step(step(3))
    assert [row["step"] for row in read_jsonl(tmp_path / "metrics.jsonl")] == [1, 2, 3]


def test_the_state_says_what_is_being_done(tmp_path: Path) -> None:
    reporter = Reporter(tmp_path)
    reporter.phase("evaluating", judged=0, items=300, device="cpu")
    state = msgspec.json.decode((tmp_path / "state.json").read_bytes(), type=State)
    assert (state.phase, state.items, state.device) == ("evaluating", 300, "cpu") and state.since > 0


def sealed(folder: Path, number: int) -> Path:
    path = folder / f"checkpoint-{number}"
    path.mkdir()
    (path / "weights").write_bytes(b"w" * number)
    checkpoints.seal(path, seconds=float(number))
    return path


def test_only_a_whole_checkpoint_counts(tmp_path: Path) -> None:
    assert checkpoints.latest(tmp_path) is None
    whole, changed, cut = sealed(tmp_path, 9), sealed(tmp_path, 10), sealed(tmp_path, 11)
    (changed / "weights").write_bytes(b"x" * 10)
    (cut / "weights").unlink()
    (tmp_path / "checkpoint-12").mkdir()
    (tmp_path / "checkpoint-odd").mkdir()
    found = checkpoints.latest(tmp_path)
    assert found is not None and found[0] == whole and found[1].seconds == 9.0


def test_the_lease_is_waited_for_and_a_request_to_stop_is_heard(tmp_path: Path) -> None:
    lock = tmp_path / "device.lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENVIRONMENT
    )
    assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
    stop = Stop()
    stop.asked = True
    with pytest.raises(Interrupted):
        lease.take(lock, stop)
    holder.communicate(b"go\n", timeout=30)
    lease.take(lock, Stop())


@given(st.lists(st.integers(0, 10**10), max_size=12))
def test_memory_is_back_when_four_looks_agree(free: list[int]) -> None:
    agree = len(free) >= lease.STEADY and max(free[-4:]) - min(free[-4:]) <= lease.NOISE
    assert lease.is_steady(free) == agree


def test_the_cap_is_never_raised() -> None:
    code = (
        "import resource; from engine.executor.limits import cap_memory\n"
        "resource.setrlimit(resource.RLIMIT_AS, (3 * 2**30, 3 * 2**30)); cap_memory()\n"
        "print(resource.getrlimit(resource.RLIMIT_AS)[0])"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], env=ENVIRONMENT, capture_output=True, check=True)
    assert int(done.stdout) == 3 * 2**30
    assert resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY or limits.RESERVE > 0
