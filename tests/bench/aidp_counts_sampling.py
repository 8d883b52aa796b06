"""Samples of real data against other ways of counting: Counter, plain shares, sorting, distances by scipy. Part of
`tests.bench.aidp_counts`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

from engine.aidp.models.embedding import WordEmbedder
from engine.aidp.recipe import (
    AnyOperator,
    BalanceLabels,
    Cap,
    SampleDifficulty,
    SampleDiverse,
    SampleRandom,
    SampleStratified,
    SampleWeighted,
    Shuffle,
)
from tests.bench.aidp_counts import Count, Place, parts, plain, run
from tests.bench.aidp_counts_filters import SOME, Row, loss_of, services_of_tests, shown

FAR = 2_000  # rows for all of whose distances there is room


def sampling(place: Place) -> Iterator[Count]:
    """What each sample takes: rows of each answer, or the very rows."""
    for name, rows in {path.parent.name: plain(path) for path in reversed(list(parts(place)))}.items():
        there = Counter(row["answer"] for row in rows)
        for operator, wanted in _by_answer(there):
            chosen = Counter(_chosen(place, rows, operator)["answer"])
            yield Count(f"{name}: {shown(operator)}, rows of each answer", _brief(chosen), _brief(wanted))
        drawn = set(map(int, _chosen(place, rows, SampleRandom(rows=300))["id"]))
        yield Count(f"{name}: sample_random(rows=300), different rows", len(drawn), 300)
        order = list(map(int, _chosen(place, rows, Shuffle())["id"]))
        yield Count(
            f"{name}: shuffle, all rows, not in order", (len(set(order)), order != sorted(order)), (len(rows), True)
        )
        yield _diverse(place, name, rows[:FAR])
        yield from _difficulty(place, name, rows[:SOME])


def _by_answer(there: Counter[str]) -> Iterator[tuple[AnyOperator, dict[str, int]]]:
    """Operators, and the rows of each answer that they should take."""
    total, first = sum(there.values()), next(iter(there))
    yield Cap(rows=50), {answer: min(50, size) for answer, size in there.items()}
    yield BalanceLabels(), dict.fromkeys(there, min(there.values()))
    yield SampleStratified(rows=1_000), _rounded({answer: 1_000 * size / total for answer, size in there.items()})
    roots = {answer: size**0.2 for answer, size in there.items()}
    exact = {answer: 500 * root / sum(roots.values()) for answer, root in roots.items()}
    if all(exact[answer] < size for answer, size in there.items()):
        yield SampleWeighted(rows=500, by="answer", temperature=5.0), _rounded(exact)
    yield SampleWeighted(rows=100, by="answer", weights={first: 2.0}), {first: min(100, there[first])}


def _rounded(exact: dict[str, float]) -> dict[str, int]:
    """Largest remainder; of equal remainders the first."""
    sizes = {name: int(share + 1e-9) for name, share in exact.items()}
    by_rest = sorted(exact, key=lambda name: round(sizes[name] - exact[name], 9))
    for name in by_rest[: round(sum(exact.values())) - sum(sizes.values())]:
        sizes[name] += 1
    return sizes


def _diverse(place: Place, name: str, rows: list[Row]) -> Count:
    """The first 50 farthest rows, by all distances at once."""
    vectors = WordEmbedder().embed([row["prompt"] for row in rows]).astype(np.float64)
    distance = cdist(vectors, vectors, "cosine")
    taken = [int((vectors @ vectors.mean(axis=0)).argmax())]
    while len(taken) < 50:
        taken.append(int(distance[:, taken].min(axis=1).argmax()))
    operator = SampleDiverse(rows=50, method="farthest")
    ours = _chosen(place, rows, operator)["prompt"]
    return Count(
        f"{name}, {len(rows)} rows: {shown(operator)}, in common",
        len(set(ours) & {rows[at]["prompt"] for at in taken}),
        len({rows[at]["prompt"] for at in taken}),
    )


def _difficulty(place: Place, name: str, rows: list[Row]) -> Iterator[Count]:
    losses = np.array([loss_of(row) for row in rows])
    ranked = [int(at) for at in np.argsort(losses, kind="stable") if not np.isnan(losses[at])]
    spare = len(ranked) - 40
    for take, wanted in (("easy", ranked[:40]), ("medium", ranked[spare // 2 :][:40]), ("hard", ranked[spare:])):
        operator = SampleDifficulty(rows=40, take=take)
        ours = sorted(map(int, _chosen(place, rows, operator)["id"]))
        yield Count(f"{name}, {len(rows)} rows: {shown(operator)}, sum of places", sum(ours), sum(wanted))


def _chosen(place: Place, rows: list[Row], operator: AnyOperator) -> Any:
    """The rows that are taken; their ids are their places."""
    named = [{**row, "id": str(at)} for at, row in enumerate(rows)]
    return run(place, operator, rows=named, services=services_of_tests()).rows[:]


def _brief(counts: dict[str, int]) -> str:
    """How many answers have so many rows, so that a line tells all."""
    sizes = Counter(size for size in counts.values() if size)
    return " ".join(f"{many}x{size}" for size, many in sorted(sizes.items(), reverse=True)[:6])
