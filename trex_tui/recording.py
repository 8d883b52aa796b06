"""A recorded search as one file: a zip with a run's events and the files that the screens read. Opening one only.

    recording.json                          Header
    events.jsonl                            Record, one a line, numbered from 1
    task.json                               what the search was to improve
    validation.jsonl                        the validation rows that some trial got wrong: id, prompt
    manifest.json, profile.json             what the splits are, and what was counted in them
    nodes/<node>/  report.json, samples.json, data.jsonl (its first rows)
    trials/<trial>/ metrics.jsonl, log.txt, state.json, result.json, trained.json, exit.json

What a file from elsewhere may be is bounded: its size, its members' names, number and unpacked sizes; every event is
decoded strictly and must follow on those before. Nothing in it is run, and nothing of it is trusted as a path. How one
is made: `trex_tui.recorder`.
"""

from __future__ import annotations

import io
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import msgspec

from engine import strict
from engine.errors import BadInput, TrexError
from engine.files import UNREADABLE, read_regular
from engine.search import events as ev
from engine.search.fold import fold
from engine.workspace import Workspace
from trex_tui.model import profile

FORMAT = 1
LARGEST = 32 * 1024 * 1024  # bytes of the file
UNPACKED = 128 * 1024 * 1024  # bytes of all members
MEMBERS = 20_000
EVENTS = 200_000
LATEST = 4e9  # Unix seconds
TRIAL_FILES = ("metrics.jsonl", "log.txt", "state.json", "result.json", "trained.json", "exit.json")
NODE_FILES = ("report.json", "samples.json", "data.jsonl")
SPLIT_FILES = ("validation.jsonl", "manifest.json")
OWN_FILES = ("recording.json", "events.jsonl", "task.json", "profile.json")
NODE, TRIAL, NAME = re.compile(r"n\d{1,6}"), re.compile(r"n\d{1,6}t\d{1,4}"), re.compile(r"\w[\w.-]{0,99}", re.ASCII)
SPLITS = "recorded"  # folder below the workspace's tasks
BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, ValueError, LookupError, RuntimeError)

_STAMP = re.compile(r"(\d\d):(\d\d):(\d\d)(?=[. ])")
_record = msgspec.json.Decoder(ev.Record)


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the recording says of itself. `utc_offset`: seconds, of the clock that the trials' logs carry."""

    format: int
    run: str
    made_by: str = ""
    utc_offset: int = 0


class Member(msgspec.Struct, frozen=True):
    """A file of the run. `time`: of its last change, Unix seconds."""

    data: bytes
    time: float


@dataclass(frozen=True)
class Recording:
    """An opened recording; `files` by their names in the zip."""

    path: Path
    header: Header
    records: tuple[ev.Record, ...]
    files: dict[str, Member]


def open_recording(path: Path) -> Recording:
    """Read and check all of a recording. Raises BadInput in one sentence, whatever the file is."""
    try:
        with zipfile.ZipFile(io.BytesIO(read_regular(path, LARGEST))) as archive:
            files = dict(_members(archive, path))
    except FileNotFoundError:
        raise BadInput("no such file", where=str(path), hint="`trex record RUN --to FILE` makes one") from None
    except BROKEN as error:
        _refuse(path, f"it is damaged, or no zip file ({error})")
    header = _header(files, path)
    return Recording(path, header, _records(files.pop("events.jsonl"), header, path), files)


def unpack(recording: Recording, home: Path) -> tuple[Workspace, list[ev.Record]]:
    """Lay the files out as a workspace in an empty folder; the workspace, and the records that point there."""
    workspace, run = Workspace(home).create(), recording.header.run
    splits = home / "tasks" / SPLITS
    for name, member in sorted(recording.files.items()):  # the profile's place is named by the manifest
        place = splits / name if name in SPLIT_FILES else workspace.run(run) / name
        if name == "profile.json" and "manifest.json" in recording.files:
            place = profile.place(splits, workspace.cache)
        place.parent.mkdir(parents=True, exist_ok=True)
        data = member.data
        if place.name == "log.txt":
            data = _in_local_time(data, recording.header.utc_offset, member.time)
        place.write_bytes(data)
        os.utime(place, (member.time, member.time))
    return workspace, [_here(record, splits) for record in recording.records]


