"""Event bodies in the journal: what another program, a failing disk or a newer version left there."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from random import Random
from typing import get_args

from engine.control import protocol as p
from engine.errors import BadInput
from engine.journal import Journal
from engine.search import events as ev
from engine.search.fold import fold
from tests.fuzz import shapes
from tests.fuzz.frames import words
from tests.fuzz.harness import Broken, Input, State, check_sentence
from tests.fuzz.mutate import drawn
from tests.fuzz.places import LIVE, Template
from tests.fuzz.write import to_json
from trex_tui.model.store import Store

EVENTS: dict[str, type[ev.Event]] = {shapes.tag(kind): kind for kind in get_args(ev.AnyEvent)}


class Journals:
    """One event more in a running search, read by the engine (journal and fold) and by the interface (store)."""

    name = "journal"

    def __init__(self, template: Template, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._path = folder / "journal.db"
        shutil.copy(template.home / "journal.db", self._path)
        self._db = sqlite3.connect(self._path, isolation_level=None)
        self._db.execute("PRAGMA synchronous=OFF")
        self._last: int = self._db.execute("SELECT max(seq) FROM events").fetchone()[0]
        known = {"call": ("n3/plan/0",), "parent": ("n0", "n1"), "source": ("n1",), "insight": (f"{LIVE}:n1",)}
        self._words = {**words(template), **known}
        self._before = self._records()

    def kinds(self) -> tuple[str, ...]:
        return tuple(EVENTS)

    def make(self, kind: str, rng: Random) -> Input:
        value = shapes.valid(EVENTS[kind], rng, self._words)
        return drawn(kind, value, to_json, rng)

    def feed(self, given: Input) -> None:
        self._write(given)
        try:
            shown = self._show(given)
            fold(self._records())
        finally:
            self._take_back()
        if shown is not None:
            raise Broken(f"the interface refuses what the engine takes: {shown}")

    def state(self) -> State:
        return {"events": len(self._records())}

    def renew(self) -> None: ...

    def close(self) -> None:
        self._db.close()

    def _write(self, given: Input) -> None:
        row = (self._last + 1, 0.0, LIVE, given.kind, given.data)
        self._db.execute("INSERT INTO events(seq, time, run, type, body) VALUES (?, ?, ?, ?, ?)", row)

    def _take_back(self) -> None:
        self._db.execute("DELETE FROM events WHERE seq > ?", (self._last,))

    def _records(self) -> list[ev.Record]:
        journal = Journal.open_read_only(self._path)
        try:
            return [record for record in journal.records() if record.run == LIVE]
        finally:
            journal.close()

    def _show(self, given: Input) -> BadInput | None:
        """The interface says in its own words what it cannot fold; what it cannot decode is a refusal."""
        store = Store()
        store.records(self._before)
        stored = p.Stored(self._last + 1, 0.0, LIVE, given.data)
        sent = p.decode_from_engine(p.encode(p.Records(stored=(stored,)))[p.HEADER.size :])
        assert isinstance(sent, p.Records)
        try:
            store.records(sent.records)
        except BadInput as refusal:
            return refusal
        if store.unreadable:
            check_sentence(store.unreadable)
        return None
