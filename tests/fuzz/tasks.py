"""Task files, as a person or somebody's repository brings them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from random import Random

from engine.task import load_task
from tests.fuzz.harness import Input, State
from tests.fuzz.mutate import mutated, one_field
from tests.fuzz.places import listing
from tests.fuzz.write import to_toml

TEXT = """
name = "letters"
title = "Letters"
brief = "Say whether the word has an a in it."
[data]
file = "words.csv"
format = "csv"
columns = ["word", "score"]
[data.labels]
column = "score"
[[data.labels.rules]]
label = "yes"
at_least = 0.5
[[data.labels.rules]]
label = "no"
at_most = 0.5
[splits]
train = 60
validation = 24
seed = 3
[format]
prompt = "{word}:"
answer = " {answer}"
template = "plain"
[evaluation]
mode = "label_likelihood"
labels = ["yes", "no"]
[metric]
name = "accuracy"
[model]
base = "tiny"
researcher = "none"
[budget]
wall = "20m"
rounds = 2
trials_per_round = 2
[baseline]
learning_rate = 1e-2
lora_rank = 4
rows = 32
[space]
rows = [16, 32]
epochs = [1, 2]
"""


class Tasks:
    """`load_task` on a folder whose data is there."""

    name = "task files"

    def __init__(self, folder: Path) -> None:
        self._folder, self._document = folder, tomllib.loads(TEXT)
        folder.mkdir(parents=True)
        (folder / "words.csv").write_text("word,score\na,1\nb,0\n")

    def kinds(self) -> tuple[str, ...]:
        return ("task.toml",)

    def make(self, kind: str, rng: Random) -> Input:
        chance = rng.random()
        if chance < 0.5:
            return Input(kind, "one field changed", to_toml(one_field(self._document, rng)))
        if chance < 0.95:
            return Input(kind, "bytes mutated", mutated(TEXT.encode(), rng))
        return Input(kind, "random", rng.randbytes(rng.randrange(300)))

    def feed(self, given: Input) -> None:
        (self._folder / "task.toml").write_bytes(given.data)
        load_task(self._folder)

    def state(self) -> State:
        return {path: what for path, what in listing(self._folder).items() if not path.endswith("task.toml")}

    def renew(self) -> None:
        """Reading changes nothing."""

    def close(self) -> None: ...
