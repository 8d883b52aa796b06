"""Choosing rows, or their order, with an eye on all of them.

What draws takes its randomness from the recipe's seed and its own place in it, and keeps the order of the rows unless a
new order is its purpose.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from itertools import cycle, islice

from datasets import Dataset

from engine.aidp.context import Applies, Context
from engine.aidp.kinds import sampling as kinds
from engine.aidp.rows import by
from engine.errors import IdeaFailure

NOT_DRAWN = "not drawn"


def balance_labels(rows: Dataset, op: kinds.BalanceLabels, context: Context) -> Dataset:
    """As many rows of each answer as the rarest (`down`) or the most frequent (`up`, repeats at the end) has."""
    places = by(rows, "answer")
    if op.method == "down":
        context.notes.why_dropped = "more rows have its answer than the rarest has"
        size = min(map(len, places.values()), default=0)
        return rows.select(sorted(at for found in places.values() for at in context.rng.sample(found, size)))
    context.notes.why_added = "repeated, because few rows have its answer"
    size = max(map(len, places.values()), default=0)
    if size * len(places) > context.max_rows:
        raise IdeaFailure(
            f"`balance_labels` would make {size * len(places):,} rows of {len(rows):,}", hint="use `down`"
        )
    repeats = [at for found in places.values() for at in _repeats(found, size - len(found), context.rng)]
    return rows.select([*range(len(rows)), *repeats])


def sample_stratified(rows: Dataset, op: kinds.SampleStratified, context: Context) -> Dataset:
    """At most `rows` rows; each answer gets its share, rounded by largest remainder."""
    if op.rows >= len(rows):
        return rows
    context.notes.why_dropped = NOT_DRAWN
    places = by(rows, "answer")
    sizes = shares({answer: len(found) for answer, found in places.items()}, op.rows)
    return rows.select(
        sorted(at for answer, found in places.items() for at in context.rng.sample(found, sizes[answer]))
    )


def sample_random(rows: Dataset, op: kinds.SampleRandom, context: Context) -> Dataset:
    """At most `rows` rows."""
    context.notes.why_dropped = NOT_DRAWN
    return rows if op.rows >= len(rows) else rows.select(sorted(context.rng.sample(range(len(rows)), op.rows)))


def shuffle(rows: Dataset, _op: kinds.Shuffle, context: Context) -> Dataset:
    """All rows in a new order."""
    order = list(range(len(rows)))
    context.rng.shuffle(order)
    return rows.select(order)


APPLY: Applies = {
    kinds.BalanceLabels: balance_labels,
    kinds.SampleStratified: sample_stratified,
    kinds.SampleRandom: sample_random,
    kinds.Shuffle: shuffle,
}


def shares(counts: Mapping[str, int], total: int) -> dict[str, int]:
    """`total` divided in proportion to `counts` by largest remainder; of equal ones the first gets more."""
    whole = sum(counts.values())
    exact = {name: divmod(count * total, whole) for name, count in counts.items()}
    sizes = {name: quotient for name, (quotient, _) in exact.items()}
    for name in sorted(exact, key=lambda name: -exact[name][1])[: total - sum(sizes.values())]:
        sizes[name] += 1
    return sizes


def _repeats(places: list[int], count: int, rng: random.Random) -> list[int]:
    return list(islice(cycle(rng.sample(places, len(places))), count))
