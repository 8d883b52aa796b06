"""Whether a journal's file is intact: every page, every row against its indexes, every event. Reads only.

SQLite keeps no checksums in its main file: a letter changed inside a text is seen by nobody. Not the journal itself.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import msgspec

from engine.errors import MachineFailure
from engine.files import UNREADABLE
from engine.migrations import SCHEMA
from engine.search.events import AnyEvent

_event = msgspec.json.Decoder(AnyEvent).decode
_json = msgspec.json.Decoder().decode


@dataclass(frozen=True)
class Content:
    """What a journal's file holds: events 1 to `last_seq`. `time`: of the last one, Unix seconds."""

    last_seq: int
    time: float
    schema: int


def connect(path: Path) -> sqlite3.Connection:
    """A connection that cannot write, nor tidy up: the file and its WAL stay as they are."""
    address = f"{path.resolve().as_uri()}?mode=ro"
    db = sqlite3.connect(address, uri=True, isolation_level=None)
    try:
        db.execute("PRAGMA user_version")
    except sqlite3.OperationalError:
        # WAL needs an index file beside the journal: a full or read-only disk takes none. Without anything in a `-wal`
        # file no engine is writing, and the journal alone is the whole history.
        db.close()
        wal = Path(f"{path}-wal")
        if wal.exists() and wal.stat().st_size:
            raise
        return sqlite3.connect(f"{address}&immutable=1", uri=True, isolation_level=None)
    except sqlite3.DatabaseError:
        db.close()
        raise
    return db


def flaw(db: sqlite3.Connection) -> str:
    """What SQLite itself finds wrong: pages, rows, and indexes that do not agree with them. Empty where nothing is."""
    found: str = db.execute("PRAGMA integrity_check(1)").fetchone()[0]
    return "" if found == "ok" else found.strip().splitlines()[-1]


def is_writable_format(path: Path) -> bool:
    """Whether the two format numbers in the header are such that SQLite would write; it reads stranger ones too."""
    with path.open("rb") as file:
        return file.read(20)[18:] in (b"", b"\1\1", b"\2\2")


def verify(copy: Path, like: Path | None = None) -> Content:
    """Read all of a journal's file. `like`: the journal whose first events it must hold.

    Raises MachineFailure where anything is wrong.
    """
    try:
        with closing(connect(copy)) as db:
            content = _read(db, copy)
            last = _row(db, content.last_seq)
        if like is not None:
            with closing(connect(like)) as db:
                if _row(db, content.last_seq) != last:
                    raise _unfit(copy, "its last event is not the journal's")
    except (sqlite3.DatabaseError, *UNREADABLE, TypeError) as error:
        raise _unfit(copy, str(error)) from None
    return content


def _read(db: sqlite3.Connection, copy: Path) -> Content:
    if found := flaw(db):
        raise _unfit(copy, found)
    schema: int = db.execute("PRAGMA user_version").fetchone()[0]
    count, last, time = db.execute("SELECT count(*), max(seq), max(time) FROM events").fetchone()
    if count != (last or 0):
        raise _unfit(copy, f"{(last or 0) - count:,} of {last:,} events are missing")
    read = _event if schema == SCHEMA else _json  # an older body is what a later step makes of it
    for (body,) in db.execute("SELECT body FROM events"):
        read(body)
    return Content(last or 0, time or 0.0, schema)


def _row(db: sqlite3.Connection, seq: int) -> object:
    return db.execute("SELECT * FROM events WHERE seq = ?", (seq,)).fetchone()


def _unfit(copy: Path, why: str) -> MachineFailure:
    return MachineFailure(f"this copy of the journal is not whole ({why})", where=str(copy))
