"""Which earlier insights a plan is given: those that people have pinned, then those that speak of knobs and of recipes.

Nearest first. The choice of rows (the run's scope of memory) is the caller's; the similarity is the index's.
"""

from __future__ import annotations

from collections.abc import Collection

from engine.insights.index import FLOOR, InsightIndex
from engine.researcher.facts import Known
from engine.researcher.memory import queries
from engine.task import Task

ANY = -1.0  # similarity: a pinned insight is given whatever it speaks of


async def remember(
    index: InsightIndex,
    task: Task,
    count: int,
    *,
    only_task: str = "",
    exclude: Collection[str] = (),
    pinned: Collection[str] = (),
) -> list[Known]:
    """At most `count` insights, the pinned ones first; none where nothing held is near. Raises MachineFailure.

    `only_task`: a task's name, or empty for insights of every task; it holds for pinned ones too.
    """
    others = {id_ for id_ in index.rows if id_ not in pinned}
    first = await _nearest(index, task, count, only_task, {*exclude, *others}, ANY) if pinned else []
    rest = await _nearest(index, task, count - len(first), only_task, {*exclude, *pinned}, FLOOR)
    return [Known(id_, index.rows[id_].text) for id_ in (*first, *rest)]


async def _nearest(
    index: InsightIndex, task: Task, count: int, only_task: str, exclude: Collection[str], floor: float
) -> list[str]:
    """Ids, most similar to either query first."""
    best: dict[str, float] = {}
    for query in queries(task):
        for hit in await index.nearest(query, count, task=only_task, exclude=exclude, floor=floor):
            best[hit.id] = max(hit.similarity, best.get(hit.id, -1.0))
    return sorted(best, key=lambda id_: (-best[id_], id_))[:count]
