"""The journal: what was appended is there, in order, whatever happened to the writer."""

import sqlite3
from pathlib import Path

import pytest

from engine.errors import BadInput, MachineFailure
from engine.journal import Journal
from engine.search import events as ev
from engine.search.tree import fold
from tests import story


def filled(path: Path) -> list[ev.Record]:
    journal = Journal.open(path)
    written = [
        journal.append("demo-1", r.event)
        for r in story.records(story.created(), story.base(), story.node("n1", "n0", 0.7))
    ]
    journal.close()
    return written


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


def test_a_newer_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    filled(path)
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version=99")
    for opening in (Journal.open, Journal.open_read_only):
        with pytest.raises(BadInput, match="newer TREX"):
            opening(path)
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (99,)


def test_a_file_that_is_no_journal_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "journal.db").write_bytes(b"not a database at all, but long enough to be looked at" * 20)
    with pytest.raises(MachineFailure, match="damaged"):
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
