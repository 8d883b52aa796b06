"""What a standby costs the trial that runs beside it: tokens a second while it imports, by how it is scheduled.

    python -m tests.bench.standby MODEL_FOLDER [--rows 512]

One real training. After some steps a standby is started, four times: not at all, as any process, at nice 19, and as
SCHED_IDLE, which runs only where a core has nothing else to do. Means something on a quiet machine alone.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from engine import jobs
from engine.executor.supervise import OFFLINE, LocalProcesses
from engine.files import read_jsonl, write_json
from tests.bench import gpu
from tests.bench.acts import end
from tests.bench.fixed_cost import MODULE, QUIET, wait_idle

CALM = 5.0  # seconds of training before and between
ALONE = 10.0  # seconds of the row without a standby


def as_any() -> None:
    """As the operating system does it by itself."""


def nice() -> None:
    os.nice(19)


def idle() -> None:
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


WAYS: dict[str, Callable[[], None] | None] = {"none": None, "any": as_any, "nice 19": nice, "SCHED_IDLE": idle}


def speeds(directory: Path, since: float, until: float) -> list[float]:
    """Tokens a second of the steps that ended between two moments (Unix seconds)."""
    rows = read_jsonl(directory / "metrics.jsonl")
    return [float(row["tokens_per_second"]) for row in rows if since < float(row["time"]) <= until]


def beside(way: Callable[[], None] | None) -> float:
    """Have a standby import everything, and end it; returns the seconds until it was ready."""
    began = time.time()
    if way is None:
        time.sleep(ALONE)
        return ALONE
    standby = subprocess.Popen(
        [sys.executable, "-P", "-m", MODULE, "--standby"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **OFFLINE},
        preexec_fn=way,
        start_new_session=True,
    )
    wait_idle(psutil.Process(standby.pid))
    ready = time.time() - began - QUIET
    assert standby.stdin is not None
    standby.stdin.close()
    standby.wait()
    return ready


def measure(directory: Path) -> list[str]:
    lines = ["| standby | tokens/s before | while it imports | ready after (s) |", "|---|---|---|---|"]
    for name, way in WAYS.items():
        calm = time.time()
        time.sleep(CALM)
        began = time.time()
        ready = beside(way)
        before, during = speeds(directory, calm, began), speeds(directory, began, began + ready)
        if jobs.outcome(directory) is not None or not before or not during:
            raise SystemExit("the training was over before the measurement; give more --rows")
        lines.append(f"| {name} | {statistics.median(before):.0f} | {statistics.median(during):.0f} | {ready:.1f} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--rows", type=int, default=2048)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        work = gpu.job(Path(scratch), options.model.resolve(), argparse.Namespace(rows=options.rows, batch=8))
        directory = Path(scratch) / "trial"
        write_json(directory / "plan.json", work)
        LocalProcesses().start(MODULE, directory)
        while not (directory / "metrics.jsonl").exists():
            if jobs.outcome(directory) is not None:
                raise SystemExit((directory / "log.txt").read_text()[-2000:])
            time.sleep(0.1)
        try:
            print("\n".join(measure(directory)))
        finally:
            end(directory)


if __name__ == "__main__":
    main()
