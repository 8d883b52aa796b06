"""Processes that end with the one that started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.place import until

ROOT = Path(__file__).parents[2]
CHILD = """
import os, signal, sys
from engine.aidp.bound import bind
bind(os.getppid())
worker = os.fork()
if worker:
    print(os.getpid(), worker, flush=True)
signal.pause()
"""
PARENT = """
import signal, subprocess, sys
subprocess.Popen([sys.executable, "-c", sys.argv[1]], start_new_session=True)
signal.pause()
"""


def is_there(process: int) -> bool:
    """Alive, and not merely waited for by nobody."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel has no such call")
def test_a_process_and_those_that_it_forks_end_with_the_one_that_started_it() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, CHILD], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert parent.stdout is not None
    child, worker = map(int, parent.stdout.readline().split())
    assert is_there(child) and is_there(worker)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    until(lambda: not is_there(child) and not is_there(worker))


def test_one_whose_starter_was_quicker_does_not_begin() -> None:
    words = f"from engine.aidp.bound import bind; bind({os.getpid()} + 1); print('begun')"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, env=env, check=False)
    assert done.returncode == 1 and not done.stdout
