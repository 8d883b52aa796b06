"""Backups: whole, verified, private, few; made while the journal is written, and no failure of one ends anything."""

from __future__ import annotations

import asyncio
import resource
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import backups, intact
from engine.backups import Backup
from engine.errors import MachineFailure
from engine.journal import Journal
from engine.migrations import SCHEMA
from engine.search import events as ev
from tests import story

DAY = 86400.0
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()


def filled(path: Path, rounds: int = 3, clock: float = NOON) -> list[ev.Record]:
    nodes = (story.node(f"n{n}", f"n{n - 1}", 0.6) for n in range(1, rounds + 1))
    with closing(Journal.open(path, clock=lambda: clock)) as journal:
        return [journal.append("demo-1", r.event) for r in story.records(story.created(), story.base(), *nodes)]


def make(path: Path) -> Backup:
    made = backups.make(path)
    assert made is not None
    return made


def test_a_backup_holds_every_event_and_bears_its_moment_and_number(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    written = filled(path)
    made = make(path)
    assert made.path.name == f"journal-20260301T120000Z-{len(written)}-v{SCHEMA}.db"
    assert (made.time, made.last_seq) == (NOON, len(written))
    with closing(Journal.open_read_only(made.path)) as copy:
        assert list(copy.records()) == written
    assert backups.latest(path) == made
    assert made.said.startswith(f"{len(written)} events up to 2026-0")


def test_a_backup_is_the_owners_alone_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    filled(path)
    made = make(path)
    folder = backups.folder_of(path)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert made.path.stat().st_mode & 0o777 == 0o600
    assert list(folder.iterdir()) == [made.path]


def test_what_is_only_in_the_wal_is_kept_too_and_the_writer_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with closing(Journal.open(path)) as journal:
        stop, appended = threading.Event(), 0

        def back_up() -> None:
            while not stop.is_set():
                made.append(make(path))

        made: list[Backup] = []
        journal.append("demo-1", story.created())
        other = threading.Thread(target=back_up)
        other.start()
        while len(made) < 3:
            journal.append("demo-1", ev.FlagSet(node="n0", flag="paused", on=appended % 2 == 0, by="me"))
            appended += 1
        stop.set()
        other.join()
        events = list(journal.records())
    with closing(Journal.open_read_only(backups.all_of(path)[0].path)) as copy:
        kept = list(copy.records())
    assert len(kept) > 1
    assert kept == events[: len(kept)]


def test_a_journal_without_events_needs_no_backup(tmp_path: Path) -> None:
    Journal.open(tmp_path / "journal.db").close()
    assert backups.make(tmp_path / "journal.db") is None
    assert list(backups.folder_of(tmp_path / "journal.db").iterdir()) == []


# --- when and which --------------------------------------------------------------------------------------------


def kept_at(time: float, seq: int, schema: int = 2) -> Backup:
    return Backup(time, seq, schema, Path(f"{seq}-{schema}"))


@pytest.mark.parametrize(
    ("last", "now", "seq", "ended", "expected"),
    [
        (None, 0.0, 0, True, False),
        (None, 0.0, 1, False, True),
        (kept_at(0, 5), 1e9, 5, True, False),
        (kept_at(0, 5), 599.0, 6, False, False),
        (kept_at(0, 5), 600.0, 6, False, True),
        (kept_at(0, 5), 1.0, 6, True, True),
        (kept_at(1e9, 5), 0.0, 6, False, False),
        (kept_at(1e9, 5), 0.0, 5 + backups.EVERY_EVENTS, False, True),
    ],
    ids=["nothing", "first", "no news", "soon", "ten minutes", "run ended", "clock back", "clock back, much written"],
)
def test_when_a_backup_is_due(last: Backup | None, now: float, seq: int, ended: bool, expected: bool) -> None:
    assert backups.due(last, now, seq, ended=ended) is expected


def test_the_newest_few_and_one_of_each_of_the_last_days_are_kept() -> None:
    every = [kept_at(NOON + day * DAY + hour * 3600, day * 24 + hour) for day in range(12) for hour in range(10)]
    gone = {backup.last_seq for backup in backups.surplus(every)}
    assert [b.last_seq for b in every if b.last_seq not in gone] == [
        *(day * 24 + 9 for day in range(5, 11)),
        *(11 * 24 + hour for hour in (7, 8, 9)),
    ]


def test_the_last_backup_of_an_older_schema_outlives_them_all() -> None:
    old = [kept_at(NOON, 5, schema=1), kept_at(NOON + 60, 9, schema=1)]
    new = [kept_at(NOON + day * DAY, 100 + day) for day in range(1, 30)]
    gone = backups.surplus([*old, *new])
    assert old[0] in gone
    assert old[1] not in gone


@given(st.lists(st.tuples(st.integers(0, 40 * 86400), st.integers(1, 3)), max_size=60, unique_by=lambda b: b[0]))
def test_surplus_never_takes_the_newest_and_is_done_at_once(given_: list[tuple[int, int]]) -> None:
    every = [kept_at(float(time), time, schema) for time, schema in given_]
    gone = backups.surplus(every)
    left = [backup for backup in every if backup not in gone]
    assert sorted(every, reverse=True)[: backups.NEWEST] == sorted(left, reverse=True)[: backups.NEWEST]
    assert len(left) <= backups.NEWEST + backups.DAYS + 3
    assert backups.surplus(left) == []


def test_old_backups_go_when_a_new_one_is_there(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    for day in range(12):
        filled(path, rounds=1, clock=NOON + day * DAY)
        make(path)
    assert len(backups.all_of(path)) == len(list(backups.folder_of(path).iterdir())) == backups.DAYS


def test_other_files_in_the_folder_are_not_taken_for_backups(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    filled(path)
    made = make(path)
    for name in ("journal-20269999T120000Z-9-v2.db", "notes.txt", "journal-20260301T120000Z-9-v2.db.old"):
        (backups.folder_of(path) / name).touch()
    assert backups.all_of(path) == [made]


# --- copies that are not whole ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("DELETE FROM events WHERE seq = 4", "1 of 21 events are missing"),
        ("UPDATE events SET body = x'7b7d' WHERE seq = 4", "type"),
        ("UPDATE events SET time = time + 1 WHERE seq = 21", "its last event is not the journal's"),
        ("DROP TABLE events", "no such table"),
    ],
)
def test_a_copy_that_is_not_whole_is_refused(tmp_path: Path, change: str, said: str) -> None:
    path, copy = tmp_path / "journal.db", tmp_path / "copy.db"
    filled(path)
    shutil.copy(path, copy)
    assert intact.verify(copy, like=path).last_seq == 21
    with closing(sqlite3.connect(copy, isolation_level=None)) as db:
        db.execute(change)
    with pytest.raises(MachineFailure, match=said):
        intact.verify(copy, like=path)


def test_a_damaged_journal_takes_no_place_among_the_backups(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    filled(path)
    made = make(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("DELETE FROM events WHERE seq = 4")
    with pytest.raises(MachineFailure, match="not whole"):
        backups.make(path)
    assert list(backups.folder_of(path).iterdir()) == [made.path]


# --- a disk that is full or strange ----------------------------------------------------------------------------


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """Writes past `size` bytes fail, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_fills_up_meanwhile_is_a_sentence_and_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    filled(path, rounds=40)
    made = make(path)
    with files_no_larger_than(20_000), pytest.raises(MachineFailure, match="no backup of the journal could be made"):
        backups.make(path)
    assert list(backups.folder_of(path).iterdir()) == [made.path]
    assert intact.verify(made.path).last_seq == made.last_seq


def test_the_last_of_the_disk_is_left_to_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal.db"
    filled(path)
    monkeypatch.setattr(backups, "SPARE", 2**60)
    with pytest.raises(MachineFailure, match="nearly full"):
        backups.make(path)


@pytest.mark.parametrize("strange", ["file", "gone"])
def test_whatever_is_in_the_way_is_a_machine_failure(tmp_path: Path, strange: str) -> None:
    path = tmp_path / "journal.db"
    if strange == "file":
        filled(path)
        backups.folder_of(path).touch()
    with pytest.raises(MachineFailure, match="no backup"):
        backups.make(path)


# --- the keeper ------------------------------------------------------------------------------------------------


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen in time")


async def test_the_keeper_backs_up_when_a_run_ends_and_outlives_failures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, said, ended = tmp_path / "journal.db", list[str](), asyncio.Event()
    journal = Journal.open(path, clock=lambda: NOON)
    journal.append("demo-1", story.created())
    monkeypatch.setattr(backups, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(backups, "SPARE", 2**60)
    keeper = asyncio.create_task(backups.keep(path, lambda: journal.last_seq, lambda: NOON, ended, said.append))
    try:
        await until(lambda: bool(said))
        await asyncio.sleep(0.2)  # several more failures
        assert len(said) == 1
        assert "nearly full" in said[0]
        monkeypatch.setattr(backups, "SPARE", 0)
        await until(lambda: len(backups.all_of(path)) == 1)
        journal.append("demo-1", ev.RunEnded(state="done", reason=""))
        await asyncio.sleep(0.2)
        assert len(backups.all_of(path)) == 1, "not due yet"
        ended.set()
        await until(lambda: len(backups.all_of(path)) == 2)
    finally:
        keeper.cancel()
        journal.close()
    assert backups.all_of(path)[0].last_seq == 2
