"""Data operators beside datatrove: the same work on the same 200,000 rows, one process each, in turn.

    python -m tests.bench.aidp_speed FOLDER --other PYTHON [--rows 200000] [--repeat 3] [--only WORK]     (or TREX_DATA)

PYTHON is an interpreter with the packages datatrove, spacy, xxhash, tokenizers and orjson. Each piece of work is a
process of its own that reads a JSONL file, does its work and writes a JSONL file. CPU seconds are those of the process
and its children, memory is its greatest. `alone`: seconds within our operator, without reading, converting and writing.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tests.bench.aidp_edits import EDITS, WRITINGS, Unfit
from tests.bench.aidp_planted import read

WORKS = ("read and write", "length filter", "exact", "MinHash", "decontamination")
ALONE = "MinHash, single words"  # our default, which datatrove has not
OTHER = Path(__file__).with_name("aidp_datatrove.py")
SETS = ("sst2", "hoc")
SEED = 11
QUIET = {
    "OMP_NUM_THREADS": "1",
    "RAYON_NUM_THREADS": "1",
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "TQDM_DISABLE": "1",
}


class Used(NamedTuple):
    """What one process took: seconds, seconds, bytes, rows left, seconds of the operator alone."""

    wall: float
    cpu: float
    memory: int
    rows: int
    alone: float


def made(folder: Path, many: int, place: Path) -> tuple[Path, Path]:
    """Files of rows and of held-out rows: every real text once, then repeats of them, some written otherwise."""
    rng = random.Random(SEED)
    data = [read(folder, name) for name in SETS]
    texts = [one.own(prompt) for one in data for prompt in one.train]
    held = [one.own(prompt) for one in data for prompt in one.held]
    more = _again(texts, rng)
    whole = [*texts, *(next(more) for _ in range(many - len(texts)))][:many]
    rng.shuffle(whole)
    _write(place / "rows.jsonl", ((f"r{at}", text) for at, text in enumerate(whole)))
    _write(place / "held.jsonl", ((f"h{at}", text) for at, text in enumerate(held)))
    return place / "rows.jsonl", place / "held.jsonl"


def _again(texts: list[str], rng: random.Random) -> Iterator[str]:
    while True:
        with suppress(Unfit):
            yield rng.choice(WRITINGS + EDITS).change(rng.choice(texts), rng)


def _write(path: Path, rows: Iterable[tuple[str, str]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps({"id": id_, "prompt": text, "answer": "-"}) + "\n" for id_, text in rows)


def ours(work: str, rows: Path, held: Path, folder: Path) -> None:
    """In a process of its own: the file through one operator into a file."""
    from engine.aidp import guards
    from engine.aidp.job import Limits
    from engine.aidp.pipeline import Around, Pipeline
    from engine.aidp.recipe import Decontaminate, DedupExact, DedupMinhash, FilterLength, Load, Recipe

    operators = {
        "read and write": (),
        "length filter": (FilterLength(min_words=4, max_words=30),),
        "exact": (DedupExact(),),
        "MinHash": (DedupMinhash(size=5, threshold=0.7),),
        ALONE: (DedupMinhash(),),
        "decontamination": (Decontaminate(),),
    }[work]
    around = Around(root=rows.parent, limits=Limits(rows=10_000_000), scratch=folder)
    if work == "decontamination":
        texts = [json.loads(line)["prompt"] for line in held.read_text(encoding="utf-8").splitlines()]
        around = Around(**{**vars(around), "guards": guards.build((text, (text,)) for text in texts)})
    recipe = Recipe(operators=(Load(path=rows.name), *operators))
    output = Pipeline(recipe, around=around).run([{"id": "0", "prompt": "-", "answer": "-"}])
    output.rows.select_columns(["id", "prompt", "answer"]).to_json(folder / "out.jsonl")
    names = {operator.__struct_config__.tag for operator in operators}
    alone = sum(step.seconds for step in output.steps if step.operator in names)
    print(json.dumps({"rows": len(output.rows), "memory": peak(), "alone": alone}))


def peak() -> int:
    """The greatest memory of this process, in bytes (ru_maxrss counts the parent's before exec)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def used(command: list[str]) -> Used:
    """Run to the end. Raises SystemExit with what it said where it fails."""
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as wrong:
        child = subprocess.Popen(command, stdout=said, stderr=wrong, env={**os.environ, **QUIET})
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - began
        said.seek(0)
        wrong.seek(0)
        if child.returncode:
            raise SystemExit(wrong.read()[-3000:])
        told = json.loads(said.read().splitlines()[-1])
    cpu = usage.ru_utime + usage.ru_stime
    return Used(wall, cpu, told["memory"], told["rows"], told.get("alone", 0.0))


def table(works: list[str], place: Path, rows: Path, held: Path, other: str, repeat: int) -> Iterator[str]:
    head = ("work", "by", "rows left", "wall s", "CPU s", "spread of CPU", "peak MB", "alone s")
    yield f"| {' | '.join(head)} |\n|{'---|' * len(head)}"
    here = [sys.executable, "-P", "-m", "tests.bench.aidp_speed", "--work"]
    for work in works:
        commands = {"ours": [*here, work]}
        if work != ALONE:
            commands["datatrove"] = [other, "-P", str(OTHER), work]
        runs: dict[str, list[Used]] = {by: [] for by in commands}
        for number in range(repeat):
            for by, command in commands.items():
                scratch = place / f"{by}{number}"
                scratch.mkdir(exist_ok=True)
                runs[by].append(used([*command, str(rows), str(held), str(scratch)]))
        for by, each in runs.items():
            yield _line(work, by, each)


def _line(work: str, by: str, each: list[Used]) -> str:
    middle = [statistics.median(getattr(one, name) for one in each) for name in ("wall", "cpu", "memory", "alone")]
    spread = f"{min(one.cpu for one in each):.1f}-{max(one.cpu for one in each):.1f}"
    alone = f"{middle[3]:.2f}" if by == "ours" else ""
    cells = (
        work,
        by,
        f"{each[0].rows:,}",
        f"{middle[0]:.1f}",
        f"{middle[1]:.1f}",
        spread,
        f"{middle[2] / 1e6:.0f}",
        alone,
    )
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=os.environ.get("TREX_DATA"))
    parser.add_argument("--other", help="the interpreter that has datatrove")
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", choices=[*WORKS, ALONE], action="append", help="may stand several times")
    parser.add_argument("--work", nargs=4, metavar=("WORK", "ROWS", "HELD", "FOLDER"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.work:
        ours(asked.work[0], *map(Path, asked.work[1:]))
        return
    if asked.folder is None or not asked.other:
        raise SystemExit("give the folder that holds sst2 and hoc, and --other PYTHON with datatrove in it")
    with tempfile.TemporaryDirectory() as place:
        rows, held = made(Path(asked.folder), asked.rows, Path(place))
        print(f"{asked.rows:,} rows, {platform.machine()}, load {os.getloadavg()[0]:.1f}, {asked.repeat} runs each\n")
        for line in table(asked.only or [*WORKS, ALONE], Path(place), rows, held, asked.other, asked.repeat):
            print(line, flush=True)


if __name__ == "__main__":
    main()
