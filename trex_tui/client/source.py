"""The seam between the interface and whatever feeds it: an engine's socket, or a journal played back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from engine.control import protocol as p
from engine.search.events import Record
from trex_tui.model.store import Link


class Sink(Protocol):
    """Who takes what a source brings; the store does. All calls come from the event loop's thread."""

    last_seq: int

    def records(self, records: Iterable[Record]) -> None: ...
    def beat(self, pulse: p.Pulse, now: float) -> None: ...
    def connection(self, link: Link, now: float) -> None: ...


class Source(Protocol):
    """Feeds a sink until it is cancelled, and carries a person's commands."""

    async def feed(self, sink: Sink) -> None:
        """Bring every record above `sink.last_seq`, then what follows. Ends only by cancellation."""

    async def command(self, command: p.Command) -> p.Reply:
        """Send one command. Whatever goes wrong comes back as a refusal in one sentence."""
