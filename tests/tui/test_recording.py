"""Recordings: made, opened, shown without an engine, and refused in one sentence where they are not what they say."""

from __future__ import annotations

import os
import re
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot

from engine.errors import BadInput
from engine.search import events as ev
from engine.search.fold import fold
from engine.workspace import Workspace
from trex_tui import recorder, recording
from trex_tui.app import TrexApp
from trex_tui.client.replay import Replay
from trex_tui.commands.replay import recording_meant
from trex_tui.model.telemetry import Offsets, read
from trex_tui.recording import open_recording, unpack
from trex_tui.screens.search import SearchScreen

from . import script
from .person import LARGE, Person

PLACE = re.compile(rb"(?<![\w.:/\\-])/(?:[\w.+@~-]+/)+")
ANA = "ana"


@pytest.fixture
def made(workspace: Workspace, finished: script.Script, tmp_path: Path) -> Path:
    (workspace.trial("r1", "n4t0") / "log.txt").write_text(f"12:00:00 no such file: {tmp_path}/models/x.gguf\n")
    return recorder.record(workspace, finished.records, tmp_path / "made.trex")


def test_what_is_recorded_comes_back(made: Path, finished: script.Script, tmp_path: Path) -> None:
    workspace, records = unpack(open_recording(made), tmp_path / "there")
    before, after = fold(finished.records), fold(records)
    assert [r.time for r in records] == [r.time for r in finished.records]
    assert after.champion == before.champion and after.score("n4") == before.score("n4")
    assert after.nodes.keys() == before.nodes.keys()
    course = read(workspace.trial("r1", "n5t0"), Offsets(), Path(after.setup.splits) / "validation.jsonl")
    assert len(course.steps) == 64 and course.result is not None
    assert len(course.prompts) == 39 and all("Review: " in text for text in course.prompts.values())


def test_only_the_rows_that_some_trial_got_wrong_travel(made: Path) -> None:
    rows = open_recording(made).files["validation.jsonl"].data.splitlines()
    assert 0 < len(rows) < script.ITEMS


def test_a_recording_says_nothing_of_its_machine_and_its_people(made: Path, finished: script.Script) -> None:
    for name, data in _contents(made).items():
        assert not PLACE.search(data), name
        assert ANA.encode() not in data, name
    assert b'"by":"a person"' in _contents(made)["events.jsonl"]
    assert b"no such file: x.gguf" in _contents(made)["trials/n4t0/log.txt"]


def test_the_number_of_what_was_taken_back_is_kept(workspace: Workspace, tmp_path: Path) -> None:
    out = script.Script(first_seq=101)
    out.say(script.created())
    out.say(ev.RunPaused(by=ANA, reason=f"paused by {ANA}"))
    out.say(ev.HintGiven(hint="h1", node="n0", text="lower rates", by=ANA))
    out.say(ev.HintWithdrawn(hint="h1", node="n0", text="lower rates", by=ANA, undoes=103))
    records = open_recording(recorder.record(workspace, out.records, tmp_path / "a.trex")).records
    assert [record.seq for record in records] == [1, 2, 3, 4]
    assert records[3].event.undoes == 3 and records[1].event.reason == "paused by a person"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("at /home/ana/x/log.txt:7", "at log.txt:7"),
        ("see https://example.org/a/b and yes/no", "see https://example.org/a/b and yes/no"),
        ("stopped by ana; banana", "stopped by a person; banana"),
        ("</think> 1/2/3", "</think> 1/2/3"),
    ],
)
def test_cleaning_takes_places_and_names_only(text: str, clean: str) -> None:
    assert recorder.cleaned(text, [ANA]) == clean


