"""Every data operator on real data, its counts beside those of another way of counting.

    python -m tests.bench.aidp_counts FOLDER [--only loading] [--sets sst2,hoc]      (FOLDER: or TREX_DATA)

FOLDER holds `NAME/train.jsonl`, `validation.jsonl`, `test.jsonl` of rows with `prompt` and `answer` (a text, or a list
of labels). The other way shares no code with the operators: `wc`, Python's json, csv and collections, pyarrow. Exit
status 1 where two counts differ. A family of operators adds one function to CHECKS.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import importlib
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet
from datasets import Dataset

from engine.aidp.job import Limits
from engine.aidp.pipeline import Around, Output, Pipeline
from engine.aidp.recipe import AnyOperator, Load, Recipe, Split

SETS = ("sst2", "hoc", "tomg_bench", "lawbench")
ONE = [{"id": "0", "prompt": "a row that `load` replaces", "answer": "-"}]
EVERY = 97  # each so manieth line is broken on purpose


class Count(NamedTuple):
    """The same thing, counted twice. `slack`: how many rows an operator may overlook, by what it promises."""

    what: str
    ours: object
    other: object
    slack: int = 0

    @property
    def agrees(self) -> str:
        """`same`, `near` (within the slack) or `DIFFER`."""
        if self.ours == self.other:
            return "same"
        near = isinstance(self.ours, int) and isinstance(self.other, int) and abs(self.ours - self.other) <= self.slack
        return "near" if near else "DIFFER"


class Place(NamedTuple):
    """Where the data sets are, which of them are asked for, and a folder for files of our own."""

    data: Path
    sets: tuple[str, ...]
    scratch: Path


def run(place: Place, *operators: AnyOperator, root: Path | None = None, rows: Any = ONE, **around: Any) -> Output:
    """The operators over `rows`; files are read below `root`, else below the data."""
    limits = Limits(rows=10_000_000)
    whole = Around(root=root or place.data, limits=limits, scratch=place.scratch, **around)
    return Pipeline(Recipe(operators=operators), around=whole).run(rows)


def parts(place: Place) -> Iterator[Path]:
    """Each file that is there, the largest split of each set first asked for."""
    for name in place.sets:
        for split in ("train", "validation", "test"):
            if (path := place.data / name / f"{split}.jsonl").is_file():
                yield path


def plain(path: Path) -> list[dict[str, str]]:
    """Prompts and answers, by Python's json alone."""
    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [{"prompt": row["prompt"], "answer": _joined(row["answer"])} for row in rows]


def _joined(answer: str | list[str]) -> str:
    return answer if isinstance(answer, str) else "; ".join(answer)


def texts(pairs: Iterable[tuple[str, str]]) -> str:
    """A short hash of prompts and answers in order."""
    digest = hashlib.sha256()
    for prompt, answer in pairs:
        digest.update(json.dumps([prompt, answer]).encode())
    return digest.hexdigest()[:12]


def loading(place: Place) -> Iterator[Count]:
    """`load` and `convert`: lines, rows and texts of each file; the same rows in each other format; broken lines."""
    for path in parts(place):
        shown = f"{path.parent.name}/{path.name}"
        output = run(place, Load(path=str(path.relative_to(place.data))))
        rows = plain(path)
        yield Count(f"{shown}: loaded, against wc -l", output.steps[0].rows_out, _lines(path))
        yield Count(f"{shown}: converted, against json", output.steps[1].rows_out, len(rows))
        yield Count(f"{shown}: answers, against a set", _different(output), len({row["answer"] for row in rows}))
        yield Count(f"{shown}: sha256 of the texts", texts(_pairs(output)), _texts(rows))
    first = next(parts(place))
    yield from _formats(place, first)
    yield from _broken(place, first)


def _formats(place: Place, path: Path) -> Iterator[Count]:
    """One file in every other format, written by others than us."""
    rows = plain(path)
    wanted = _texts(rows)
    with tempfile.TemporaryDirectory(dir=place.scratch) as made:
        folder = Path(made)
        for operator in _written(folder, rows, path):
            output = run(place, operator, root=folder)
            shown = f"{path.parent.name} as {operator.path}{' ' + operator.member if operator.member else ''}"
            yield Count(f"{shown}: rows", output.steps[1].rows_out, len(rows))
            yield Count(f"{shown}: sha256 of the texts", texts(_pairs(output)), wanted)


