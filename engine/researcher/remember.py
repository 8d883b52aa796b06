"""Which earlier insights a plan is given: those that speak of knobs and those that speak of recipes, nearest first.

The choice of rows (the run's scope of memory) is the caller's; the similarity is the index's.
"""

from __future__ import annotations

from collections.abc import Collection

from engine.insights.index import InsightIndex
from engine.researcher.facts import Known
from engine.researcher.memory import queries
from engine.task import Task


async def remember(
    index: InsightIndex, task: Task, count: int, *, only_task: str = "", exclude: Collection[str] = ()
) -> list[Known]:
    """At most `count` insights, most similar first; none where nothing held is near. Raises MachineFailure.

    `only_task`: a task's name, or empty for insights of every task.
    """
    best: dict[str, float] = {}
    for query in queries(task):
        for hit in await index.nearest(query, count, task=only_task, exclude=exclude):
            best[hit.id] = max(hit.similarity, best.get(hit.id, -1.0))
    ranked = sorted(best, key=lambda id_: (-best[id_], id_))[:count]
    return [Known(id_, index.rows[id_].text) for id_ in ranked]
