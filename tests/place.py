"""A small place for tests of the whole: a workspace with a tiny real Llama, a small task, and the `trex` command."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

from engine import models
from engine.journal import Journal
from engine.search import events as ev
from engine.search.fold import fold
from engine.search.tree import Tree
from engine.workspace import Workspace
from tests.tinymodels import write_tiny_gguf

TASK = """
name = "letters"
brief = "Say whether the word has an a in it."
[data]
file = "words.csv"
[splits]
train = 60
validation = 24
confirm = 24
test = 30
[format]
prompt = "{word}:"
answer = " {answer}"
[evaluation]
mode = "label_likelihood"
labels = ["yes", "no"]
[model]
base = "tiny"
researcher = "none"
[budget]
wall = "20m"
rounds = 2
trials_per_round = 2
examples_per_trial = 64
confirm_candidates = 1
[baseline]
learning_rate = 1e-2
lora_rank = 4
lora_alpha = 8
rows = 32
max_length = 64
[space]
rows = [16, 32]
epochs = [1, 2]
max_length = [64]
batch_size = [4, 8]
"""


class Place:
    """A workspace with the tiny model and the letters task."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.watched = ""  # what `trex attach --headless` printed
        self.workspace = Workspace(folder / "home").create()
        gguf = write_tiny_gguf(folder / "tiny.gguf")
        models.import_file(gguf, "tiny", self.workspace.models, kind="base")
        self.task = folder / "letters"
        self.task.mkdir()
        (self.task / "task.toml").write_text(TASK)
        rng = random.Random(1)
        words = {"".join(rng.choices("abcdefgh", k=rng.randrange(3, 9))) for _ in range(400)}
        rows = [f"{word},{'yes' if 'a' in word else 'no'}" for word in sorted(words)[:160]]
        (self.task / "words.csv").write_text("\n".join(["word,answer", *rows]))

    def trex(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-P", "-m", "trex_tui.cli", "--workspace", str(self.workspace.home), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def tree(self, run: str = "letters-1") -> Tree:
        journal = Journal.open_read_only(self.workspace.journal)
        try:
            return fold(journal.records(run=run))
        finally:
            journal.close()

    def events(self) -> list[ev.AnyEvent]:
        journal = Journal.open_read_only(self.workspace.journal)
        try:
            return [record.event for record in journal.records()]
        finally:
            journal.close()

    def engine_pid(self) -> int:
        return int(self.workspace.engine_lock.read_text().split()[0])


def until(condition: object, seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)
