"""What a trial costs on this machine's device: start, tokens a second, memory, seconds of judging.

    python -m tests.bench.gpu [--model NAME_OR_FOLDER] [--rows 256] [--batch 8] [--out docs/benchmarks]

Runs the real trial process on made-up rows, with the CPU's or the card's name in the result; nothing is simulated.
"""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from engine import hardware, jobs, models
from engine.executor.job import Result, TrialJob
from engine.files import read_jsonl, write_json, write_jsonl
from engine.plan import TrialConfig
from engine.task import Evaluation, Format, Metric
from engine.workspace import Workspace, default_home

WORDS = [
    "the",
    "a",
    "plot",
    "film",
    "actor",
    "camera",
    "never",
    "often",
    "quite",
    "slow",
    "bright",
    "dull",
    "brave",
    "story",
    "music",
    "scene",
    "ending",
    "and",
]


def rows(count: int, rng: random.Random) -> list[dict[str, str]]:
    """Sentences of 10 to 40 words with a label that depends on them."""
    made = []
    for number in range(count):
        words = rng.choices(WORDS, k=rng.randrange(10, 40))
        answer = " positive" if "bright" in words or "brave" in words else " negative"
        made.append({"id": str(number), "prompt": f"Review: {' '.join(words)}\nSentiment:", "answer": answer})
    return made


def job(folder: Path, model: Path, options: argparse.Namespace) -> TrialJob:
    rng = random.Random(0)
    write_jsonl(folder / "train.jsonl", rows(options.rows, rng))
    write_jsonl(folder / "judge.jsonl", rows(300, rng))
    return TrialJob(
        trial="bench",
        model_dir=str(model),
        format=Format(prompt="{prompt}", answer=" {answer}"),
        evaluation=Evaluation(mode="label_likelihood", labels=("positive", "negative")),
        metric=Metric(),
        evaluate_rows=str(folder / "judge.jsonl"),
        split="validation",
        config=TrialConfig(rows=options.rows, batch_size=options.batch),
        train_rows=str(folder / "train.jsonl"),
        nf4_cache=str(folder / "nf4"),
    )


def once(folder: Path, work: TrialJob) -> dict[str, float]:
    """One trial in its own process; its figures."""
    folder.mkdir()
    write_json(folder / "plan.json", work)
    before = time.time()
    subprocess.run([sys.executable, "-P", "-m", "engine.executor", str(folder)], check=False)
    total = time.time() - before
    end = jobs.outcome(folder)
    if end is None or end.state != "done":
        raise SystemExit(f"the trial did not finish: {end}; see {folder / 'log.txt'}")
    result = msgspec.json.decode((folder / "result.json").read_bytes(), type=Result)
    steps = read_jsonl(folder / "metrics.jsonl")
    return {
        "seconds in all": total,
        "seconds before the first step and after the last row": total - result.train_seconds - result.evaluate_seconds,
        "training seconds": result.train_seconds,
        "training tokens a second (median of steps)": statistics.median(float(s["tokens_per_second"]) for s in steps),
        "seconds to judge 300 rows": result.evaluate_seconds,
        "peak memory (GiB)": max(float(s["memory"]) for s in steps) / 2**30,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="SmolLM2-135M-Instruct")
    parser.add_argument("--rows", type=int, default=256)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    given = Path(options.model)
    model = given if given.is_dir() else models.find(options.model, Workspace(default_home()).models).path
    with tempfile.TemporaryDirectory() as scratch:
        work = job(Path(scratch), model.resolve(), options)
        runs = {name: once(Path(scratch) / name, work) for name in ("first (quantises the model)", "second")}
    machine = hardware.describe()
    lines = [f"# One trial of {model.name}, {options.rows} rows, batch {options.batch}", "", machine, ""]
    lines += [f"| | {' | '.join(runs)} |", f"|---|{'---|' * len(runs)}"]
    lines += [f"| {what} | {' | '.join(f'{run[what]:.2f}' for run in runs.values())} |" for what in runs["second"]]
    lines += ["", "Versions: " + ", ".join(f"{name} {version}" for name, version in hardware.versions().items())]
    print("\n".join(lines))
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / f"trial-{model.name}.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
