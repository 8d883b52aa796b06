"""What held-out rows mean, as 256 signs each: enough to say how near a text comes, too little to say what is written.

An embedding is the mean of the vectors of a text's words and gives the words back to whoever solves for them. Of each
of its numbers only the sign is kept: the share of signs that differ between two texts tells the angle between them, to
about three hundredths of a cosine near 0.9. Signs are made where held-out rows are read in a data process
(`trex data run --holdout`); a task's own splits are made without the embedding model, so their guards have none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from engine.aidp.likeness.wording import common, without
from engine.aidp.services import Embedder

BLOCK = 1_000  # texts
NUMBER = 8  # bytes of a number


def signs(texts: Sequence[str], embedder: Embedder) -> tuple[bytes, bytes]:
    """(signs of every text, sorted and joined; the numbers of the texts' common wording, which is left out)."""
    wording = common(texts)
    rows: set[bytes] = set()
    for at in range(0, len(texts), BLOCK):
        vectors = embedder.embed(without(texts[at : at + BLOCK], wording))
        rows.update(_packed(vectors[vectors.any(axis=1)]))
    return b"".join(sorted(rows)), b"".join(number.to_bytes(NUMBER, "big") for number in sorted(wording))


def _packed(vectors: np.ndarray) -> list[bytes]:
    return [row.tobytes() for row in np.packbits(vectors > 0, axis=1)]


class Meanings:
    """Whether a text comes near one of those whose `signs` these are: a cosine of about `least` or more."""

    def __init__(self, joined: bytes, wording: bytes, least: float, embedder: Embedder) -> None:
        self._embedder = embedder
        cut = range(0, len(wording), NUMBER)
        self._wording = frozenset(int.from_bytes(wording[at : at + NUMBER], "big") for at in cut)
        width = embedder.embed([""]).shape[1]
        self._signs = np.frombuffer(joined, np.uint64).reshape(-1, width // 64)
        self._most = math.acos(least) / math.pi * width  # signs that may differ

    def near(self, text: str) -> bool:
        vector = self._embedder.embed(without([text], self._wording))
        if not vector.any():
            return False
        own = np.frombuffer(_packed(vector)[0], np.uint64)
        return bool((np.bitwise_count(self._signs ^ own).sum(axis=1) <= self._most).any())
