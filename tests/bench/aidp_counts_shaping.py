"""What gives rows another form, a value or a file: `template`, `mix`, `embed`, `score_loss`, `keep_top`, `export`,
against `str.format`, plain shares, wordllama and transformers themselves, and the libraries that read the files. Part
of `tests.bench.aidp_counts`.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
from datasets import load_dataset, load_from_disk

from engine.aidp.kinds.output import ExportFormat
from engine.aidp.recipe import Embed, Export, KeepTop, Mix, ScoreLoss, Template
from tests.bench.aidp_counts import Count, Place, parts, plain, run, texts
from tests.bench.aidp_counts_filters import SOME, Row, loss_of, services_of_tests, shown
from tests.bench.aidp_counts_likeness import FAR, embedded

FORM = Template(prompt="Q: {prompt} [{answer}]", answer="A: {answer}")
KEPT = 40


def shaping(place: Place) -> Iterator[Count]:
    """Rows, texts and values."""
    files = {path.parent.name: path for path in reversed(list(parts(place)))}  # the first split of each
    for name, path in files.items():
        rows = plain(path)
        formed = run(place, FORM, rows=rows).rows
        wanted = texts((f"Q: {row['prompt']} [{row['answer']}]", f"A: {row['answer']}") for row in rows)
        yield Count(
            f"{name}: {shown(FORM)}, sha256", texts(zip(formed["prompt"], formed["answer"], strict=True)), wanted
        )
        other = next(file for found, file in files.items() if found != name)
        yield from _mixed(place, name, rows, other)
        yield _vectors(place, name, rows[:FAR])
        yield from _best(place, name, rows[:SOME])
        yield from _files(place, name, rows)


def _mixed(place: Place, name: str, rows: list[Row], other: Path) -> Iterator[Count]:
    """A quarter of the result from another file, or all of it."""
    there = plain(other)
    operator = Mix(path=str(other.relative_to(place.data)), share=0.25)
    made = run(place, operator, rows=rows).rows
    come = Counter(source == operator.path for source in made["source"])
    yield Count(
        f"{name}: {shown(operator)}, rows of each",
        (come[False], come[True]),
        (len(rows), min(len(there), round(len(rows) / 3))),
    )
    known = {(row["prompt"], row["answer"]) for row in there}
    strange = sum(pair not in known for pair in list(zip(made["prompt"], made["answer"], strict=True))[len(rows) :])
    yield Count(f"{name}: {shown(operator)}, rows that the file has not", strange, 0)


def _vectors(place: Place, name: str, rows: list[Row]) -> Count:
    made = run(place, Embed(), rows=rows, services=services_of_tests()).rows
    ours = np.array(made["embedding"][:], dtype=np.float64)
    away = np.abs(ours - embedded([row["prompt"] for row in rows])).max(axis=1)
    return Count(f"{name}, {len(rows)} rows: embed, vectors as wordllama's", int((away < 1e-5).sum()), len(rows))


def _best(place: Place, name: str, rows: list[Row]) -> Iterator[Count]:
    """Losses as transformers says, and the lowest of them."""
    named = [{**row, "id": str(at)} for at, row in enumerate(rows)]
    losses = np.array([loss_of(row) for row in rows])
    scored = run(place, ScoreLoss(), rows=named, services=services_of_tests()).rows
    ours = np.array(scored["loss"][:], dtype=np.float64)
    same = np.isclose(ours, losses, atol=1e-4, equal_nan=True)
    yield Count(f"{name}, {len(rows)} rows: score_loss, losses as transformers'", int(same.sum()), len(rows))
    operator = KeepTop(by="loss", order="ascending", rows=KEPT)
    kept = run(place, ScoreLoss(), operator, rows=named, services=services_of_tests()).rows
    lowest = [int(at) for at in np.argsort(np.where(np.isnan(losses), np.inf, losses), kind="stable")[:KEPT]]
    yield Count(
        f"{name}, {len(rows)} rows: {shown(operator)}, sum of places", sum(map(int, kept["id"][:])), sum(lowest)
    )


def _files(place: Place, name: str, rows: list[Row]) -> Iterator[Count]:
    """Every format, read back by another library."""
    wanted = texts((row["prompt"], row["answer"]) for row in rows)
    with tempfile.TemporaryDirectory(dir=place.scratch) as made:
        for format, read in READ.items():
            run(place, Export(path=format, format=format), rows=rows, out=Path(made))
            found = list(read(Path(made) / format))
            yield Count(f"{name}: export as {format}, rows and sha256", (len(found), texts(found)), (len(rows), wanted))


Pair = tuple[str, str]


def _lines(folder: Path) -> Iterator[Any]:
    with (folder / "train.jsonl").open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _hub(folder: Path) -> Any:
    """As `datasets` reads such a folder: the file is found by its name."""
    return load_dataset(str(folder), split="train", cache_dir=str(folder / "cache"))


def _told(row: Any) -> Pair:
    """By dataset_info.json's tags."""
    return row["conversations"][0]["value"], row["conversations"][1]["value"]


READ: dict[ExportFormat, Callable[[Path], Iterator[Pair]]] = {
    "jsonl": lambda folder: ((row["prompt"], row["answer"]) for row in _hub(folder)),
    "parquet": lambda folder: (
        (row["prompt"], row["answer"]) for row in pyarrow.parquet.read_table(folder / "train.parquet").to_pylist()
    ),
    "datasets": lambda folder: ((row["prompt"], row["answer"]) for row in load_from_disk(str(folder))),
    "trl_prompt_completion": lambda folder: ((row["prompt"], row["completion"]) for row in _hub(folder)),
    "trl_messages": lambda folder: (
        (row["messages"][0]["content"], row["messages"][1]["content"]) for row in _lines(folder)
    ),
    "llamafactory_alpaca": lambda folder: ((row["instruction"], row["output"]) for row in _lines(folder)),
    "llamafactory_sharegpt": lambda folder: map(_told, _lines(folder)),
}
