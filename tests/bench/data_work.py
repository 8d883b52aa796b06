"""What the data work is worth: the quickstart search with its operators and without, equal budgets, several seeds.

    python -m tests.bench.data_work WORKSPACE [--seeds 3] [--rounds 5] [--trials 1] [--out docs/benchmarks]

Budgets are rounds and trials, not time, so other work on the machine changes nothing but the clock. WORKSPACE has
the quickstart's models and data (`trex quickstart` fetches them); searches that are there are read, not repeated.
Each arm starts without insights of other searches. `without` is the switch for ablations: every node keeps the train
split as it is, decontaminated.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from engine import hardware
from engine.journal import Journal
from engine.search.fold import fold
from engine.search.tree import ROOT_TRIAL, Tree
from engine.workspace import Workspace

TASK = "movie_sentiment"
ARMS = {"with": (), "without": ("search.no_operators=true",)}


class Result(NamedTuple):
    """One search. `test`, `baseline`, `base`: accuracies on the sealed test split. `data`: nodes that changed data."""

    arm: str
    seed: int
    validation: float
    confirm: float
    test: float
    baseline: float
    base: float
    data: int
    nodes: int
    data_seconds: float
    minutes: float


def searched(workspace: Workspace, arm: str, seed: int, rounds: int, trials: int) -> Tree:
    """The finished search of an arm and a seed; run now unless its journal is there. Raises CalledProcessError."""
    home = Workspace(workspace.home / f"{arm}-{seed}").create()
    if not home.journal.exists() or _tree(home).state != "done":
        settings = ("budget.wall=6h", f"budget.trials_per_round={trials}", *ARMS[arm])
        given = [part for setting in settings for part in ("--set", setting)]
        command = ["run", TASK, "--headless", "--seed", str(seed), "--rounds", str(rounds), "--memory", "run", *given]
        subprocess.run(
            [sys.executable, "-P", "-m", "trex_tui.cli", "--workspace", str(home.home), *command],
            check=True,
            env={
                "TREX_FIND_LINKS": str(workspace.cache / "sources"),
                **os.environ,
                "TREX_MODELS": str(workspace.models),
            },
        )
    return _tree(home)


def _tree(home: Workspace) -> Tree:
    journal = Journal.open_read_only(home.journal)
    try:
        return fold(journal.records())
    finally:
        journal.close()


def result(arm: str, seed: int, tree: Tree) -> Result:
    """What a search came to."""
    best, base = tree.trial(tree.champion), tree.trial(ROOT_TRIAL)
    first = next(node for node in tree.nodes.values() if node.direction == "baseline").trials
    (baseline,) = [trial for trial in first.values() if trial.test is not None]
    assert best.score and best.confirm and best.test and baseline.test and base.test and tree.ended_at
    return Result(
        arm=arm,
        seed=seed,
        validation=best.score.value,
        confirm=best.confirm.value,
        test=best.test.value,
        baseline=baseline.test.value,
        base=base.test.value,
        data=sum(node.direction in ("refine_data", "synthesise_data") for node in tree.nodes.values()),
        nodes=len(tree.nodes) - 1,
        data_seconds=sum(node.data_seconds for node in tree.nodes.values()),
        minutes=(tree.ended_at - tree.started_at) / 60,
    )


def table(results: list[Result]) -> Iterator[str]:
    """Markdown: every search, then each arm's mean, and the difference seed by seed."""
    yield "| operators | seed | nodes, on data | champion: validation | confirm | test | baseline | base | minutes |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for one in results:
        yield (
            f"| {one.arm} | {one.seed} | {one.nodes}, {one.data} | {one.validation:.3f} | {one.confirm:.3f} | "
            f"{one.test:.3f} | {one.baseline:.3f} | {one.base:.3f} | {one.minutes:.1f} |"
        )
    yield ""
    for arm in ARMS:
        tests = [one.test for one in results if one.arm == arm]
        spread = f" (standard deviation {statistics.stdev(tests):.3f})" if len(tests) > 1 else ""
        yield f"Mean test accuracy {arm} operators: {statistics.mean(tests):.3f}{spread}." if tests else ""
    pairs = {(one.arm, one.seed): one.test for one in results}
    gains = [pairs["with", s] - pairs["without", s] for a, s in pairs if a == "with" and ("without", s) in pairs]
    if gains:
        yield f"With less without, seed by seed: {', '.join(f'{gain:+.3f}' for gain in gains)}."


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.data_work", description=__doc__)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=1)
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    parser.add_argument("--out", type=Path, default=None)
    given = parser.parse_args(arguments)
    workspace = Workspace(given.workspace.resolve()).create()
    results: list[Result] = []
    for seed in range(given.seeds):
        for arm in given.arms:
            results.append(result(arm, seed, searched(workspace, arm, seed, given.rounds, given.trials)))
            text = "\n".join(table(results))
            print(text)
            if given.out is not None:
                settings = f"--seeds {given.seeds} --rounds {given.rounds} --trials {given.trials}"
                head = f"# What the data work is worth\n\n`python -m tests.bench.data_work WORKSPACE {settings}`\n\n"
                (given.out / "data-work.md").write_text(f"{head}{text}\n\n{hardware.describe()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