def test_a_log_is_read_by_the_clock_of_who_looks(
    workspace: Workspace, finished: script.Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        monkeypatch.setenv("TZ", "UTC")
        time.tzset()
        (workspace.trial("r1", "n1t0") / "log.txt").write_text("23:30:00.125 loading\nno time\n")
        path = recorder.record(workspace, finished.records, tmp_path / "made.trex")
        monkeypatch.setenv("TZ", "UTC-2")
        time.tzset()
        there, _ = unpack(open_recording(path), tmp_path / "there")
        assert (there.trial("r1", "n1t0") / "log.txt").read_text() == "01:30:00.125 loading\nno time\n"
    finally:
        monkeypatch.undo()
        time.tzset()


def _contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _repacked(path: Path, change: Callable[[dict[str, bytes]], None], how: int = zipfile.ZIP_DEFLATED) -> Path:
    contents = _contents(path)
    change(contents)
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, data in contents.items():
            archive.writestr(name, data)
    return path


def _events(change: Callable[[list[ev.Record]], None]) -> Callable[[dict[str, bytes]], None]:
    def changed(contents: dict[str, bytes]) -> None:
        records = [msgspec.json.decode(line, type=ev.Record) for line in contents["events.jsonl"].splitlines()]
        change(records)
        contents["events.jsonl"] = b"\n".join(msgspec.json.encode(record) for record in records)

    return changed


def _renamed(node: str) -> Callable[[dict[str, bytes]], None]:
    def rename(records: list[ev.Record]) -> None:
        at = next(i for i, record in enumerate(records) if isinstance(record.event, ev.NodeAdded))
        event = msgspec.structs.replace(records[at].event, node=node)
        records[at:] = [msgspec.structs.replace(records[at], event=event)]

    return _events(rename)


HOSTILE: dict[str, tuple[Callable[[dict[str, bytes]], None], str]] = {
    "a way out": (lambda c: c.update({"../../evil": b"x"}), "no recording has"),
    "an absolute name": (lambda c: c.update({"/etc/passwd": b"x"}), "no recording has"),
    "a way out below": (lambda c: c.update({"trials/../../evil/log.txt": b"x"}), "no recording has"),
    "a link's target": (lambda c: c.update({"trials/n1t0/lock": b"x"}), "no recording has"),
    "sealed rows": (lambda c: c.update({"trials/n1t0.test/result.json": b"x"}), "no recording has"),
    "no events": (lambda c: c.pop("events.jsonl"), "no recording of a search"),  # type: ignore[dict-item,return-value]
    "empty events": (lambda c: c.update({"events.jsonl": b""}), "no events"),
    "a newer format": (lambda c: c.update({"recording.json": b'{"format": 7, "run": "r1"}'}), "format 7"),
    "no header": (lambda c: c.update({"recording.json": b"[]"}), "format None"),
    "an unknown field": (lambda c: c.update({"recording.json": b'{"format":1,"run":"r1","x":1}'}), "unknown field"),
    "a run that is a path": (lambda c: c.update({"recording.json": b'{"format":1,"run":"../x"}'}), "names no run"),
    "not JSON": (lambda c: c.update({"events.jsonl": b"\x80\x04K\x01."}), "event 1 cannot be read"),
    "a gap": (_events(lambda records: records.pop(3)), "event 4 is out of order"),  # type: ignore[arg-type,return-value]
    "times that run back": (_events(lambda records: records.reverse()), "event 1 is out of order"),
    "a node that is a path": (_renamed("../../x"), "do not make a search"),
    "an end without a beginning": (_events(lambda r: r.__setitem__(0, _first(r))), "do not make a search"),
}


def _first(records: list[ev.Record]) -> ev.Record:
    return msgspec.structs.replace(records[0], event=ev.Launched(trial="n9t0", node="n9"))


@pytest.mark.parametrize("name", list(HOSTILE))
def test_a_hostile_recording_gets_one_sentence(made: Path, tmp_path: Path, name: str) -> None:
    change, said = HOSTILE[name]
    with pytest.raises(BadInput, match=re.escape(said)) as refused:
        open_recording(_repacked(made, change))
    assert "\n" not in str(refused.value) and str(refused.value).isprintable()
    assert not (tmp_path / "evil").exists() and not (tmp_path.parent / "evil").exists()


def test_a_bomb_is_not_unpacked(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _repacked(made, lambda c: c.update({"trials/n1t0/log.txt": bytes(5_000_000)}))
    assert made.stat().st_size < 300_000
    monkeypatch.setattr(recording, "UNPACKED", 2_000_000)
    with pytest.raises(BadInput, match="unpacks to more than"):
        open_recording(made)


def test_too_large_a_file_is_not_read(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "LARGEST", 1000)
    with pytest.raises(BadInput, match="larger than"):
        open_recording(made)


def test_too_many_files_are_refused(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "MEMBERS", 10)
    with pytest.raises(BadInput, match="more than 10 files"):
        open_recording(made)


def test_only_the_compression_that_we_write_is_read(made: Path) -> None:
    with pytest.raises(BadInput, match="compressed in a way"):
        open_recording(_repacked(made, lambda c: None, zipfile.ZIP_LZMA))


@pytest.mark.parametrize("kind", ["nothing", "folder", "pipe", "text", "cut"])
def test_what_is_no_recording_at_all_gets_one_sentence(made: Path, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "other.trex"
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "text":
            path.write_text("nothing of the kind")
        case "cut":
            path.write_bytes(made.read_bytes()[:-200])
    with pytest.raises(BadInput, match=re.escape(str(path))):
        open_recording(path)


def test_damage_anywhere_is_said_or_harmless(made: Path, tmp_path: Path) -> None:
    """One byte after the other turned over: a sentence, or a recording that can be unpacked; nothing else."""
    whole = made.read_bytes()
    for at in range(0, len(whole), max(1, len(whole) // 60)):
        (tmp_path / "bad.trex").write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            found = open_recording(tmp_path / "bad.trex")
        except BadInput as refused:
            assert str(refused).isprintable()
        else:
            unpack(found, tmp_path / f"at{at}")


SHIPPED = recording_meant(None)
assert SHIPPED is not None


def test_the_shipped_recording_is_small_and_of_no_place() -> None:
    assert SHIPPED is not None and SHIPPED.stat().st_size < 600_000
    for name, data in _contents(SHIPPED).items():
        assert not PLACE.search(data), name
    assert b'"by":"root"' not in _contents(SHIPPED)["events.jsonl"]


async def test_the_shipped_recording_shows_a_whole_search(tmp_path: Path) -> None:
    assert SHIPPED is not None
    workspace, records = unpack(open_recording(SHIPPED), tmp_path / "there")
    app = TrexApp(workspace, Replay(records, records[-1].time), clock=lambda: records[-1].time, archive=lambda: records)
    async with app.run_test(size=LARGE) as pilot:
        one = await _shown(app, pilot)
        await one.sees("● done", "champion n2t0 0.820", "base 0.700", "recording", "Hypothesis")
        await one.press("4")
        await one.sees("learning rate", "at step 32")
        await one.press("5")
        await one.sees("n2t0: 54 of 300 validation rows wrong", "Review: ")
        await one.press("p")
        await one.sees("!")
        await one.press("left_curly_bracket")
        await one.sees("n5 grows from n1", "end returns to now")
        assert one.app.past is not None and "champion" not in one.screen


async def _shown(app: TrexApp, pilot: Pilot[int]) -> Person:
    one = Person(app, pilot)
    assert isinstance(app.screen, SearchScreen)
    await one.until(lambda: one.search.run, "a run on the screen")
    return one


async def test_a_replay_plays_by_itself_from_the_beginning(made: Path, tmp_path: Path) -> None:
    workspace, records = unpack(open_recording(made), tmp_path / "there")
    at = records[-1].time
    app = TrexApp(workspace, Replay(records, at), clock=lambda: at, archive=lambda: records)
    app.play_at(60.0)
    async with app.run_test(size=LARGE) as pilot:
        one = await _shown(app, pilot)
        await one.until(lambda: app.past is not None, "the past")
        await one.sees("playing, 60 x")
        await one.until(lambda: app.past is None, "the end")
        await one.sees("champion n5t0")


def test_what_is_meant_by_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plain").write_bytes(b"")
    assert recording_meant("movie_sentiment-1") is None
    assert recording_meant("plain") == Path("plain")
    assert recording_meant("missing.trex") == Path("missing.trex")
    assert recording_meant("../elsewhere") == Path("../elsewhere")
