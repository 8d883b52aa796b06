"""Duplicates and contamination planted in real data: how many are found, and what is dropped besides.

    python -m tests.bench.aidp_planted FOLDER [--only duplicates|contamination|movies] [--sets sst2]   (or TREX_DATA)

FOLDER holds `sst2` and `hoc` with `train.jsonl`, `validation.jsonl`, `test.jsonl` of rows with `prompt`. The
quickstart's movie file is taken from the workspace (TREX_HOME), where `trex` has fetched it.
How things are planted, and what counts as found: docs/benchmarks/aidp-planted.md.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from engine import task
from engine.aidp import guards
from engine.aidp.job import Limits, ModelPaths
from engine.aidp.models import services
from engine.aidp.pipeline import Around, Pipeline
from engine.aidp.recipe import Decontaminate, DedupExact, DedupMinhash, DedupSemantic, Operator, Recipe
from engine.aidp.recipe import describe as describe_recipe
from engine.errors import BadInput, IdeaFailure
from engine.taskdata import examples, sources
from engine.workspace import Workspace, default_home
from tests.bench.aidp_edits import EDITS, OTHERS, PARAPHRASES, WRITINGS, Edit, Unfit

SETS = {"sst2": "Text: ", "hoc": "Sentence: "}  # what stands before a row's own text
SHARES = (0.01, 0.1)
SEED = 7


class Data(NamedTuple):
    """Prompts of a data set, and where the row's own text begins in each."""

    train: list[str]
    held: list[str]
    mark: str

    def own(self, prompt: str) -> str:
        return prompt.split(self.mark, 1)[1]

    def with_own(self, prompt: str, text: str) -> str:
        return prompt.split(self.mark, 1)[0] + self.mark + text


def read(folder: Path, name: str) -> Data:
    def prompts(split: str) -> list[str]:
        with (folder / name / f"{split}.jsonl").open(encoding="utf-8") as lines:
            return [json.loads(line)["prompt"] for line in lines]

    return Data(prompts("train"), prompts("validation") + prompts("test"), SETS[name])


def gone(prompts: Sequence[str], operator: Operator, held: guards.Guards | None = None) -> set[int]:
    """Places of the rows that the operator drops."""
    rows = ({"id": str(at), "prompt": prompt, "answer": "-"} for at, prompt in enumerate(prompts))
    around = Around(guards=held, limits=Limits(rows=10_000_000), services=_services())
    try:
        left = Pipeline(Recipe(operators=(operator,)), around=around).run(rows).rows
    except IdeaFailure:  # nothing is left
        return set(range(len(prompts)))
    return set(range(len(prompts))) - {int(id_) for id_ in left["id"][:]}


_services = cache(lambda: services(ModelPaths()))


def planted(data: Data, edit: Edit, share: float) -> tuple[list[str], dict[int, int]]:
    """Train and so many copies of its rows, shuffled; the place of each copy, with that of its original."""
    rng = random.Random(f"{SEED} {edit.name} {share}")
    copies = drawn(data, data.train, edit, round(share * len(data.train)), rng)
    mixed = data.train + [copy for copy, _ in copies]
    order = rng.sample(range(len(mixed)), len(mixed))
    where = {at: place for place, at in enumerate(order)}
    pairs = {where[len(data.train) + n]: where[at] for n, (_, at) in enumerate(copies)}
    return [mixed[at] for at in order], pairs


def drawn(data: Data, rows: Sequence[str], edit: Edit, many: int, rng: random.Random) -> list[tuple[str, int]]:
    """Edited rows, each with its original's place; fewer where not enough rows are fit for the edit."""
    found: list[tuple[str, int]] = []
    for at in rng.sample(range(len(rows)), len(rows)):
        if len(found) == many:
            break
        with suppress(Unfit):
            found.append((data.with_own(rows[at], edit.change(data.own(rows[at]), rng)), at))
    return found


def describe(operator: Operator) -> str:
    return describe_recipe(Recipe(operators=(operator,)))  # type: ignore[arg-type]


