"""Seconds and memory of `load` and `convert` on a large file, made from real rows, in each format.

    python -m tests.bench.aidp_loading FOLDER [--rows 1000000] [--format jsonl]      (FOLDER: or TREX_DATA)

FOLDER holds `sst2/train.jsonl`; its rows are repeated, each time with another number in them. Each format is read in a
process of its own. `anonymous` is what the process holds and cannot give back; `resident` has the pages of mapped files
in it too. Both are the greatest seen, less what they were before the file was read.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

FORMATS = ("jsonl", "json", "csv", "parquet", "arrow")


def rows(source: Path, number: int) -> Iterator[dict[str, str]]:
    """So many different rows."""
    with source.open(encoding="utf-8") as lines:
        real = [json.loads(line) for line in lines]
    again = ({"prompt": f"{row['prompt']} ({turn})", "answer": row["answer"]} for turn in count() for row in real)
    return islice(again, number)


def write(path: Path, source: Path, number: int) -> None:
    """The rows in the format that the file's name says."""
    if path.suffix in (".parquet", ".arrow"):
        _write_table(path, source, number)
        return
    with path.open("w", encoding="utf-8", newline="") as file:
        if path.suffix == ".csv":
            writer = csv.DictWriter(file, ["prompt", "answer"])
            writer.writeheader()
            writer.writerows(rows(source, number))
        elif path.suffix == ".json":
            file.write("[")
            file.writelines(f"{',' if at else ''}{json.dumps(row)}" for at, row in enumerate(rows(source, number)))
            file.write("]")
        else:
            file.writelines(json.dumps(row) + "\n" for row in rows(source, number))


def _write_table(path: Path, source: Path, number: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet

    schema = pa.schema([("prompt", pa.string()), ("answer", pa.string())])
    new = pa.parquet.ParquetWriter if path.suffix == ".parquet" else pa.ipc.new_stream
    left = rows(source, number)
    with new(str(path), schema) as writer:
        while batch := list(islice(left, 50_000)):
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))


class Watch(threading.Thread):
    """Looks at this process's memory 50 times a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most = {"RssAnon": 0, "VmRSS": 0}
        self.start()

    def run(self) -> None:
        while True:
            self.look()
            time.sleep(0.02)

    def look(self) -> dict[str, int]:
        """Megabytes now."""
        fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        now = {name: int(fields[name].split()[0]) // 1024 for name in self.most}
        self.most = {name: max(now[name], most) for name, most in self.most.items()}
        return now


def measure(path: Path) -> None:
    """In a process of its own: prints one line of JSON."""
    import datasets  # noqa: F401 - what any data process has loaded
    import pyarrow  # noqa: F401

    from engine.aidp.job import Limits
    from engine.aidp.pipeline import Around, Pipeline
    from engine.aidp.recipe import Load, Recipe

    watch = Watch()
    before = watch.look()
    around = Around(root=path.parent, scratch=path.parent, limits=Limits(rows=10_000_000))
    output = Pipeline(Recipe(operators=(Load(path=path.name),)), around=around).run(
        [{"id": "0", "prompt": "a row that `load` replaces", "answer": "-"}]
    )
    seconds = [step.seconds for step in output.steps]
    grown = {name: most - before[name] for name, most in watch.most.items()}
    print(json.dumps([len(output.rows), *seconds[:2], grown["RssAnon"], grown["VmRSS"]]))


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, default=os.environ.get("TREX_DATA"))
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--format", choices=FORMATS, action="append")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.measure is not None:
        measure(given.measure)
        return 0
    source = Path(given.data or "") / "sst2" / "train.jsonl"
    if not source.is_file():
        print("no data: name the folder that holds sst2/train.jsonl, or set TREX_DATA")
        return 2
    print(
        "| format | rows | file MB | load s | convert s | anonymous MB | resident MB |\n|---|---|---|---|---|---|---|"
    )
    for kind in given.format or FORMATS:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"rows.{kind}"
            write(path, source, given.rows)
            command = [sys.executable, "-m", "tests.bench.aidp_loading", "--measure", str(path)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            number, load, convert, anonymous, resident = json.loads(done.stdout.splitlines()[-1])
            size = path.stat().st_size // 10**6
            print(
                f"| {kind} | {number:,} | {size} | {load:.1f} | {convert:.1f} | {anonymous} | {resident} |", flush=True
            )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
