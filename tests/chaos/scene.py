"""A search that can be killed: a workspace, the real `trex` command, a real engine and its processes, a scripted
Researcher, and the folder in which failpoints find their orders.

Not who dies when (`tests.chaos.storm`) and not what must be the same afterwards (`tests.chaos.outline`).
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from engine import failpoints, models
from engine.journal import Journal
from engine.search import events as ev
from engine.search.fold import fold
from engine.search.tree import Tree
from engine.workspace import Workspace
from tests.tinymodels import write_tiny_gguf

ROOT = Path(__file__).parents[2]
SCRIPTED = Path(__file__).parent / "scripted"
CHECKPOINT = 0.2  # seconds of training between checkpoints

TASK = """
name = "counts"
brief = "Say whether ab comes more often than cd."
[data]
file = "rows.csv"
[splits]
train = 96
validation = 24
confirm = 24
test = 24
[format]
prompt = "{text}:"
answer = " {answer}"
[evaluation]
mode = "label_likelihood"
labels = ["yes", "no"]
batch_size = 4
[model]
base = "tiny"
researcher = "scripted"
[budget]
wall = "8h"
checkpoint = "0.2s"
rounds = %(rounds)d
trials_per_round = %(trials)d
examples_per_trial = 384
confirm_candidates = %(candidates)d
[baseline]
learning_rate = 1e-2
lora_rank = 4
lora_alpha = 8
batch_size = 4
rows = 96
epochs = 3
max_length = 128
[space]
learning_rate = [1e-3, 3e-3, 1e-2]
lora_rank = [4, 8]
rows = [64, 96]
epochs = [2, 3, 4]
max_length = [128]
batch_size = [4]
gradient_accumulation = [1, 2]
"""

# What a process of ours is, by the module it runs.
KINDS = {
    "engine": "engine",
    "engine.executor": "trial",
    "engine.aidp": "data process",
    "engine.researcher": "Researcher",
    "engine.insights": "insight index",
}


def prepare(folder: Path, *, rounds: int, trials: int, candidates: int) -> None:
    """The task and the models that all searches below `folder` share."""
    if (folder / "task" / "task.toml").exists():
        return
    for name, kind in (("tiny", "base"), ("scripted", "researcher")):
        gguf = write_tiny_gguf(folder / f"{name}.gguf", seed=len(name))
        models.import_file(gguf, name, folder / "models", kind=kind)  # type: ignore[arg-type]
    draw = random.Random(1)
    rows = {" ".join(draw.choices(("ab", "cd", "ef"), k=9)) for _ in range(400)}
    lines = [f"{text},{'yes' if text.count('ab') > text.count('cd') else 'no'}" for text in sorted(rows)[::2]]
    (folder / "task").mkdir(exist_ok=True)
    (folder / "task" / "rows.csv").write_text("\n".join(["text,answer", *lines]))
    (folder / "task" / "task.toml").write_text(TASK % {"rounds": rounds, "trials": trials, "candidates": candidates})


class Scene:
    """One search in a workspace of its own."""

    def __init__(self, folder: Path, name: str) -> None:
        self.task = folder / "task"
        self.workspace = Workspace(folder / name)
        self.orders = folder / name / "orders"
        self.orders.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.environment = {
            **os.environ,
            failpoints.FOLDER: str(self.orders),
            "TREX_MODELS": str(folder / "models"),
            "PYTHONPATH": os.pathsep.join([str(SCRIPTED), str(ROOT)]),
            "OMP_NUM_THREADS": "1",  # sums are the same to the last bit only with the same threads
            "CUDA_VISIBLE_DEVICES": "",
        }

    # --- as a person ---------------------------------------------------------------------------------------------

    def trex(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-P", "-m", "trex_tui.cli", "--workspace", str(self.workspace.home), *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=280, check=False, env=self.environment, cwd=ROOT
        )

    def ask_for_run(self) -> None:
        """Once more, unless it stands in the journal: an engine that died over the command may have written it."""
        if not self.name:
            self.trex("run", str(self.task), "--detach")

    def start_engine(self) -> None:
        done = self.trex("engine", "start")
        # An engine may be told to die before it answers: only what is no death is a defect.
        assert "Traceback" not in done.stderr, done.stderr

    def leave(self) -> None:
        self.trex("engine", "stop")
        end = time.monotonic() + 30
        while self.processes():
            assert time.monotonic() < end, f"left running: {self.processes()}"
            time.sleep(0.1)

    # --- as an observer ------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The run's: a folder that an engine had made when it died over the command is not used again."""
        records = self.records()
        return records[0].run if records else ""

    @property
    def run(self) -> Path:
        return self.workspace.run(self.name)

    def records(self) -> list[ev.Record]:
        if not self.workspace.journal.exists():
            return []
        journal = Journal.open_read_only(self.workspace.journal)
        try:
            return list(journal.records())
        finally:
            journal.close()

    def tree(self) -> Tree:
        return fold(self.records())

    def processes(self) -> dict[int, str]:
        """Every living process of this search, and what it is."""
        return dict(self._processes())

    def _processes(self) -> Iterator[tuple[int, str]]:
        for process in psutil.process_iter():
            try:
                if process.status() == psutil.STATUS_ZOMBIE:
                    continue
                if process.environ().get(failpoints.FOLDER) != str(self.orders):
                    continue
                words = process.cmdline()
                module = words[words.index("-m") + 1] if "-m" in words else ""
                yield process.pid, KINDS.get(module, module or " ".join(words))
            except psutil.Error:
                continue
