"""The journal: what was appended is there, in order, whatever happened to the writer, the disk or the version."""

from __future__ import annotations

import random
import resource
import shutil
import sqlite3
import struct
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from engine import backups, migrations
from engine.errors import BadInput, MachineFailure
from engine.journal import Damaged, Journal, examine
from engine.search import events as ev
from engine.search.fold import fold
from tests import story

FRAME, HEADER = 24, 32  # bytes before a page in the WAL, and before its first frame


def history(rounds: int = 1) -> list[ev.AnyEvent]:
    nodes = (story.node(f"n{n}", f"n{n - 1}", 0.6 + n / 100) for n in range(1, rounds + 1))
    return [r.event for r in story.records(story.created(), story.base(), *nodes)]


def filled(path: Path, rounds: int = 1) -> list[ev.Record]:
    journal = Journal.open(path)
    written = [journal.append("demo-1", event) for event in history(rounds)]
    journal.close()
    return written


def read(path: Path, opening: Callable[[Path], Journal] = Journal.open) -> list[ev.Record]:
    with closing(opening(path)) as journal:
        return list(journal.records())


def test_records_come_back_as_they_were_written(tmp_path: Path) -> None:
    written = filled(tmp_path / "journal.db")
    journal = Journal.open_read_only(tmp_path / "journal.db")
    assert list(journal.records()) == written
    assert list(journal.records(since=3)) == written[3:]
    assert list(journal.records(run="other")) == []
    assert journal.runs() == ["demo-1"]


def test_a_new_writer_goes_on_with_the_numbers(tmp_path: Path) -> None:
    written = filled(tmp_path / "journal.db")
    journal = Journal.open(tmp_path / "journal.db")
    assert journal.append("demo-1", ev.RunPaused(by="me")).seq == written[-1].seq + 1


def test_time_never_goes_backwards(tmp_path: Path) -> None:
    times = iter([100.0, 50.0, 120.0])
    journal = Journal.open(tmp_path / "journal.db", clock=lambda: next(times))
    assert [journal.append("r", ev.RunResumed(by="me")).time for _ in range(3)] == [100.0, 100.0, 120.0]


def test_a_file_that_is_no_journal_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "journal.db").write_bytes(b"not a database at all, but long enough to be looked at" * 20)
    with pytest.raises(Damaged, match="there is no backup"):
        Journal.open(tmp_path / "journal.db")


def test_reading_an_absent_journal_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="trex run"):
        Journal.open_read_only(tmp_path / "journal.db")


def test_the_file_is_private(tmp_path: Path) -> None:
    filled(tmp_path / "journal.db")
    assert (tmp_path / "journal.db").stat().st_mode & 0o077 == 0


def test_calls_are_recalled_by_their_name(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "journal.db")
    asked = ev.Asked(
        call="n1/plan/0", node="n1", purpose="plan", attempt=0, model="m", prompt="p", answer="{}", seconds=1.0
    )
    journal.append("a", asked)
    assert fold(journal.records(run="a")).tape.get("n1/plan/0") == asked
    assert fold(journal.records(run="b")).tape.get("n1/plan/0") is None
    assert fold(journal.records(run="a")).tape.get("n1/plan/1") is None


# --- versions --------------------------------------------------------------------------------------------------


def version_1(path: Path) -> list[ev.AnyEvent]:
    """A journal as the first version of this program wrote it."""
    created = {
        "type": "run_created", "task": "demo", "title": "Demo", "task_path": "/nowhere", "task_fingerprint": "f",
        "metric": "accuracy", "maximize": True, "base_model": "base", "researcher": "none", "policy": "uct",
        "normaliser": "rank", "seed": 0, "wall_seconds": 3600.0, "rounds": 10, "trials_per_round": 2,
        "confirm_candidates": 2, "exploration": 1.4, "memory": "task", "by": "", "versions": {}, "hardware": "",
        "splits": "", "manifest": "", "model_sha256": "",
    }  # fmt: skip
    launched = {"type": "launched", "trial": "n0t0", "node": "n0", "split": "validation", "attempt": 1}
    flag = {"type": "flag_set", "node": "n0", "flag": "paused", "on": True, "by": "me"}
    bodies = [created, launched, flag, {**flag, "on": False}]
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.executescript("""
            CREATE TABLE events(seq INTEGER PRIMARY KEY, time REAL NOT NULL, run TEXT NOT NULL, type TEXT NOT NULL,
                                body BLOB NOT NULL);
            CREATE INDEX events_of_run ON events(run, seq);
            CREATE INDEX events_of_type ON events(type, seq);
            PRAGMA user_version=1;
        """)
        for seq, body in enumerate(bodies, 1):
            values = (seq, 1000.0 + seq, "demo-1", body["type"], msgspec.json.encode(body))
            db.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?)", values)
    return [msgspec.convert(body, ev.AnyEvent) for body in bodies]


