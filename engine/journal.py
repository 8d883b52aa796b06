"""The journal: the one place that writes history. SQLite in WAL mode, every append synced before it returns.

Not a cache and not telemetry. Readers (interfaces, reports) open it read-only; the engine is its only writer.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from engine.errors import BadInput, MachineFailure
from engine.files import disk_errors
from engine.search.events import AnyEvent, Asked, Learned, Record

SCHEMA = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS events(
    seq  INTEGER PRIMARY KEY,
    time REAL NOT NULL,
    run  TEXT NOT NULL,
    type TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS events_of_run ON events(run, seq);
CREATE INDEX IF NOT EXISTS events_of_type ON events(type, seq);
"""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(AnyEvent).decode


class Journal:
    """Events in order. `clock` gives Unix seconds; times never go backwards within a journal."""

    def __init__(self, connection: sqlite3.Connection, clock: Callable[[], float] = time.time) -> None:
        self._db, self._clock = connection, clock
        row = connection.execute("SELECT max(seq), max(time) FROM events").fetchone()
        self.last_seq: int = row[0] or 0
        self._last_time: float = row[1] or 0.0

    @classmethod
    def open(cls, path: Path, clock: Callable[[], float] = time.time) -> Journal:
        """Open for writing, making it where it is missing. Raises BadInput for a newer or foreign file."""
        try:
            with disk_errors(path):
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                path.touch(mode=0o600, exist_ok=True)
            db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=FULL")
            _check_schema(db, path)
            db.executescript(_TABLES)
            db.execute(f"PRAGMA user_version={SCHEMA}")
            return cls(db, clock)
        except sqlite3.DatabaseError as error:
            raise _explained(error, path) from None

    @classmethod
    def open_read_only(cls, path: Path) -> Journal:
        """Open for reading. Raises BadInput where there is none."""
        if not path.exists():
            raise BadInput("this workspace holds no runs yet", where=str(path), hint="start one with `trex run TASK`")
        try:
            db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
            _check_schema(db, path)
            return cls(db)
        except sqlite3.DatabaseError as error:
            raise _explained(error, path) from None

    def append(self, run: str, event: AnyEvent) -> Record:
        """Write one event; when this returns it is on disk. Raises MachineFailure where the disk refuses."""
        self._last_time = max(self._last_time, self._clock())
        record = Record(seq=self.last_seq + 1, time=self._last_time, run=run, event=event)
        kind = str(type(event).__struct_config__.tag)
        try:
            self._db.execute(
                "INSERT INTO events(seq, time, run, type, body) VALUES (?, ?, ?, ?, ?)",
                (record.seq, record.time, run, kind, _encode(event)),
            )
        except sqlite3.OperationalError as error:
            raise MachineFailure(
                f"the journal cannot be written ({error})", hint="free some space on its disk and start again"
            ) from None
        self.last_seq = record.seq
        return record

    def records(self, since: int = 0, run: str | None = None, limit: int = -1) -> Iterator[Record]:
        """Records with a number above `since`, in order; of one run where it is named."""
        where, values = ("WHERE seq > ?", [since]) if run is None else ("WHERE seq > ? AND run = ?", [since, run])
        rows = self._db.execute(
            f"SELECT seq, time, run, body FROM events {where} ORDER BY seq LIMIT ?", (*values, limit)
        )
        for seq, at, name, body in rows:
            yield Record(seq=seq, time=at, run=name, event=_decode(body))

    def runs(self) -> list[str]:
        """Names of all runs, oldest first."""
        rows = self._db.execute("SELECT run FROM events WHERE type = 'run_created' ORDER BY seq")
        return [row[0] for row in rows]

    def insights(self) -> list[Learned]:
        """All insights of the workspace, oldest first: the rows that the FAISS index is rebuilt from."""
        rows = self._db.execute("SELECT body FROM events WHERE type = 'learned' ORDER BY seq")
        return [event for (body,) in rows if isinstance(event := _decode(body), Learned)]

    def recall(self, run: str, call: str) -> Asked | None:
        """The recorded answer of a Researcher's call, if it was asked before."""
        rows = self._db.execute("SELECT body FROM events WHERE run = ? AND type = 'asked' ORDER BY seq", (run,))
        for (body,) in rows:
            event = _decode(body)
            if isinstance(event, Asked) and event.call == call:
                return event
        return None

    def close(self) -> None:
        self._db.close()


def _check_schema(db: sqlite3.Connection, path: Path) -> None:
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version > SCHEMA:
        raise BadInput(
            f"the journal was written by a newer TREX (schema {version}, this one reads {SCHEMA})",
            where=str(path),
            hint="update TREX; nothing was changed",
        )


def _explained(error: sqlite3.DatabaseError, path: Path) -> MachineFailure:
    if "readonly" in str(error) or "unable to open" in str(error):
        return MachineFailure(
            f"the journal cannot be opened ({error})", where=str(path), hint="choose another place with --workspace"
        )
    return MachineFailure(
        f"the journal is damaged ({error})", where=str(path), hint="move it away; the runs' folders keep their results"
    )
