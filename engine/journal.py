"""The journal: the one place that writes history. SQLite in WAL mode, every append synced before it returns.

Not a cache and not telemetry. Readers (interfaces, reports) open it read-only; the engine is its only writer.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from engine import backups, intact
from engine.errors import BadInput, MachineFailure
from engine.files import UNREADABLE, disk_errors
from engine.migrations import SCHEMA, migrate
from engine.search.events import AnyEvent, Record
from engine.search.insights import Insight, standing
from engine.workspace import PLACE

NEWEST_SCHEMA = 10_000  # a higher number is no version but damage
ANOTHER = f"choose another place {PLACE}"
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


class Damaged(MachineFailure):
    """The journal's file is not what was written into it, or is gone although there are backups of it."""


class Journal:
    """Events in order. `clock` gives Unix seconds; times never go backwards within a journal."""

    def __init__(self, connection: sqlite3.Connection, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._db, self._path, self.clock = connection, path, clock
        self._file = _identity(path)
        last, at, count = connection.execute("SELECT max(seq), max(time), count(*) FROM events").fetchone()
        self.last_seq: int = last or 0
        self.last_time: float = at or 0.0
        if count != self.last_seq:
            raise _damaged(f"{self.last_seq - count:,} of {self.last_seq:,} events are missing", path)

    @classmethod
    def open(cls, path: Path, clock: Callable[[], float] = time.time) -> Journal:
        """Open for writing, making it where it is missing, and brought to this schema after a backup where it is older.

        Raises BadInput for a newer or foreign file and Damaged for a damaged one; neither is changed.
        """
        with disk_errors(path, PLACE):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _refuse_gone(path)
            path.touch(mode=0o600, exist_ok=True)
        version = examine(path)
        if 0 < version < SCHEMA:
            backups.make(path)
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        with _closed_unless_opened(db, path):
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=FULL")
            if version == 0:
                db.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version={SCHEMA}; COMMIT;")
            else:
                migrate(db, version)
            return cls(db, path, clock)

    @classmethod
    def open_read_only(cls, path: Path) -> Journal:
        """Open for reading. Raises BadInput where there is none."""
        _refuse_gone(path)
        if not path.exists():
            raise BadInput("this workspace holds no runs yet", where=str(path), hint="start one with `trex run TASK`")
        _check_kind(path)
        db = _reader(path)
        with _closed_unless_opened(db, path):
            return cls(db, path)

    def append(self, run: str, event: AnyEvent) -> Record:
        """Write one event; when this returns it is on disk. Raises MachineFailure where the disk refuses."""
        if _identity(self._path) != self._file:  # SQLite would go on writing into a file that nobody finds again
            what = "the journal was removed or replaced while the engine worked"
            hint = "end the engine with `trex engine stop`, put the journal back, start again"
            raise MachineFailure(what, where=str(self._path), hint=hint)
        self.last_time = max(self.last_time, self.clock())
        record = Record(seq=self.last_seq + 1, time=self.last_time, run=run, event=event)
        kind = str(type(event).__struct_config__.tag)
        try:
            self._db.execute(
                "INSERT INTO events(seq, time, run, type, body) VALUES (?, ?, ?, ?, ?)",
                (record.seq, record.time, run, kind, _encode(event)),
            )
        except sqlite3.DatabaseError as error:
            raise _explained(error, self._path) from None
        self.last_seq = record.seq
        return record

    def records(self, since: int = 0, run: str | None = None, limit: int = -1) -> Iterator[Record]:
        """Records with a number above `since`, in order; of one run where it is named."""
        where, values = ("WHERE seq > ?", [since]) if run is None else ("WHERE seq > ? AND run = ?", [since, run])
        query = f"SELECT seq, time, run, body FROM events {where} ORDER BY seq LIMIT ?"
        for seq, at, name, body in self._rows(query, *values, limit):
            yield Record(seq=seq, time=at, run=name, event=self._event(body))

    def stored(self, since: int, limit: int) -> Iterator[tuple[int, float, str, bytes]]:
        """As `records`, but as they lie in the file: number, time, run and the event's JSON, which nobody decodes."""
        yield from self._rows(
            "SELECT seq, time, run, body FROM events WHERE seq > ? ORDER BY seq LIMIT ?", since, limit
        )

    def runs(self) -> list[str]:
        """Names of all runs, oldest first."""
        return [row[0] for row in self._rows("SELECT run FROM events WHERE type = 'run_created' ORDER BY seq")]

    def insights(self, *, deleted: bool = False) -> list[Insight]:
        """All insights of the workspace as they stand, oldest first: the rows that the FAISS index is rebuilt from.

        Those that people have deleted only where `deleted` asks for them too.
        """
        rows = self._rows("SELECT body FROM events WHERE type IN ('learned', 'insight_changed') ORDER BY seq")
        there = standing(self._event(body) for (body,) in rows)
        return [insight for insight in there if deleted or not insight.deleted]

    def close(self) -> None:
        self._db.close()

    def _rows(self, query: str, *values: object) -> Iterator[tuple[Any, ...]]:
        try:
            yield from self._db.execute(query, values)
        except sqlite3.DatabaseError as error:
            raise _explained(error, self._path) from None

    def _event(self, body: bytes) -> AnyEvent:
        try:
            event: AnyEvent = _decode(body)
            return event
        except (*UNREADABLE, TypeError) as error:
            raise _damaged(f"an event cannot be read: {error}", self._path) from None


def examine(path: Path) -> int:
    """The schema of an intact journal, 0 where it is still empty. Changes neither the file nor its WAL.

    Raises BadInput for a newer or foreign file, Damaged where pages, rows or indexes are not what was written.
    """
    _check_kind(path)
    try:
        with closing(intact.connect(path)) as db:
            version = _check_schema(db, path)
            if not intact.is_writable_format(path):
                raise _damaged("its header names a format that cannot be written", path)
            if found := intact.flaw(db):
                raise _damaged(found, path)
            # A version 0 with tables: its maker died between the tables and the number.
            return max(version, 1) if _tables(db) else 0
    except sqlite3.DatabaseError as error:
        raise _explained(error, path) from None


def _reader(path: Path) -> sqlite3.Connection:
    """A connection that writes nothing. One to an empty database where an engine is just making the journal."""
    try:
        db = intact.connect(path)
    except sqlite3.DatabaseError as error:
        raise _explained(error, path) from None
    with _closed_unless_opened(db, path):
        if _check_schema(db, path) or _tables(db):
            return db
    db.close()
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.executescript(_TABLES)
    return db


@contextmanager
def _closed_unless_opened(db: sqlite3.Connection, path: Path) -> Iterator[None]:
    """A connection with which something is wrong is closed; what SQLite says of it becomes a sentence."""
    try:
        yield
    except BaseException as error:
        db.close()
        if isinstance(error, sqlite3.DatabaseError):
            raise _explained(error, path) from None
        raise


def _refuse_gone(path: Path) -> None:
    """A journal that is missing while there are backups of it was lost: none is begun in its place."""
    if not path.exists() and backups.latest(path):
        raise _damaged("it is gone", path)


def _check_kind(path: Path) -> None:
    if not path.is_file():
        raise BadInput("the journal is no ordinary file", where=str(path), hint=f"move it away, or {ANOTHER}")


def _check_schema(db: sqlite3.Connection, path: Path) -> int:
    """The version in the file. Raises BadInput for a newer one and for another program's database."""
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    if not 0 <= version <= NEWEST_SCHEMA:
        raise _damaged(f"no schema has the number {version}", path)
    if version > SCHEMA:
        raise BadInput(
            f"the journal was written by a newer TREX (schema {version}, this one reads {SCHEMA})",
            where=str(path),
            hint="update TREX; nothing was changed",
        )
    tables = _tables(db)
    if version == 0 and tables and "events" not in tables:
        raise BadInput("this is another program's database", where=str(path), hint=f"move it away, or {ANOTHER}")
    if version == 0 and not tables and backups.latest(path):  # SQLite takes a file cut short enough for a new one
        raise _damaged("it is empty", path)
    return version


def _tables(db: sqlite3.Connection) -> set[str]:
    return {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def _identity(path: Path) -> tuple[int, int]:
    """Which file the path leads to; another one after it was replaced."""
    try:
        info = path.stat()
    except OSError:
        return 0, 0
    return info.st_dev, info.st_ino


def _explained(error: sqlite3.DatabaseError, path: Path) -> MachineFailure:
    """Only what SQLite calls damage is called so: on a full disk nobody should move a good journal away."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        what, hint = "cannot be read or written", "free some space on its disk and start again"
    elif code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        what, hint = "cannot be opened", ANOTHER
    elif code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        what, hint = "is held by another program", "end that program and start again"
    else:
        return _damaged(str(error), path)
    return MachineFailure(f"the journal {what} ({error})", where=str(path), hint=hint)


def _damaged(why: str, path: Path) -> Damaged:
    """The sentence names the way back: the last backup, where there is one."""
    last = backups.latest(path)
    way_back = f"the last backup holds {last.said}; `trex doctor --mend` puts it back" if last else ""
    hint = way_back or "there is no backup; move it away: the runs' folders keep their results"
    return Damaged(f"the journal is damaged ({why})", where=str(path), hint=hint)
