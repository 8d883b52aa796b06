"""The data operators: one function each, from a Dataset to a Dataset. What they mean stands in `engine.aidp.recipe`.

Rows are `{id, prompt, answer, source}`, all text. Operators that draw take their randomness from the recipe's seed
and their own place in it, work in the order of the rows, and keep that order unless a new order is their purpose.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Protocol

from datasets import Dataset, concatenate_datasets

from engine.aidp import layouts, readers
from engine.aidp import recipe as ops
from engine.aidp.text import normalise
from engine.errors import BadInput, IdeaFailure

COLUMNS = ("id", "prompt", "answer", "source")
PARALLEL = 20_000  # rows below which starting processes costs more than it saves


class Overlap(Protocol):
    """All that an operator may know of the held-out splits."""

    def overlaps(self, row: Mapping[str, str]) -> bool: ...


@dataclass(frozen=True)
class Context:
    """What an operator may use besides its rows. `guard(ngram)` asks the held-out splits; 0: equal prompts only."""

    rng: random.Random
    guard: Callable[[int], Overlap] | None = None
    root: Path | None = None  # folder that `load` and `mix` may read
    template: tuple[str, str] | None = None  # the task's prompt and answer
    processes: int = 1
    max_rows: int = 200_000


def load(_rows: Dataset, op: ops.Load, context: Context) -> Dataset:
    """All rows of the file, as they are: values as text, under the file's own column names."""
    return _read(confined(context.root, op.path), op.path, op.format, context.max_rows)


def convert(rows: Dataset, op: ops.Convert, context: Context) -> Dataset:
    """`{id, prompt, answer, source}`; rows without a pair are dropped. Rows that have that form stay as they are."""
    if tuple(rows.column_names) == COLUMNS:
        return rows
    pair = layouts.converter(op.layout, rows.column_names, context.template, "convert")
    kept: list[dict[str, str]] = []
    for number, row in enumerate(rows, 1):
        if found := pair(row):
            source = row.get("source") or "loaded"
            kept.append({"id": f"{source}:{number}", "prompt": found[0], "answer": found[1], "source": source})
    return dataset(kept)


def dedup_exact(rows: Dataset, op: ops.DedupExact, _context: Context) -> Dataset:
    """The first row of each prompt."""
    first: dict[str, int] = {}
    for at, prompt in enumerate(_column(rows, "prompt")):
        first.setdefault(normalise(prompt) if op.normalise else prompt, at)
    return rows.select(list(first.values()))


def decontaminate(rows: Dataset, op: ops.Decontaminate, context: Context) -> Dataset:
    """Rows that overlap no held-out row."""
    if context.guard is None:
        return rows
    guard = context.guard(op.ngram if op.enabled else 0)
    return _filter(rows, lambda prompt: not guard.overlaps({"prompt": prompt}), context)


def filter_length(rows: Dataset, op: ops.FilterLength, context: Context) -> Dataset:
    """Rows of `min_words` to `max_words`, words being what white space separates."""
    return _filter(rows, lambda prompt: op.min_words <= len(prompt.split()) <= op.max_words, context)


def balance_labels(rows: Dataset, op: ops.BalanceLabels, context: Context) -> Dataset:
    """As many rows of each answer as the rarest (`down`) or the most frequent (`up`, repeats at the end) has."""
    places = _by_answer(rows)
    if op.method == "down":
        size = min(map(len, places.values()), default=0)
        return rows.select(sorted(at for found in places.values() for at in context.rng.sample(found, size)))
    size = max(map(len, places.values()), default=0)
    if size * len(places) > context.max_rows:
        raise IdeaFailure(
            f"`balance_labels` would make {size * len(places):,} rows of {len(rows):,}", hint="use `down`"
        )
    repeats = [at for found in places.values() for at in _repeats(found, size - len(found), context.rng)]
    return rows.select([*range(len(rows)), *repeats])


def sample_stratified(rows: Dataset, op: ops.SampleStratified, context: Context) -> Dataset:
    """At most `rows` rows; each answer gets its share, rounded by largest remainder."""
    if op.rows >= len(rows):
        return rows
    places = _by_answer(rows)
    sizes = shares({answer: len(found) for answer, found in places.items()}, op.rows)
    return rows.select(
        sorted(at for answer, found in places.items() for at in context.rng.sample(found, sizes[answer]))
    )


def sample_random(rows: Dataset, op: ops.SampleRandom, context: Context) -> Dataset:
    """At most `rows` rows."""
    return rows if op.rows >= len(rows) else rows.select(sorted(context.rng.sample(range(len(rows)), op.rows)))


