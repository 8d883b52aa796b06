"""A finished journal in place of an engine: the same `Source`, without a socket. It takes no commands."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from engine.control import protocol as p
from engine.errors import TrexError
from engine.search.events import Asked, Record
from trex_tui.client.source import Sink
from trex_tui.model.store import Link, Words


class Replay:
    """Plays records back at once. `at` is the moment that the interface shows as now (Unix seconds)."""

    def __init__(self, records: Iterable[Record], at: float) -> None:
        self._records, self._at = records, at

    async def feed(self, sink: Sink) -> None:
        sink.records(self._records)
        sink.connection(Link("replay"), self._at)
        await asyncio.Event().wait()

    async def command(self, command: p.Command) -> p.Reply:
        return p.Reply(id=command.id, ok=False, text="this is a recording; there is no engine to steer")


@lru_cache(maxsize=32)
def recalled(path: Path, seq: int) -> Words | None:
    """What the Researcher was asked and answered in one record of a journal; None where it is not to be had."""
    from engine.journal import Journal

    try:
        journal = Journal.open_read_only(path)
    except TrexError:
        return None
    try:
        event = next((record.event for record in journal.records(since=seq - 1, limit=1)), None)
    except TrexError:
        return None
    finally:
        journal.close()
    return Words(event.prompt, event.answer) if isinstance(event, Asked) else None


def journalled(path: Path) -> Iterator[Record]:
    """All records of a journal, from the first on. Raises BadInput, MachineFailure."""
    from engine.journal import Journal  # no other part of the interface needs SQLite before its first paint

    journal = Journal.open_read_only(path)
    try:
        yield from journal.records()
    finally:
        journal.close()