def repeated(prompts: Sequence[str]) -> set[int]:
    """Rows that an earlier one equals but for case and white space, counted apart from the operators."""
    seen: set[str] = set()
    found = set()
    for at, prompt in enumerate(prompts):
        key = re.sub(r"\s+", "", prompt).lower()
        if key in seen:
            found.add(at)
        seen.add(key)
    return found


def whole(data: Data) -> list[str]:
    """Rows whose words do not stand in a row within a longer row: SST-2 holds the parts of its sentences as well."""
    words = [tuple(re.findall(r"\w+", data.own(prompt).lower())) for prompt in data.train]
    runs = Counter(
        hash(own[at:end]) for own in set(words) for at in range(len(own)) for end in range(at + 1, len(own) + 1)
    )
    return [prompt for prompt, own in zip(data.train, words, strict=True) if runs[hash(own)] <= 1]


def duplicates(name: str, data: Data) -> Iterator[str]:
    yield f"\n## Duplicates in {name}: {len(data.train):,} rows of train\n"
    yield "| planted | share of rows | operator | planted rows | recall | precision |\n|---|---|---|---|---|---|"
    for share in SHARES:
        for edit in WRITINGS:
            yield _line(data, edit, share, DedupExact())
        for edit in EDITS:
            for operator in (DedupMinhash(), CHARACTERS) if share == SHARES[0] else (DedupMinhash(),):
                yield _line(data, edit, share, operator)
    for edit in PARAPHRASES:
        for operator in (DedupMinhash(), *MEANINGS):
            yield _line(data, edit, SHARES[0], operator)
    parts = [("all rows", data.train), ("whole rows", whole(data))]
    yield f"\nDropped where nothing is planted ({name}):\n"
    yield "| rows | operator | dropped | of them equal but for case and space |\n|---|---|---|---|"
    for what, rows in parts:
        equal = repeated(rows)
        for operator in (DedupExact(), DedupMinhash(), CHARACTERS, *MEANINGS):
            dropped = gone(rows, operator)
            cells = (f"{what}: {len(rows):,}", describe(operator), f"{len(dropped):,} ({len(dropped) / len(rows):.2%})")
            yield "| " + " | ".join((*cells, f"{len(dropped & equal):,} of {len(equal):,}")) + " |"


def _line(data: Data, edit: Edit, share: float, operator: Operator) -> str:
    prompts, pairs = planted(data, edit, share)
    dropped = gone(prompts, operator)
    found = sum(copy in dropped or original in dropped for copy, original in pairs.items())
    right = repeated(prompts) | set(pairs) | set(pairs.values())
    precision = f"{len(dropped & right) / max(1, len(dropped)):.5f}" if edit in WRITINGS else ""
    cells = (
        edit.name,
        f"{share:.0%}",
        describe(operator),
        f"{len(pairs):,}",
        f"{found / max(1, len(pairs)):.4f}",
        precision,
    )
    return "| " + " | ".join(cells) + " |"


def contamination(name: str, data: Data) -> Iterator[str]:
    """Held-out rows written again and put into train, one by one of them found or not."""
    held = guards.build((prompt, (data.own(prompt),)) for prompt in data.held)
    counts = f"{len(data.held):,} rows of validation and test, {len(data.train):,} of train"
    yield f"\n## Contamination in {name}: {counts}\n"
    yield "| planted | share of train | rows | recall | recall, six words and more |\n|---|---|---|---|---|"
    for share in SHARES:
        for edit in (*WRITINGS, *EDITS, WITHIN):
            rng = random.Random(f"{SEED} {edit.name} {share}")
            copies = drawn(data, data.held, edit, round(share * len(data.train)), rng)
            dropped = gone([copy for copy, _ in copies], Decontaminate(), held)
            long = {
                n for n, (_, at) in enumerate(copies) if len(re.findall(r"[^\W\d_]+", data.own(data.held[at]))) >= 6
            }
            found, of_long = len(dropped) / len(copies), len(dropped & long) / len(long)
            yield f"| {edit.name} | {share:.0%} | {len(copies):,} | {found:.4f} | {of_long:.4f} |"
    dropped = gone(data.train, Decontaminate(), held)
    equal = _said_in(data, dropped)
    yield (
        f"\nNothing planted: {len(dropped):,} rows of train dropped ({len(dropped) / len(data.train):.3%}); "
        f"{equal:,} of them have the letters of a held-out row."
    )