def shuffle(rows: Dataset, _op: ops.Shuffle, context: Context) -> Dataset:
    """All rows in a new order."""
    order = list(range(len(rows)))
    context.rng.shuffle(order)
    return rows.select(order)


def mix(rows: Dataset, op: ops.Mix, context: Context) -> Dataset:
    """All rows, then so many of the file's that they are `share` of the result; all of them where they are too few."""
    if op.share >= 1.0:
        raise IdeaFailure("`mix` with share 1 would keep no row of the task", hint="use `load`, or a smaller share")
    other = _read(confined(context.root, op.path), op.path, "auto", context.max_rows)
    other = convert(other, ops.Convert(layout=op.layout), context)
    wanted = min(len(other), round(len(rows) * op.share / (1.0 - op.share)))
    chosen = other.select(sorted(context.rng.sample(range(len(other)), wanted)))
    return concatenate_datasets([rows, chosen])


APPLY: dict[type[ops.Operator], Callable[[Dataset, Any, Context], Dataset]] = {
    ops.Load: load,
    ops.Convert: convert,
    ops.DedupExact: dedup_exact,
    ops.Decontaminate: decontaminate,
    ops.FilterLength: filter_length,
    ops.BalanceLabels: balance_labels,
    ops.SampleStratified: sample_stratified,
    ops.SampleRandom: sample_random,
    ops.Shuffle: shuffle,
    ops.Mix: mix,
}


def dataset(rows: Iterable[Mapping[str, str]]) -> Dataset:
    """Rows as a Dataset in memory, their columns in our order and nothing else."""
    whole = list(rows)
    return Dataset.from_dict({name: [row.get(name, "") for row in whole] for name in COLUMNS})


def confined(root: Path | None, path: str) -> Path:
    """`path` below `root`, links followed. Raises IdeaFailure for one that leads out or is not there."""
    if root is None:
        raise IdeaFailure(
            f"`{path}` cannot be read: the task has no folder `extra/`", hint="leave out `load` and `mix`"
        )
    found = (root / path).resolve()
    if Path(path).is_absolute() or not found.is_relative_to(root.resolve()):
        raise IdeaFailure(f"`{path}` leads out of the task's folder `extra/`", hint="name a file inside it")
    if not found.is_file():
        there = sorted(str(file.relative_to(root)) for file in root.rglob("*") if file.is_file())[:20]
        raise IdeaFailure(
            f"no file `{path}` in the task's folder `extra/`", hint=f"there: {', '.join(there) or 'none'}"
        )
    return found


def shares(counts: Mapping[str, int], total: int) -> dict[str, int]:
    """`total` divided in proportion to `counts` by largest remainder; of equal ones the first gets more."""
    whole = sum(counts.values())
    exact = {name: divmod(count * total, whole) for name, count in counts.items()}
    sizes = {name: quotient for name, (quotient, _) in exact.items()}
    for name in sorted(exact, key=lambda name: -exact[name][1])[: total - sum(sizes.values())]:
        sizes[name] += 1
    return sizes


def _read(path: Path, name: str, format: readers.FileFormat, limit: int) -> Dataset:
    values: list[dict[str, str]] = []
    try:
        for row in readers.read_rows(path, format, name=name):
            if len(values) == limit:
                raise IdeaFailure(f"more than {limit:,} rows", where=name, hint="use a smaller file")
            values.append(row.values)
    except BadInput as error:  # the recipe chose this file: its idea does not work
        raise IdeaFailure(error.what, where=error.where, hint=error.hint) from None
    columns = dict.fromkeys(column for row in values for column in row if column != "source")
    taken = {column: [row.get(column) for row in values] for column in columns}
    return Dataset.from_dict({"source": [name] * len(values), **taken})  # never in the order of COLUMNS: not converted


def _column(rows: Dataset, name: str) -> list[str]:
    return list(rows[name])


def _by_answer(rows: Dataset) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for at, answer in enumerate(_column(rows, "answer")):
        places.setdefault(answer, []).append(at)
    return places


def _repeats(places: list[int], count: int, rng: random.Random) -> list[int]:
    return list(islice(cycle(rng.sample(places, len(places))), count))


def _filter(rows: Dataset, keep: Callable[[str], bool], context: Context) -> Dataset:
    """Rows whose prompt passes, in order, whatever the number of processes."""
    processes = context.processes if len(rows) >= PARALLEL else 1
    if processes > 1:
        return rows.filter(keep, input_columns=["prompt"], num_proc=processes)
    return rows.select([at for at, prompt in enumerate(_column(rows, "prompt")) if keep(prompt)])


def answers(rows: Dataset, most: int = 20) -> dict[str, int]:
    """Rows per answer, the most frequent first."""
    return dict(Counter(_column(rows, "answer")).most_common(most))
