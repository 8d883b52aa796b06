"""The engine's side of the insight index: which earlier insights are nearest to a text.

Not the store (the journal holds the rows) and not the embedding (`engine.insights.__main__`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from engine.pipes import Worker

# Similarity below which an insight has nothing to say: unlike texts measured -0.1 to 0.1, fitting ones 0.3 to 0.6.
FLOOR = 0.2
TIMEOUT = 60.0
FEW = 8  # rows; more are not added one by one


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One insight: its id in the journal, the task it was learned on, its sentence."""

    id: str
    task: str
    text: str


class Found(msgspec.Struct, frozen=True):
    """An insight and its cosine similarity, in [-1, 1]."""

    id: str
    similarity: float


class Rebuild(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="rebuild"):
    """To the worker: forget everything, hold these rows."""

    rows: tuple[Row, ...]


class Add(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="add"):
    """To the worker: one more row; one with a known id is put in its place."""

    row: Row


class Nearest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="nearest"):
    """To the worker: the `k` nearest rows with at least `floor`, of one task where `task` is not empty."""

    text: str
    k: int
    floor: float
    task: str = ""
    exclude: tuple[str, ...] = ()


class Done(msgspec.Struct, frozen=True):
    """From the worker: how many rows it holds."""

    rows: int
    kind: Literal["done"] = "done"


class InsightIndex(Protocol):
    """Raises MachineFailure where the index cannot be reached."""

    @property
    def rows(self) -> Mapping[str, Row]:
        """Every row held, by id."""

    async def hold(self, rows: Iterable[Row]) -> None:
        """Hold these rows and no others."""

    async def add(self, row: Row) -> None:
        """Hold one more insight; one with a known id takes the old one's place."""

    async def nearest(
        self, text: str, k: int, *, task: str = "", exclude: Collection[str] = (), floor: float = FLOOR
    ) -> list[Found]:
        """At most `k` insights, most similar first, equals by id; those of `task` only where it is given."""

    async def close(self) -> None: ...


class Insights:
    """The FAISS worker. It is told the rows whenever it starts, so a crash loses nothing."""

    def __init__(self, rows: Iterable[Row], cache: Path, *, log: Path | None = None) -> None:
        """`cache` is a folder for the index file, which saves embedding the rows again."""
        self.rows: dict[str, Row] = {row.id: row for row in rows}
        self.worker = Worker("engine.insights", (str(cache),), log=log)

    async def add(self, row: Row) -> None:
        first = self._first()
        self.rows[row.id] = row
        await self.worker.ask(Add(row), Done, timeout=TIMEOUT, first=first)

    async def hold(self, rows: Iterable[Row]) -> None:
        """A worker that runs is told what is new, or, where more has changed, everything."""
        wanted = {row.id: row for row in rows}
        fresh = [row for id_, row in wanted.items() if id_ not in self.rows]
        grown = wanted == {**self.rows, **{row.id: row for row in fresh}}
        if self.worker.pid is not None and grown and len(fresh) <= FEW:
            for row in fresh:
                await self.add(row)
            return
        self.rows = wanted
        if self.worker.pid is not None:
            await self.worker.ask(self._first(), Done, timeout=TIMEOUT)

    async def nearest(
        self, text: str, k: int, *, task: str = "", exclude: Collection[str] = (), floor: float = FLOOR
    ) -> list[Found]:
        if k < 1 or not self.rows:
            return []
        question = Nearest(text, k, floor, task, tuple(sorted(exclude)))
        return await self.worker.ask(question, list[Found], timeout=TIMEOUT, first=self._first())

    async def close(self) -> None:
        await self.worker.close()

    def _first(self) -> Rebuild:
        return Rebuild(tuple(self.rows.values()))
