"""docs/benchmarks/chaos.md: the points at which processes died, and how often. Facts without dates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine import hardware
from tests.chaos.scene import CHECKPOINT
from tests.chaos.storm import AT_RANDOM, POINTS

if TYPE_CHECKING:
    from tests.chaos.run import Search

INTRODUCTION = """# Chaos: what deaths cost a search

Made by `make chaos` (`tests/chaos/`). One search runs undisturbed: four rounds by UCT, up to two trials a round, a
tiny Llama in NF4 trained by trl and peft, a scripted Researcher behind the real worker, checkpoints every {interval} s
of training. Then the same search runs again under `kill -9`, at the points below and at random moments; after each
death of the engine another one is started with `trex engine start`. A point is a line of code that a process does not
survive (`engine/failpoints.py`); "at random" is a signal from outside.

**{deaths} deaths in {searches} searches, {minutes:.0f} minutes** on {machine}. Seed {seed}.

After each search these were the same as undisturbed, to the last bit where they are numbers: nodes, parents, the
policy's terms, plans, the Researcher's questions and answers, prepared data, every judged row, all scores, adapters,
insights, champion, its reason. Each trial had one result event a split; `trex verify` computed every score again;
no process was left.{faults}

Steps done again: {resumed} trainings were gone on with after a death, {again} of them with steps to repeat: at most
{steps} steps, {seconds:.2f} s of training.
"""


def write(searches: Sequence[Search], points: Counter[str], seed: int) -> str:
    """The page as Markdown."""
    repeats = [repeat for search in searches for repeat in search.repeats]
    wrong = [fault for search in searches for fault in search.wrong]
    head = INTRODUCTION.format(
        interval=CHECKPOINT,
        deaths=points.total(),
        searches=len(searches),
        minutes=sum(search.seconds for search in searches) / 60,
        machine=hardware.describe(),
        seed=seed,
        faults=f" NOT SO: {'; '.join(wrong)}." if wrong else "",
        resumed=len(repeats),
        again=sum(repeat.steps > 0 for repeat in repeats),
        steps=max((repeat.steps for repeat in repeats), default=0),
        seconds=max((repeat.seconds for repeat in repeats), default=0.0),
    )
    return f"{head}\n{table(points)}"


def table(points: Counter[str]) -> str:
    """Point and hits; the engine's events by kind; what was never hit is listed with 0."""
    whole = Counter(dict.fromkeys((*POINTS, *(f"at random: {who}" for who in AT_RANDOM)), 0))
    whole.update(points)
    for name in list(whole):
        if ": " in name and (point := name.split(": ")[0]) in POINTS:
            whole[point] += whole[name]
    rank = {name: place for place, name in enumerate(POINTS)}
    rows = sorted(whole.items(), key=lambda row: (rank.get(row[0].split(": ")[0], len(rank)), row[0]))
    lines = [f"| {_indented(name)} | {hits} |" for name, hits in rows]
    return "\n".join(["| point | hits |", "|---|---:|", *lines, ""])


def _indented(name: str) -> str:
    point, _, kind = name.partition(": ")
    if not kind:
        return f"`{point}`"
    return f"... `{kind}`" if point in POINTS else f"{kind}, at random"
