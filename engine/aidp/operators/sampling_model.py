"""Choosing rows by what a model finds: how far apart they are in meaning, and how hard their answers are."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from datasets import Dataset

from engine.aidp.context import Applies, Context
from engine.aidp.kinds import sampling as kinds
from engine.aidp.operators.filters_model import losses, with_losses
from engine.aidp.operators.parts import texts
from engine.aidp.operators.vectors import Vectors, embedded

ROUNDS = 20  # of k-means
EVERY = 50  # choices between two words of progress


def sample_diverse(rows: Dataset, op: kinds.SampleDiverse, context: Context) -> Dataset:
    """At most `rows` rows that are far from one another in meaning."""
    if op.rows >= len(rows):
        return rows
    context.notes.why_dropped = "others are near it in meaning"
    vectors = embedded(texts(rows, op.part, context), context)
    first = middles(vectors, op.rows, context.rng.randrange(2**31)) if op.method == "clusters" else [_typical(vectors)]
    return rows.select(sorted(farthest(vectors, op.rows, first, context.progress)))


def sample_difficulty(rows: Dataset, op: kinds.SampleDifficulty, context: Context) -> Dataset:
    """At most `rows` rows by the losses of their answers, with these as a column."""
    found = losses(rows, context)
    ranked = sorted((at for at, loss in enumerate(found) if not math.isnan(loss)), key=lambda at: (found[at], at))
    count = min(op.rows, len(ranked))
    spare = len(ranked) - count
    context.notes.why_dropped = f"not among the {count:,} for `{op.take}`"
    if op.take == "curriculum":
        chosen = [ranked[(2 * step + 1) * len(ranked) // (2 * count)] for step in range(count)]
    else:
        start = {"easy": 0, "medium": spare // 2, "hard": spare}[op.take]
        chosen = sorted(ranked[start : start + count])
    return with_losses(rows, found).select(chosen)


APPLY: Applies = {kinds.SampleDiverse: sample_diverse, kinds.SampleDifficulty: sample_difficulty}


def farthest(vectors: Vectors, count: int, first: Sequence[int], progress: Callable[[int, int], None]) -> list[int]:
    """`first`, then again and again the row whose nearest chosen one is farthest away, until there are `count`."""
    chosen = list(first)
    nearest = (vectors @ vectors[chosen].T).max(axis=1)
    nearest[chosen] = np.inf
    while len(chosen) < count:
        if not len(chosen) % EVERY:
            progress(len(chosen), count)
        chosen.append(at := int(nearest.argmin()))
        np.maximum(nearest, vectors @ vectors[at], out=nearest)
        nearest[at] = np.inf
    return chosen


def middles(vectors: Vectors, count: int, seed: int) -> list[int]:
    """The row in the middle of each of `count` clusters (k-means on the sphere); fewer where a cluster is empty."""
    import faiss

    means = faiss.Kmeans(vectors.shape[1], count, niter=ROUNDS, seed=seed, spherical=True, min_points_per_centroid=1)
    means.train(vectors)
    near, of = means.index.search(vectors, 1)
    best: dict[int, int] = {}
    for at in np.lexsort((np.arange(len(vectors)), -near[:, 0])):
        best.setdefault(int(of[at, 0]), int(at))
    return sorted(best.values())


def _typical(vectors: Vectors) -> int:
    return int((vectors @ vectors.mean(axis=0)).argmax())
