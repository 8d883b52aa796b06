"""Rows that mean what an earlier one means: nearest embeddings among the rows that stay, by FAISS, in blocks.

Never a matrix of all rows by all rows. Memory: 1 KB for each row that stays (256 dimensions of 4 bytes), up to twice
that while the index grows: 0.4 GB at most for 200,000 rows. Up to EXACT rows every vector is compared; above that those
of the nearest cells, which overlooks a few: there, doing it again may drop a few more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import faiss
import numpy as np

from engine.aidp.likeness.wording import Repeat, without
from engine.aidp.services import Embedder

BLOCK = 1_000  # rows
EXACT = 20_000  # rows up to which the search is exact
CELLS, LOOKED_AT = 1_024, 16  # of the index above that, and how many of them are searched
SAMPLE = 40 * CELLS  # rows that cells are made from; some twice where there are fewer
SEED = 1  # of the cells
SLACK = 1e-6  # of a cosine in 32 bits

Vectors = np.ndarray[Any, np.dtype[np.float32]]


def paraphrases(
    texts: Sequence[str],
    embedder: Embedder,
    threshold: float,
    wording: frozenset[int],
    progress: Callable[[int, int], None],
) -> list[Repeat]:
    """Rows whose cosine with an earlier row that stays is at least `threshold`, each with the nearest such row."""

    def embedded(chosen: Sequence[str]) -> Vectors:
        return embedder.embed(without(chosen, wording))

    index = _index([texts[at] for at in _spread(len(texts))], len(texts), embedded)
    stay: list[int] = []
    found: list[Repeat] = []
    for at in range(0, len(texts), BLOCK):
        progress(at, len(texts))
        block = embedded(texts[at : at + BLOCK])
        similar, places = index.search(block, 1)
        within = block @ block.T
        fresh: list[int] = []
        for row in range(len(block)):
            first, best = (stay[places[row, 0]], similar[row, 0]) if places[row, 0] >= 0 else (-1, 0.0)
            if fresh and within[row, nearest := fresh[int(np.argmax(within[row, fresh]))]] > best:
                first, best = at + nearest, within[row, nearest]
            if first >= 0 and best >= threshold - SLACK:
                found.append(Repeat(at + row, first, float(min(best, 1.0))))
            else:
                fresh.append(row)
        index.add(block[fresh])
        stay += [at + row for row in fresh]
    return found


def _spread(rows: int) -> list[int]:
    """Places of the rows that cells are made from; none where there are no cells."""
    return [at * rows // SAMPLE for at in range(SAMPLE)] if rows > EXACT else []


def _index(sample: Sequence[str], rows: int, embedded: Callable[[Sequence[str]], Vectors]) -> Any:
    """An empty index for so many rows."""
    if rows <= EXACT:
        return faiss.IndexFlatIP(embedded([""]).shape[1])
    vectors = np.concatenate([embedded(sample[at : at + BLOCK]) for at in range(0, len(sample), BLOCK)])
    index: Any = faiss.index_factory(vectors.shape[1], f"IVF{CELLS},Flat", faiss.METRIC_INNER_PRODUCT)
    index.cp.seed, index.cp.niter, index.nprobe = SEED, 10, LOOKED_AT
    index.train(vectors)
    return index
