"""Seconds from the start of a trial's process to its first optimiser step, part by part, beside a plain trl script.

    python -m tests.bench.fixed_cost MODEL_FOLDER [--repeat 3]

`cold` starts a process for the trial; `standby` hands the trial to a process that has imported its libraries. In both
the base model lies quantised in the cache, as from the second trial on.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import psutil

from engine import jobs
from engine.executor.job import State
from engine.executor.supervise import OFFLINE, LocalProcesses
from engine.files import write_json
from tests.bench import gpu
from tests.bench.acts import end

MODULE = "engine.executor"
PATIENCE = 300.0
QUIET = 0.5  # seconds without CPU time: a standby has imported everything

Parts = dict[str, float]


def cold(directory: Path) -> Parts:
    """A trial in a process of its own."""
    return _followed(directory, lambda: LocalProcesses().start(MODULE, directory))


def standby(directory: Path) -> Parts:
    """A trial in a process that was started ahead."""
    processes = LocalProcesses(standby=MODULE)
    processes.warm()
    waiting = processes._standby
    assert waiting is not None
    wait_idle(psutil.Process(waiting.pid))
    try:
        return _followed(directory, lambda: processes.start(MODULE, directory))
    finally:
        processes.close()


def plain(model: Path, rows: Path) -> Parts:
    """The plain script, by the same clock."""
    began = time.time()
    command = [sys.executable, "-P", "-m", "tests.bench.plain_trl", str(model), str(rows)]
    environment = {**os.environ, **OFFLINE, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    at = json.loads(done.stdout.splitlines()[-1])
    return {
        "interpreter and imports": at["imports"] - began,
        "model, rows, adapter, trainer": at["data and trainer"] - at["imports"],
        "before the first step": at["data and trainer"] - began,
    }


def measure(model: Path, folder: Path, repeat: int) -> dict[str, list[Parts]]:
    """Every way `repeat` times, in turn, after one trial that fills the cache."""
    work = gpu.job(folder, model, argparse.Namespace(rows=64, batch=8))
    ways: dict[str, Callable[[Path], Parts]] = {
        "cold": cold,
        "standby": standby,
        "plain trl script": lambda _: plain(model, folder / "train.jsonl"),
    }
    found: dict[str, list[Parts]] = {way: [] for way in ways}
    for turn in range(repeat + 1):
        for way, measured in ways.items():
            directory = folder / f"{way.split()[0]}-{turn}"
            directory.mkdir()
            write_json(directory / "plan.json", work)
            parts = measured(directory)
            if turn:
                found[way].append(parts)
    return found


def table(found: dict[str, list[Parts]]) -> list[str]:
    """Markdown: medians of each part, and the worst total."""
    ways = list(found)
    lines = [f"| seconds, median of {len(found[ways[0]])} | {' | '.join(ways)} |", f"|---|{'---|' * len(ways)}"]
    for part in found[ways[0]][0]:
        cells = (f"{statistics.median(run[part] for run in found[way]):.2f}" for way in ways)
        lines.append(f"| {part} | {' | '.join(cells)} |")
    worst = (f"{max(run['before the first step'] for run in found[way]):.2f}" for way in ways)
    return [*lines, f"| the same, worst | {' | '.join(worst)} |"]


def _followed(directory: Path, start: Callable[[], None]) -> Parts:
    """Start the trial, note when each phase begins, end the process once it trains."""
    began, since = time.time(), dict[str, float]()
    start()
    deadline = time.monotonic() + PATIENCE
    while "training" not in since:
        state = _state(directory)
        if state is not None:
            since.setdefault(state.phase, state.since)
        if jobs.outcome(directory) is not None or time.monotonic() > deadline:
            raise SystemExit(f"the trial did not train; see {directory / 'log.txt'}")
        time.sleep(0.002)
    end(directory)
    ready = since.get("waiting_for_device", since["loading"])  # the lease is free: this phase may be too short to see
    return {
        "interpreter and imports": ready - began,
        "model, rows, adapter, trainer": since["training"] - ready,
        "before the first step": since["training"] - began,
    }


def _state(directory: Path) -> State | None:
    try:
        return msgspec.json.decode((directory / "state.json").read_bytes(), type=State)
    except (OSError, msgspec.MsgspecError):
        return None


def wait_idle(process: psutil.Process) -> None:
    """Until the process has used no CPU time for `QUIET` seconds."""
    last, since = -1.0, time.monotonic()
    while time.monotonic() - since < QUIET:
        used = sum(process.cpu_times()[:2])
        if used != last:
            last, since = used, time.monotonic()
        time.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        print("\n".join(table(measure(options.model.resolve(), Path(scratch), options.repeat))))


if __name__ == "__main__":
    main()
