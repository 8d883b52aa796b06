"""A run's events as the text of a log: the same reader that opens files shows, searches and follows them."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

from engine.search.events import Record
from trex_tui.model import format as fmt
from trex_tui.model.file_bytes import Look
from trex_tui.model.sentences import sentence, weight
from trex_tui.model.store import RunView

MARKS = {"bad": "!", "good": fmt.BEST}
"""In front of what matters; colours could not say it."""
BAD = re.compile(r"^\d\d:\d\d:\d\d ! ")


class EventBytes:
    """`Bytes` of the events of a run. `view` gives the run as it is on show: going back in time takes lines away."""

    def __init__(self, view: Callable[[], RunView | None]) -> None:
        self._view = view
        self._text = bytearray()
        self._seen, self._generation, self._day = 0, 0, ""
        self._lock = threading.Lock()

    def look(self) -> Look:
        view = self._view()
        with self._lock:
            if view is None:
                return Look(0, self._generation, "there is no search yet")
            if view.tree.last_seq < self._seen:
                self._text, self._seen, self._day = bytearray(), 0, ""
                self._generation += 1
            if not self._text and view.log.dropped:
                self._text += f"-- {view.log.dropped:,} older lines are in the journal only --\n".encode()
            for record in _newer(view, self._seen):
                self._write(record)
            return Look(len(self._text), self._generation)

    def read(self, at: int, count: int) -> bytes:
        with self._lock:
            return bytes(self._text[at : at + count])

    def close(self) -> None:
        return

    def _write(self, record: Record) -> None:
        day, clock = fmt.day(record.time)[:10], fmt.clock(record.time, seconds=True)
        if day != self._day:
            self._day = day
            self._text += f"-- {day} --\n".encode()
        mark = MARKS.get(weight(record.event), " ")
        self._text += f"{clock} {mark} {fmt.clean(sentence(record.event))}\n".encode("utf-8", "replace")
        self._seen = record.seq


def _newer(view: RunView, seen: int) -> list[Record]:
    """The events after `seen`, oldest first. The trials' own lines stand in their own logs."""
    found: list[Record] = []
    for line in reversed(view.log.lines[:]):  # a copy: this is a thread, and the list goes on growing
        if isinstance(line, Record):
            if line.seq <= seen:
                break
            found.append(line)
    return found[::-1]