def _members(archive: zipfile.ZipFile, path: Path) -> Iterator[tuple[str, Member]]:
    """The members, each read to its bound: what the zip says of their sizes is only what it says."""
    infos = archive.infolist()
    if len(infos) > MEMBERS:
        _refuse(path, f"it has more than {MEMBERS:,} files")
    left = UNPACKED
    for info in infos:
        if not _known(info.filename):
            _refuse(path, f"there is a file in it that no recording has: {info.filename[:80]!r}")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            _refuse(path, "it is compressed in a way that no recording is")
        with archive.open(info) as source:
            data = source.read(left + 1)
        left -= len(data)
        if left < 0:
            _refuse(path, f"it unpacks to more than {UNPACKED // 2**20} MB")
        yield info.filename, Member(data, datetime(*info.date_time, tzinfo=UTC).timestamp())


def _known(name: str) -> bool:
    """Whether a recording may have a file of this name."""
    match name.split("/"):
        case [one]:
            return one in (*OWN_FILES, *SPLIT_FILES)
        case ["nodes", node, file]:
            return file in NODE_FILES and NODE.fullmatch(node) is not None
        case ["trials", trial, file]:
            return file in TRIAL_FILES and TRIAL.fullmatch(trial) is not None
    return False


def _header(files: dict[str, Member], path: Path) -> Header:
    """Raises BadInput where this is no recording, or one of a newer kind."""
    if "recording.json" not in files or "events.jsonl" not in files:
        _refuse(path, "it is a zip file, but no recording of a search")
    data = files.pop("recording.json").data
    try:
        version = msgspec.json.decode(data, type=dict[str, object]).get("format")
    except UNREADABLE:
        version = None
    if version != FORMAT:
        what = f"it is a recording of format {str(version)[:20]}, and this TREX reads format {FORMAT}"
        raise BadInput(what, where=str(path), hint="update TREX, or record the search again")
    header = strict.from_json(data, Header, source=f"{path}: recording.json")
    if NAME.fullmatch(header.run) is None or abs(header.utc_offset) > 86_400:
        _refuse(path, "its header names no run")
    return header


def _records(member: Member, header: Header, path: Path) -> tuple[ev.Record, ...]:
    """The events, which must be numbered and dated in order and fold into a tree."""
    lines = member.data.splitlines()
    if not 0 < len(lines) <= EVENTS:
        _refuse(path, f"it has no events, or more than {EVENTS:,}")
    records: list[ev.Record] = []
    for number, line in enumerate(lines, 1):
        try:
            record = _record.decode(line)
        except UNREADABLE as error:
            _refuse(path, f"event {number} cannot be read ({error})")
        before = records[-1].time if records else 0.0
        if (record.seq, record.run) != (number, header.run) or not before <= record.time <= LATEST:
            _refuse(path, f"event {number} is out of order")
        records.append(record)
    try:
        tree = fold(records)
    except TrexError as error:
        _refuse(path, f"its events do not make a search ({error.what})")
    if tree.created is None or not all(NODE.fullmatch(name) for name in tree.nodes):
        _refuse(path, "its events do not make a search")
    return tuple(records)


def _here(record: ev.Record, splits: Path) -> ev.Record:
    """Where the rows of bad cases are now; where they were is nothing to us."""
    if not isinstance(record.event, ev.RunCreated):
        return record
    event = msgspec.structs.replace(record.event, task_path="", splits=str(splits))
    return msgspec.structs.replace(record, event=event)


def _in_local_time(log: bytes, offset: int, moment: float) -> bytes:
    """A log's times of day by the clock here, as everything else on the screen is."""
    here = datetime.fromtimestamp(moment).astimezone().utcoffset() or timedelta()
    shift = int(here.total_seconds()) - offset
    if not shift:
        return log
    return b"\n".join(_shifted(line.decode("utf-8", "replace"), shift).encode() for line in log.split(b"\n"))


def _shifted(line: str, shift: int) -> str:
    found = _STAMP.match(line)
    if found is None:
        return line
    hours, minutes, seconds = map(int, found.groups())
    day = (hours * 3600 + minutes * 60 + seconds + shift) % 86_400
    return f"{day // 3600:02d}:{day // 60 % 60:02d}:{day % 60:02d}{line[found.end() :]}"


def _refuse(path: Path, why: str) -> NoReturn:
    raise BadInput(f"this recording cannot be shown: {why}", where=str(path), hint="ask for another copy of it")
