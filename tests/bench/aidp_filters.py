"""What the filters and samples find, and what they cost, on real data: planted wrong labels, two languages in one pile,
CPU seconds of each operator.

    python -m tests.bench.aidp_filters FOLDER [--out FILE]      (FOLDER: or TREX_DATA)

FOLDER holds `sst2/train.jsonl` and `lawbench/test.jsonl` of rows with `prompt` and `answer`. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset

from engine.aidp.context import Context, silent
from engine.aidp.models.embedding import WordEmbedder
from engine.aidp.operators import APPLY
from engine.aidp.operators.filters_text import language, letters
from engine.aidp.operators.label_noise import doubts
from engine.aidp.operators.parts import own_text
from engine.aidp.recipe import (
    AnyOperator,
    Cap,
    FilterAlphanumeric,
    FilterField,
    FilterLabelNoise,
    FilterLanguage,
    FilterLength,
    FilterRegex,
    FilterRepetition,
    Recipe,
    SampleDiverse,
    SampleRandom,
    SampleStratified,
    SampleWeighted,
    describe,
)
from engine.aidp.rows import dataset
from engine.aidp.services import Services

TEMPLATE = (
    "Is the sentiment of this movie-review text positive or negative? Answer with one word.\n\nText: {text}",
    "",
)
THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.5)
BUCKETS = ((0, 10), (10, 20), (20, 30), (30, 40), (40, 60), (60, 10**9))
HEAVY = (FilterLanguage(keep=("en",)), FilterLabelNoise(), SampleDiverse(rows=9))
COSTS: tuple[AnyOperator, ...] = (
    FilterLength(max_words=40),
    FilterAlphanumeric(min_share=0.9),
    FilterRegex(pattern=r"\b(\w+) \1\b"),
    FilterField(column="answer", values=("positive",)),
    FilterRepetition(),
    FilterLanguage(keep=("en",)),
    FilterLabelNoise(),
    SampleRandom(),
    SampleStratified(),
    SampleWeighted(by="answer", temperature=5.0),
    Cap(rows=1_000),
    SampleDiverse(),
    SampleDiverse(method="farthest"),
)


def noise(texts: Sequence[str], labels: Sequence[str]) -> Iterator[str]:
    """Labels turned round, and what of them lies below each threshold."""
    yield "| rows | turned round | " + " | ".join(f"below {bound:g}: precision / recall" for bound in THRESHOLDS) + " |"
    yield "|---|---|" + "---|" * len(THRESHOLDS)
    names = sorted(set(labels))
    for count in (1_000, 5_000, 20_000, len(texts)):
        chosen = random.Random(1).sample(range(len(texts)), count)
        own, vectors = [texts[at] for at in chosen], WordEmbedder().embed([texts[at] for at in chosen])
        for share in (0.0, 0.05, 0.1):
            wrong = set(random.Random(7).sample(range(count), round(share * count)))
            given = [labels[at] for at in chosen]
            turned = [names[1 - names.index(label)] if at in wrong else label for at, label in enumerate(given)]
            found = doubts(own, vectors, turned, 5, silent)
            chances = np.array([1.0 if doubt is None else doubt.own for doubt in found])
            yield (
                f"| {count:,} | {share:.0%} | "
                + " | ".join(_found(chances, wrong, bound) for bound in THRESHOLDS)
                + " |"
            )


def _found(chances: Any, wrong: set[int], bound: float) -> str:
    below = np.flatnonzero(chances < bound)
    right = len(wrong & set(map(int, below)))
    if not wrong:
        return f"{len(below) / len(chances):.1%} of the rows"
    return f"{right / len(below):.2f} / {right / len(wrong):.2f}" if len(below) else "- / 0.00"


def confusion(sets: dict[str, list[str]]) -> Iterator[str]:
    """Languages that texts are taken for, by their length."""
    yield "| texts | letters | count | taken for |"
    yield "|---|---|---|---|"
    for name, texts in sets.items():
        for low, high in BUCKETS:
            inside = [text for text in texts if low <= letters(text) < high]
            found = Counter(map(language, inside)).most_common(5)
            told = ", ".join(f"{code} {count:,}" for code, count in found)
            if inside:
                yield f"| {name} | {low} to {high - 1 if high < 10**9 else 'all'} | {len(inside):,} | {told} |"


def costs(rows: list[dict[str, Any]]) -> Iterator[str]:
    """CPU seconds of each operator, on one core, without imports."""
    yield f"| operator on {len(rows):,} rows | rows left | CPU seconds |"
    yield "|---|---|---|"
    whole = dataset(rows)
    for operator in HEAVY:
        done(operator, whole.select(range(2_000)))  # imports
    for operator in COSTS:
        started = time.process_time()
        left = len(done(operator, whole))
        yield f"| `{describe(Recipe(operators=(operator,)))}` | {left:,} | {time.process_time() - started:.1f} |"


def done(operator: AnyOperator, rows: Dataset) -> Dataset:
    context = Context(random.Random(0), services=Services(embedder=cache(WordEmbedder)), template=TEMPLATE)
    return APPLY[type(operator)](rows, operator, context)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, default=os.environ.get("TREX_DATA"))
    parser.add_argument("--out", type=Path)
    given = parser.parse_args(arguments)
    files = [Path(given.data or ".") / name for name in ("sst2/train.jsonl", "lawbench/test.jsonl")]
    if missing := [file for file in files if not file.is_file()]:
        print(f"no {missing[0]}: name the folder that holds it, or set TREX_DATA")
        return 2
    english, chinese = ([json.loads(line) for line in file.open(encoding="utf-8")] for file in files)
    rows = [{"id": row["id"], "prompt": row["prompt"], "answer": row["answer"]} for row in english]
    own = list(map(own_text(Context(random.Random(0), template=TEMPLATE)), (row["prompt"] for row in rows)))
    sets = {
        "SST-2 phrases": own,
        "LawBench prompts": [row["prompt"] for row in chinese],
        "LawBench answers": [row["answer"] for row in chinese],
    }
    parts = (costs(rows), noise(own, [row["answer"] for row in rows]), confusion(sets))
    text = ""
    for part in parts:
        for line in part:
            print(line, flush=True)
            text += line + "\n"
        text += "\n"
    if given.out:
        given.out.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
