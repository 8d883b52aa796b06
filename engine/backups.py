"""Backups of the journal: whole copies in `<home>/backups/`, each verified before it bears its name.

    journal-20260301T120000Z-1234-v2.db      up to which moment, the last event's number, the schema

Not the putting back of one (`engine.doctor.restore`), and not what keeps a single event safe: that is the WAL.
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from engine import intact
from engine.errors import MachineFailure
from engine.files import sync

EVERY_SECONDS = 600.0
EVERY_EVENTS = 1000  # bounds what is lost in a busy hour, and while a clock that was set back catches up
NEWEST, DAYS = 3, 7  # kept: the newest few, and the last one of each of so many days
LOOK_SECONDS = 15.0
SPARE = 256 * 2**20  # bytes that a backup leaves free: the journal itself must go on
STAMP = "%Y%m%dT%H%M%SZ"

_NAME = re.compile(r"journal-(\d{8}T\d{6}Z)-(\d+)-v(\d+)\.db")
_DAY = 86400


@dataclass(frozen=True, order=True)
class Backup:
    """A backup by its name: events 1 to `last_seq`, the last of which is from `time` (Unix seconds)."""

    time: float
    last_seq: int
    schema: int
    path: Path

    @property
    def said(self) -> str:
        """`1,234 events up to 2026-03-01 12:00`, by the clock on the wall."""
        return f"{self.last_seq:,} events up to {datetime.fromtimestamp(self.time):%Y-%m-%d %H:%M}"


def folder_of(journal: Path) -> Path:
    return journal.parent / "backups"


def all_of(journal: Path) -> list[Backup]:
    """The journal's backups, newest first; none where there is no folder, or none that can be looked into."""
    try:
        paths = list(folder_of(journal).iterdir())
    except OSError:
        return []
    return sorted(filter(None, map(_by_name, paths)), reverse=True)


def latest(journal: Path) -> Backup | None:
    return next(iter(all_of(journal)), None)


def due(last: Backup | None, now: float, last_seq: int, *, ended: bool = False) -> bool:
    """Whether a backup is to be made. `last_seq`: the journal's last event; `ended`: a run has just ended."""
    news = last_seq - (last.last_seq if last else 0)
    if news <= 0:
        return False
    return ended or last is None or news >= EVERY_EVENTS or now - last.time >= EVERY_SECONDS


def surplus(backups: Iterable[Backup]) -> list[Backup]:
    """Which backups may go: not among the newest, nor the last one of one of the last days or of a schema."""
    newest_first = sorted(backups, reverse=True)
    kept = set(newest_first[:NEWEST])
    today = newest_first[0].time // _DAY if newest_first else 0
    days: set[float] = set()
    schemas: set[int] = set()
    for backup in newest_first:
        day = backup.time // _DAY
        if (day not in days and today - day < DAYS) or backup.schema not in schemas:
            kept.add(backup)
        days.add(day)
        schemas.add(backup.schema)
    return [backup for backup in newest_first if backup not in kept]


def make(journal: Path) -> Backup | None:
    """Copy the journal as it is now, verify the copy, then remove what is surplus. None where there is no event yet.

    Blocks, but no writer: to be called in a thread. Raises MachineFailure; then nothing half-written is left, and what
    was there before still is.
    """
    folder = folder_of(journal)
    with _explained(folder):
        folder.mkdir(mode=0o700, exist_ok=True)
        _leave_room(journal, folder)
        handle, name = tempfile.mkstemp(dir=folder, prefix=f".{journal.name}.")  # 0600; VACUUM fills an empty file
        os.close(handle)
        part = Path(name)
        try:
            with closing(intact.connect(journal)) as db:
                db.execute("VACUUM INTO ?", (name,))
            made = _bearing_name(part, intact.verify(part, like=journal))
        finally:
            part.unlink(missing_ok=True)
    for old in surplus(all_of(journal)):
        with suppress(OSError):
            old.path.unlink()
    return made


async def keep(
    journal: Path,
    last_seq: Callable[[], int],
    clock: Callable[[], float],
    ended: asyncio.Event,
    say: Callable[[str], None],
) -> None:
    """Make a backup whenever one is due, until cancelled. `ended` is set by whoever sees a run end.

    A failure ends nothing: it is said, not twice in the same words, and tried again.
    """
    said, over = "", False
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await ended.wait()
        over = over or ended.is_set()
        ended.clear()
        if not due(latest(journal), clock(), last_seq(), ended=over):
            over = False
            continue
        try:
            await asyncio.to_thread(make, journal)
            said, over = "", False
        except MachineFailure as error:
            if str(error) != said:
                said = str(error)
                say(said)


def _by_name(path: Path) -> Backup | None:
    match = _NAME.fullmatch(path.name)
    if match is None:
        return None
    try:
        time = datetime.strptime(match[1], STAMP).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
    return Backup(time, int(match[2]), int(match[3]), path)


def _bearing_name(part: Path, content: intact.Content) -> Backup | None:
    """Give a verified copy its name; on the disk when this returns."""
    if content.last_seq == 0:
        return None
    stamp = datetime.fromtimestamp(content.time, UTC).strftime(STAMP)
    path = part.with_name(f"journal-{stamp}-{content.last_seq}-v{content.schema}.db")
    sync(part)
    part.replace(path)
    sync(path.parent)
    return _by_name(path)


def _leave_room(journal: Path, folder: Path) -> None:
    size = sum(path.stat().st_size for path in journal.parent.glob(f"{journal.name}*"))
    if shutil.disk_usage(folder).free < size + SPARE:
        raise OSError(errno.ENOSPC, "the disk is nearly full")


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """What the disk or SQLite refuses, as one sentence: MachineFailure."""
    try:
        yield
    except (OSError, sqlite3.DatabaseError) as error:
        why = (error.strerror if isinstance(error, OSError) else "") or str(error)
        raise MachineFailure(
            f"no backup of the journal could be made ({why})",
            where=str(folder),
            hint="the journal itself is as it was; `trex doctor` says what is wrong",
        ) from None