def schema_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])


def test_a_journal_of_version_1_is_read_as_it_is_and_written_on_after_a_backup(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    written = version_1(path)
    before = path.read_bytes()
    assert [r.event for r in read(path, Journal.open_read_only)] == written
    assert path.read_bytes() == before
    assert not backups.folder_of(path).exists()

    with closing(Journal.open(path)) as journal:
        journal.append("demo-1", ev.Retried(node="n0", by="me"))  # an event that version 1 did not know
    assert [r.event for r in read(path)][:-1] == written
    assert fold(read(path)).setup.limits.rounds == 10
    assert schema_of(path) == migrations.SCHEMA == 3
    (kept,) = backups.all_of(path)
    assert (schema_of(kept.path), kept.last_seq) == (1, 4)


def test_without_room_for_a_backup_an_older_journal_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version_1(tmp_path / "journal.db")
    monkeypatch.setattr(backups, "SPARE", 2**60)
    with pytest.raises(MachineFailure, match="no backup of the journal could be made"):
        Journal.open(tmp_path / "journal.db")
    assert schema_of(tmp_path / "journal.db") == 1


def test_a_step_may_change_tables_and_bodies_and_one_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    version_1(path)

    def rename(db: sqlite3.Connection) -> None:
        db.execute("ALTER TABLE events ADD COLUMN who TEXT NOT NULL DEFAULT ''")
        db.execute("UPDATE events SET body = json_set(body, '$.by', 'you') WHERE type = 'flag_set'")

    def fail(db: sqlite3.Connection) -> None:
        db.execute("DELETE FROM events")
        raise RuntimeError("in the middle")

    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        with pytest.raises(RuntimeError):
            migrations.migrate(db, 1, (*migrations.STEPS, rename, fail))
        assert db.execute("PRAGMA user_version").fetchone() == (migrations.SCHEMA + 1,)
        rows = db.execute("SELECT json_extract(body, '$.by'), who FROM events WHERE type = 'flag_set'").fetchall()
    assert rows == [("you", "")] * 2


def test_a_newer_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    filled(path)
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("PRAGMA user_version=99")  # stays in the WAL while the writer lives
    before = {name: Path(name).read_bytes() for name in (f"{path}", f"{path}-wal")}
    assert before[f"{path}-wal"]
    for opening in (Journal.open, Journal.open_read_only):
        with pytest.raises(BadInput, match="newer TREX"):
            opening(path)
    writer.execute("SELECT 1")
    assert {name: Path(name).read_bytes() for name in before} == before


# --- a lost power supply: the WAL cut anywhere -----------------------------------------------------------------


class Cut:
    """A journal whose writer lived on: a main file, a WAL with every event, and what each length of it should hold."""

    def __init__(self, folder: Path) -> None:
        self.source, self.copy = folder / "source.db", folder / "copy" / "journal.db"
        self.copy.parent.mkdir()
        filled(self.source)  # so that the WAL begins over a main file that holds a few events
        writer = Journal.open(self.source)
        self.written = [*read(self.source, Journal.open_read_only)]
        begun = len(self.written)
        self.written += [writer.append("demo-1", event) for event in history(3)]
        self.wal = Path(f"{self.source}-wal").read_bytes()
        self.main = self.source.read_bytes()
        self.ends = [begun, *self._commits()]  # ends[n]: bytes of the WAL that event number begun + n needs
        self.begun = begun
        writer.close()

    def _commits(self) -> Iterator[int]:
        """Where in the WAL each transaction ends: a frame that tells the size of the database."""
        size = FRAME + struct.unpack(">I", self.wal[8:12])[0]
        for start in range(HEADER, len(self.wal), size):
            if struct.unpack(">I", self.wal[start + 4 : start + 8])[0]:
                yield start + size

    def borders(self) -> list[int]:
        size = FRAME + struct.unpack(">I", self.wal[8:12])[0]
        starts = range(HEADER, len(self.wal) + 1, size)
        return [at + by for at in starts for by in (-1, 0, 1, FRAME - 1, FRAME, FRAME + 1) if at + by <= len(self.wal)]

    def check(self, length: int, opening: Callable[[Path], Journal] = Journal.open) -> None:
        """The journal opens and holds exactly the events whose transactions are whole in `length` bytes of WAL."""
        for end in ("-wal", "-shm"):
            Path(f"{self.copy}{end}").unlink(missing_ok=True)
        self.copy.write_bytes(self.main)
        Path(f"{self.copy}-wal").write_bytes(self.wal[:length])
        there = self.begun + sum(end <= length for end in self.ends[1:])
        assert read(self.copy, opening) == self.written[:there], length


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> Cut:
    return Cut(tmp_path_factory.mktemp("cut"))


def test_the_sample_is_what_it_should_be(cut: Cut) -> None:
    assert len(cut.ends) - 1 == len(cut.written) - cut.begun > 20
    assert cut.ends[-1] == len(cut.wal)


def test_a_wal_cut_at_any_frame_holds_the_events_before(cut: Cut) -> None:
    for length in {0, 1, HEADER - 1, HEADER, *cut.borders()}:
        cut.check(length, Journal.open_read_only)
    for length in cut.ends[1:]:
        cut.check(length)  # opened for writing, which costs the disk more
        cut.check(length - 1)


def test_a_wal_cut_between_frames_holds_the_events_before(cut: Cut) -> None:
    for length in (*range(0, len(cut.wal), 197), *range(len(cut.wal) - 500, len(cut.wal) + 1)):
        cut.check(length, Journal.open_read_only)
    for length in range(0, len(cut.wal), 9973):
        cut.check(length)


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_a_wal_cut_at_any_byte_holds_the_events_before(cut: Cut) -> None:
    for length in range(len(cut.wal) + 1):
        cut.check(length, Journal.open_read_only)


def test_after_a_cut_the_journal_is_written_on(cut: Cut) -> None:
    length = cut.ends[len(cut.ends) // 2] + 1000
    cut.check(length)
    with closing(Journal.open(cut.copy)) as journal:
        before = journal.last_seq
        assert journal.append("demo-1", ev.RunResumed(by="me")).seq == before + 1
    assert len(read(cut.copy)) == before + 1


# --- a damaged main file ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[ev.Record]]:
    """A closed journal of a few hundred events with a verified backup beside it."""
    path = tmp_path_factory.mktemp("sound") / "journal.db"
    written = filled(path, rounds=50)
    assert backups.make(path)
    return path, written


def damaged(sound: Path, place: Path, change: Callable[[bytearray], object]) -> Path:
    if not place.exists():
        place.mkdir()
        shutil.copytree(sound.parent / "backups", place / "backups")
    data = bytearray(sound.read_bytes())
    change(data)
    for end in ("-wal", "-shm"):
        (place / f"journal.db{end}").unlink(missing_ok=True)
    (place / "journal.db").write_bytes(data)
    return place / "journal.db"


def names_the_way_back(error: Damaged) -> bool:
    said = str(error)
    return "the last backup holds 303 events up to 20" in said and "`trex doctor --mend`" in said and "\n" not in said


def test_zeroed_pages_are_seen(sound: tuple[Path, list[ev.Record]], tmp_path: Path) -> None:
    path, written = sound
    rng, seen = random.Random(1), 0
    for _ in range(150):
        length = rng.choice((64, 512, 4096))
        start = rng.randrange(len(path.read_bytes()) - length)

        def zero(data: bytearray, start: int = start, length: int = length) -> None:
            data[start : start + length] = bytes(length)

        try:
            assert read(damaged(path, tmp_path / "w", zero)) == written, (start, length)  # free space in a page
        except Damaged as error:
            assert names_the_way_back(error), error
            seen += 1
    assert seen > 100


def test_a_truncated_file_is_seen(sound: tuple[Path, list[ev.Record]], tmp_path: Path) -> None:
    path, _ = sound
    size = path.stat().st_size
    for length in {0, 1, 99, 100, 4095, *range(0, size, 4096), *range(7, size, 9973)}:
        with pytest.raises(Damaged) as caught:
            read(damaged(path, tmp_path / "w", lambda data, length=length: data.__delitem__(slice(length, None))))
        assert names_the_way_back(caught.value), (length, caught.value)


def test_a_flipped_bit_loses_no_event_and_is_never_a_defect(
    sound: tuple[Path, list[ev.Record]], tmp_path: Path
) -> None:
    """A letter changed inside a text is seen by nobody: SQLite keeps no checksums. One event at most is another."""
    path, written = sound
    size, rng = path.stat().st_size, random.Random(2)
    places = [(rng.randrange(size), rng.randrange(8)) for _ in range(300)]
    places += [(at, bit) for at in range(100) for bit in (0, 7) if at not in range(60, 64)]  # 60-63: the schema
    for at, bit in places:
        place = damaged(path, tmp_path / "w", lambda data, at=at, bit=bit: data.__setitem__(at, data[at] ^ (1 << bit)))
        try:
            found = read(place)
            if at < 100:  # the header says how to write, too
                with closing(Journal.open(place)) as journal:
                    journal.append("demo-1", ev.RunResumed(by="me"))
        except Damaged as error:
            assert names_the_way_back(error), (at, bit, error)
            continue
        assert [r.seq for r in found] == [r.seq for r in written], (at, bit)
        assert sum(one != other for one, other in zip(found, written, strict=True)) <= 1, (at, bit)


def test_an_index_that_leaves_events_out_is_seen(tmp_path: Path) -> None:
    """`PRAGMA quick_check` would not see it, and a run's history would miss an event in silence."""
    path = tmp_path / "journal.db"
    filled(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA writable_schema = 1")
        db.execute("UPDATE sqlite_master SET sql = sql || ' WHERE seq <> 4' WHERE name = 'events_of_run'")
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("REINDEX events_of_run")
        db.execute("PRAGMA writable_schema = 1")
        db.execute("UPDATE sqlite_master SET sql = replace(sql, ' WHERE seq <> 4', '') WHERE name = 'events_of_run'")
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA quick_check").fetchone() == ("ok",)
    with pytest.raises(Damaged, match="events_of_run"):
        Journal.open(path)


def test_a_version_that_cannot_be_is_damage_and_no_newer_program(tmp_path: Path) -> None:
    for number in (-1, 2**24):
        path = tmp_path / f"{number}.db"
        filled(path)
        with closing(sqlite3.connect(path)) as db:
            db.execute(f"PRAGMA user_version={number}")
        with pytest.raises(Damaged, match="no schema"):
            Journal.open(path)


@pytest.mark.parametrize("change", ["gone", "emptied"])
def test_a_lost_journal_is_not_begun_anew_beside_its_backups(tmp_path: Path, change: str) -> None:
    path = tmp_path / "journal.db"
    filled(path)
    assert backups.make(path)
    path.unlink() if change == "gone" else path.write_bytes(b"")
    for opening in (Journal.open, Journal.open_read_only):
        with pytest.raises(Damaged, match="the last backup holds"):
            opening(path)
    assert path.exists() == (change == "emptied")


def test_a_maker_killed_before_the_schema_number_left_a_journal_that_opens(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    version_1(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA user_version=0")
    assert examine(path) == 1
    assert len(read(path)) == 4
    assert schema_of(path) == migrations.SCHEMA


def test_where_nothing_more_can_be_written_the_journal_is_still_read(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    written = filled(path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        found = read(path, Journal.open_read_only)
        schema = examine(path)
        with pytest.raises(MachineFailure, match="free some space") as caught:
            Journal.open(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (found, schema) == (written, migrations.SCHEMA)
    assert not isinstance(caught.value, Damaged)