def _said_in(data: Data, places: Iterable[int]) -> int:
    held = {_letters(data.own(prompt)) for prompt in data.held}
    return sum(_letters(data.own(data.train[at])) in held for at in places)


def _letters(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())


def _within(text: str, rng: random.Random) -> str:
    return (
        f"Somebody wrote about it last week. {text.capitalize()} And that was not all: {rng.choice(OTHERS)} came too."
    )


WITHIN = Edit("a sentence of a longer text", _within, True)
CHARACTERS = DedupMinhash(unit="characters", size=4, threshold=0.55)
MEANINGS = tuple(DedupSemantic(threshold=threshold) for threshold in (0.8, 0.9))


def movies(folder: Path, encoding: Literal["utf-8", "latin-1"] = "utf-8") -> Iterator[str]:
    """SST-2's test sentences that lie in the quickstart's file: each, and every row of the file that says it.
    `encoding`: in which the file is read; the task reads UTF-8."""
    held_rows = read(folder, "sst2")
    with (folder / "sst2" / "test.jsonl").open(encoding="utf-8") as lines:
        sentences = [held_rows.own(json.loads(line)["prompt"]) for line in lines]
    place = Path(__file__).parents[2] / "tasks" / "movie_sentiment"
    ours = task.load_task(place)
    ours = msgspec.structs.replace(ours, data=msgspec.structs.replace(ours.data, encoding=encoding))
    parts, _ = sources.open_parts(ours, place, Workspace(default_home()).cache, offline=True, progress=lambda *_: None)
    rows, _ = examples.build(ours, parts["all"], _refuse)
    prompts, texts = [row.prompt for row in rows], [_letters(row.columns[0]) for row in rows]
    held = guards.build((ours.format.prompt.format(text=text), (text,)) for text in sentences)
    yield f"\n## SST-2's test sentences in the quickstart's movie file: {len(prompts):,} labelled rows, as {encoding}\n"
    head = (
        "runs of",
        "sentences that a row is",
        "found",
        "that stand in a row",
        "found",
        "rows dropped",
        "false alarms",
    )
    yield f"| {' | '.join(head)} |\n|{'---|' * len(head)}"
    for ngram in guards.SIZES:
        dropped = gone(prompts, Decontaminate(ngram=ngram), held)
        equal: list[bool] = []
        inside: list[bool] = []
        right: set[int] = set()
        for sentence in map(_letters, sentences):
            saying = {at for at, text in enumerate(texts) if sentence in text}
            right |= saying
            if same := {at for at in saying if texts[at] == sentence}:
                equal.append(same <= dropped)
            elif saying:
                inside.append(bool(saying & dropped))
        false = len(dropped - right)
        yield (
            f"| {ngram} words | {len(equal):,} | {sum(equal):,} ({sum(equal) / len(equal):.2%}) | {len(inside):,} "
            f"| {sum(inside):,} | {len(dropped):,} | {false:,} ({false / len(prompts):.2%}) |"
        )


def _refuse(error: BadInput) -> None:
    raise error


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=os.environ.get("TREX_DATA"))
    parser.add_argument("--only", choices=["duplicates", "contamination", "movies"])
    parser.add_argument("--sets", default=",".join(SETS))
    asked = parser.parse_args()
    if asked.folder is None or not (Path(asked.folder) / "sst2").is_dir():
        raise SystemExit("no data: give the folder that holds sst2 and hoc, or set TREX_DATA")
    folder, names = Path(asked.folder), asked.sets.split(",")
    parts: list[Iterator[str]] = []
    if asked.only in (None, "duplicates"):
        parts += [duplicates(name, read(folder, name)) for name in names]
    if asked.only in (None, "contamination"):
        parts += [contamination(name, read(folder, name)) for name in names]
    if asked.only in (None, "movies"):
        parts += [movies(folder, "utf-8"), movies(folder, "latin-1")]
    for part in parts:
        for line in part:
            print(line, flush=True)


if __name__ == "__main__":
    main()
