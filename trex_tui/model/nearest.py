"""The insights nearest to a text by meaning. The embedding runs in a worker process, which lives as long as this."""

from __future__ import annotations

from collections.abc import Iterable

from engine.errors import MachineFailure
from engine.insights import Insights, Row
from engine.search.insights import Insight
from engine.workspace import Workspace

FOLDER = "insights-search"  # below the cache: the engine's worker writes an index of its own
NONE_NEAR = "nothing that was learned is near enough to it"


class Nearest:
    """`close` ends the worker; the next question starts another one."""

    def __init__(self, workspace: Workspace) -> None:
        self._index = Insights((), workspace.cache / FOLDER)

    async def find(self, insights: Iterable[Insight], text: str, most: int) -> dict[str, float]:
        """Similarity by id, the nearest first; deleted ones are left out. Raises MachineFailure, one sentence."""
        rows = (Row(id=i.insight, task=i.task, text=i.text) for i in insights if not i.deleted)
        try:
            await self._index.hold(rows)
            return {hit.id: hit.similarity for hit in await self._index.nearest(text, most)}
        except OSError as error:
            raise MachineFailure(f"the worker for it cannot be started ({error.strerror})") from None

    async def close(self) -> None:
        await self._index.close()
