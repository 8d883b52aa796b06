"""Choosing rows, or their order, with an eye on all of them.

What draws takes its randomness from the recipe's seed and its own place in it, and keeps the order of the rows unless a
new order is its purpose.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from fractions import Fraction
from itertools import cycle, islice

from datasets import Dataset

from engine.aidp.context import Applies, Context
from engine.aidp.kinds import sampling as kinds
from engine.aidp.operators import sampling_model
from engine.aidp.operators.parts import values
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


def sample_weighted(rows: Dataset, op: kinds.SampleWeighted, context: Context) -> Dataset:
    """At most `rows` rows, each value of the column with its share."""
    places = grouped(rows, op.by)
    sizes = {value: len(found) for value, found in places.items()}
    weights = op.weights or {value: size ** (1.0 / op.temperature) for value, size in sizes.items()}
    if unknown := sorted(set(weights) - set(sizes)):
        there = ", ".join(f"`{value[:40]}`" for value in list(sizes)[:10])
        raise IdeaFailure(
            f"no row has `{unknown[0][:60]}` as its {op.by}", where="sample_weighted", hint=f"try {there}"
        )
    if not any(weights.values()):
        raise IdeaFailure("all weights are 0", where="sample_weighted", hint="give one value a weight")
    context.notes.why_dropped = NOT_DRAWN
    takes = apportioned(sizes, weights, op.rows)
    return rows.select(sorted(at for value, take in takes.items() for at in context.rng.sample(places[value], take)))


def cap(rows: Dataset, op: kinds.Cap, context: Context) -> Dataset:
    """At most `rows` rows of each value of the column."""
    context.notes.why_dropped = f"{op.rows:,} others have its {op.by}"
    chosen = (context.rng.sample(found, min(op.rows, len(found))) for found in grouped(rows, op.by).values())
    return rows.select(sorted(at for found in chosen for at in found))


def shuffle(rows: Dataset, _op: kinds.Shuffle, context: Context) -> Dataset:
    """All rows in a new order."""
    order = list(range(len(rows)))
    context.rng.shuffle(order)
    return rows.select(order)


APPLY: Applies = {
    kinds.BalanceLabels: balance_labels,
    kinds.SampleStratified: sample_stratified,
    kinds.SampleRandom: sample_random,
    kinds.SampleWeighted: sample_weighted,
    kinds.Cap: cap,
    kinds.Shuffle: shuffle,
    **sampling_model.APPLY,
}


def shares(counts: Mapping[str, int], total: int) -> dict[str, int]:
    """`total` divided in proportion to `counts` by largest remainder; of equal ones the first gets more."""
    whole = sum(counts.values())
    exact = {name: divmod(count * total, whole) for name, count in counts.items()}
    sizes = {name: quotient for name, (quotient, _) in exact.items()}
    for name in sorted(exact, key=lambda name: -exact[name][1])[: total - sum(sizes.values())]:
        sizes[name] += 1
    return sizes


def apportioned(sizes: Mapping[str, int], weights: Mapping[str, float], total: int) -> dict[str, int]:
    """`total` divided in proportion to `weights` by largest remainder, none with more than its size; fewer in all where
    the sizes do not reach. Values without a weight get nothing; of equal remainders the first gets more."""
    takes = dict.fromkeys(sizes, 0)
    open_ = {name: Fraction(weights[name]) for name in sizes if weights.get(name)}
    left = total
    while full := [name for name, share in _shares(open_, left).items() if share >= sizes[name]]:
        for name in full:
            takes[name] = sizes[name]
            left -= sizes[name]
            del open_[name]
    exact = _shares(open_, left)
    takes |= {name: int(share) for name, share in exact.items()}
    left -= sum(int(share) for share in exact.values())
    for name in sorted(exact, key=lambda name: int(exact[name]) - exact[name])[:left]:
        takes[name] += 1
    return takes


def _shares(weights: Mapping[str, Fraction], total: int) -> dict[str, Fraction]:
    whole = sum(weights.values())
    return {name: total * weight / whole for name, weight in weights.items()}


def grouped(rows: Dataset, name: str) -> dict[str, list[int]]:
    """The places of the rows with each value of a column, as text. Raises IdeaFailure where there is no such column."""
    places: dict[str, list[int]] = {}
    for at, value in enumerate(values(rows, name)):
        places.setdefault(value, []).append(at)
    return places


def _repeats(places: list[int], count: int, rng: random.Random) -> list[int]:
    return list(islice(cycle(rng.sample(places, len(places))), count))