def _written(folder: Path, rows: list[dict[str, str]], source: Path) -> Iterator[Load]:
    with (folder / "rows.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["prompt", "answer"])
        writer.writeheader()
        writer.writerows(rows)
    yield Load(path="rows.csv")
    (folder / "rows.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
    yield Load(path="rows.json")
    (folder / "rows.jsonl.gz").write_bytes(gzip.compress(source.read_bytes()))
    yield Load(path="rows.jsonl.gz")
    with tarfile.open(folder / "rows-1.0.tar.gz", "w:gz") as archive:
        archive.add(source, "rows-1.0/data/rows.jsonl")
    yield Load(path="rows-1.0.tar.gz", member="rows-1.0/data/rows.jsonl")
    table = pa.Table.from_pylist(rows)
    pa.parquet.write_table(table, folder / "rows.parquet")
    yield Load(path="rows.parquet")
    for name, new in (("file.arrow", pa.ipc.new_file), ("stream.arrow", pa.ipc.new_stream)):
        with new(str(folder / name), table.schema) as writer:
            writer.write_table(table)
        yield Load(path=name)
    Dataset.from_list(rows).save_to_disk(str(folder / "saved"))
    yield Load(path="saved")


def _broken(place: Place, path: Path) -> Iterator[Count]:
    """Every so manieth line cut in half."""
    lines = path.read_bytes().splitlines(keepends=True)
    cut = [line[: len(line) // 2] + b"\n" if not at % EVERY else line for at, line in enumerate(lines)]
    with tempfile.TemporaryDirectory(dir=place.scratch) as made:
        (Path(made) / "cut.jsonl").write_bytes(b"".join(cut))
        output = run(place, Load(path="cut.jsonl"), root=Path(made))
    halves = len(range(0, len(lines), EVERY))
    yield Count(f"{path.parent.name}, every {EVERY}th line cut: set aside", output.steps[0].broken, halves)
    yield Count(f"{path.parent.name}, every {EVERY}th line cut: loaded", output.steps[0].rows_out, len(lines) - halves)


def output(place: Place) -> Iterator[Count]:
    """`split`: shares, and no prompt in two splits."""
    for path in parts(place):
        shown = f"{path.parent.name}/{path.name}"
        made = run(place, Load(path=str(path.relative_to(place.data))), Split(shares={"train": 0.8, "test": 0.2}))
        found = [(" ".join(p.lower().split()), s) for p, s in zip(made.rows["prompt"], made.rows["split"], strict=True)]
        in_test = sum(split == "test" for _, split in found)
        yield Count(f"{shown}: rows in test, a fifth", in_test, round(0.2 * len(plain(path))))
        both = {p for p, s in found if s == "test"} & {p for p, s in found if s == "train"}
        yield Count(f"{shown}: prompts in both splits", len(both), 0)


def _lines(path: Path) -> int:
    return int(subprocess.run(["wc", "-l", path], capture_output=True, text=True, check=True).stdout.split()[0])


def _texts(rows: list[dict[str, str]]) -> str:
    return texts((row["prompt"], row["answer"]) for row in rows)


def _pairs(output: Output) -> Iterator[tuple[str, str]]:
    return zip(output.rows["prompt"], output.rows["answer"], strict=True)


def _different(output: Output) -> int:
    return len(output.rows.unique("answer"))


def elsewhere(family: str) -> Callable[[Place], Iterator[Count]]:
    """The function of a family that has a module of its own, `aidp_counts_FAMILY`."""
    return lambda place: getattr(importlib.import_module(f"tests.bench.aidp_counts_{family}"), family)(place)


CHECKS: dict[str, Callable[[Place], Iterator[Count]]] = {
    "loading": loading,
    "output": output,
    "filters": elsewhere("filters"),
    "sampling": elsewhere("sampling"),
    "likeness": elsewhere("likeness"),
    "shaping": elsewhere("shaping"),
    "writing": elsewhere("writing"),
}
"""A function for each family of operators: what it counts, its own way and another."""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, default=os.environ.get("TREX_DATA"))
    parser.add_argument("--only", choices=sorted(CHECKS), action="append")
    parser.add_argument("--sets", default=",".join(SETS))
    given = parser.parse_args(arguments)
    if given.data is None or not Path(given.data).is_dir():
        print("no data: name the folder, or set TREX_DATA")
        return 2
    wrong = 0
    with tempfile.TemporaryDirectory() as scratch:
        place = Place(Path(given.data).resolve(), tuple(given.sets.split(",")), Path(scratch))
        for family in given.only or CHECKS:
            started, number = time.perf_counter(), 0
            for count in CHECKS[family](place):
                number += 1
                wrong += count.agrees == "DIFFER"
                print(f"{count.agrees:6} {count.what}: {count.ours} {count.other}", flush=True)
            print(f"{family}: {number} counts in {time.perf_counter() - started:.1f} s, {wrong} differences so far\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
