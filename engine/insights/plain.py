"""An insight index without a process: cosine over counted words. The fake behind tests, held to the same conformance
suite as the real one; nothing in the engine chooses it."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable

from engine.insights.index import FLOOR, Found, Row


class PlainIndex:
    """Holds rows in memory."""

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self.rows: dict[str, Row] = {row.id: row for row in rows}

    async def add(self, row: Row) -> None:
        self.rows[row.id] = row

    async def hold(self, rows: Iterable[Row]) -> None:
        self.rows = {row.id: row for row in rows}

    async def nearest(
        self, text: str, k: int, *, task: str = "", exclude: Collection[str] = (), floor: float = FLOOR
    ) -> list[Found]:
        fit = [row for row in self.rows.values() if row.id not in exclude and task in ("", row.task)]
        found = [Found(row.id, _cosine(text, row.text)) for row in fit]
        ranked = sorted((f for f in found if f.similarity >= floor), key=lambda f: (-f.similarity, f.id))
        return ranked[: max(k, 0)]

    async def close(self) -> None:
        """Nothing to free."""


def _cosine(a: str, b: str) -> float:
    left, right = (Counter(re.findall(r"[a-z]{3,}", text.lower())) for text in (a, b))
    length = math.sqrt(sum(n * n for n in left.values()) * sum(n * n for n in right.values()))
    return sum(n * right[word] for word, n in left.items()) / length if length else 0.0
