"""Making a recording of a run (`trex_tui.recording` says what is in it): taken from a workspace, cleaned of its place.

Left out: sealed test and confirm results, adapters, whole splits. Cleaned: an absolute path keeps its last name, and
whoever did something is "a person".
"""

from __future__ import annotations

import asyncio
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from engine import __version__
from engine.errors import BadInput, MachineFailure
from engine.files import UNREADABLE, read_jsonl, read_regular, write_atomic
from engine.search import events as ev
from engine.search.fold import fold
from engine.search.tree import Tree
from engine.taskdata.store import MANIFEST
from engine.workspace import Workspace
from trex_tui.model import profile
from trex_tui.model.telemetry import Prompt
from trex_tui.recording import FORMAT, LARGEST, NODE_FILES, TRIAL_FILES, Header, open_recording

ROWS = 40  # of a node's data
LOG_END = 256 * 1024  # bytes of a trial's log
STEPS = 4000  # lines of a trial's metrics
FILE_LIMIT = 32 * 1024 * 1024
NOBODY = ("", "engine", "report")
PERSON = "a person"

_PATH = re.compile(r"(?<![\w.:/\\-])/(?:[\w.+@~-]+/)+([\w.+@~-]*)")


def record(workspace: Workspace, records: Iterable[ev.Record], to: Path) -> Path:
    """Write the recording of a run, given all its records. Raises BadInput where there is a file already,
    or the recording would be too large."""
    if to.exists():
        raise BadInput("it is there already", where=str(to), hint="name a file that does not exist yet")
    kept = list(records)
    tree = fold(kept)
    names = _people(kept)
    header = Header(format=FORMAT, run=tree.run, made_by=f"trex {__version__}", utc_offset=_utc_offset(kept[0].time))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        last = kept[-1].time
        _put(archive, "recording.json", msgspec.json.encode(header), last)
        _put(archive, "events.jsonl", _lines(_renumbered(kept, names)), last)
        for name, data, changed in _files(workspace, tree):
            _put(archive, name, data, changed)
    if packed.tell() > LARGEST:
        raise BadInput(f"the recording of {tree.run} would be larger than {LARGEST // 2**20} MB", where=str(to))
    write_atomic(to, packed.getvalue(), mode=0o644)
    open_recording(to)
    return to


def cleaned(text: str, people: Iterable[str] = ()) -> str:
    """A text without the paths of this machine, and without the names of people where it says who did something."""
    text = _PATH.sub(r"\1", text)
    for name in people:
        text = re.sub(rf"\bby {re.escape(name)}\b", f"by {PERSON}", text)
    return text


def _people(records: list[ev.Record]) -> list[str]:
    names = {str(getattr(record.event, "by", "")) for record in records}
    return sorted(names.difference(NOBODY), key=len, reverse=True)


def _renumbered(records: list[ev.Record], people: list[str]) -> Iterator[dict[str, Any]]:
    """The events as builtins, numbered from 1, cleaned."""
    numbers = {record.seq: number for number, record in enumerate(records, 1)}

    def clean(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: clean(inner, name) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [clean(inner) for inner in value]
        if not isinstance(value, str):
            return numbers.get(value, 0) if key == "undoes" else value
        if key == "by":
            return value if value in NOBODY else PERSON
        return "" if key in ("task_path", "splits") else cleaned(value, people)

    for number, one in enumerate(records, 1):
        yield {"seq": number, "time": one.time, "run": one.run, "event": clean(msgspec.to_builtins(one.event))}


def _files(workspace: Workspace, tree: Tree) -> Iterator[tuple[str, bytes, float]]:
    """(name, content, time of change) of every file that is there."""
    folder, wrong = workspace.run(tree.run), set[str]()
    yield from _file(folder / "task.json", "task.json", _text)
    for node in tree.nodes.values():
        for name in NODE_FILES:
            yield from _file(workspace.node(tree.run, node.id) / name, f"nodes/{node.id}/{name}", _SHORTENED[name])
        for trial in node.trials:
            for name in TRIAL_FILES:
                for found in _file(workspace.trial(tree.run, trial) / name, f"trials/{trial}/{name}", _SHORTENED[name]):
                    wrong |= _wrong(found[1]) if name == "result.json" else set()
                    yield found
    splits = Path(tree.setup.splits)
    yield from _profiled(splits, workspace.cache)
    rows = [row for row in _validation(splits) if row.id in wrong]
    yield "validation.jsonl", _lines(rows), tree.last_time


def _profiled(splits: Path, cache: Path) -> Iterator[tuple[str, bytes, float]]:
    """What the splits are and what is counted in them, without their rows; nothing where they are gone."""
    with suppress(MachineFailure):
        asyncio.run(profile.data_profile(splits, cache))
        yield from _file(splits / MANIFEST, "manifest.json", bytes)
        yield from _file(profile.place(splits, cache), "profile.json", bytes)


def _file(path: Path, name: str, shortened: Callable[[bytes], bytes]) -> Iterator[tuple[str, bytes, float]]:
    try:
        yield name, shortened(read_regular(path, FILE_LIMIT)), path.stat().st_mtime
    except OSError:
        return  # not every trial has every file


def _text(data: bytes) -> bytes:
    return cleaned(data.decode("utf-8", "replace")).encode()


def _end(data: bytes) -> bytes:
    """The end of a log, from the beginning of a line on."""
    cut = data[-LOG_END:]
    return _text(cut if len(data) <= LOG_END else cut[cut.find(b"\n") + 1 :])


def _thinned(data: bytes) -> bytes:
    """A curve with at most `STEPS` points, its last one always among them."""
    lines = data.splitlines(keepends=True)
    every = -(-len(lines) // STEPS)
    return b"".join(line for at, line in enumerate(lines, 1) if (len(lines) - at) % every == 0)


def _first(data: bytes) -> bytes:
    return b"".join(data.splitlines(keepends=True)[:ROWS])


_SHORTENED: dict[str, Callable[[bytes], bytes]] = {
    "metrics.jsonl": _thinned,
    "log.txt": _end,
    "state.json": _text,
    "result.json": _text,
    "trained.json": _text,
    "exit.json": _text,
    "report.json": _text,
    "samples.json": bytes,
    "data.jsonl": _first,
}


class _Item(msgspec.Struct):
    id: str
    correct: float


class _Judged(msgspec.Struct):
    items: tuple[_Item, ...]


def _wrong(result: bytes) -> set[str]:
    """Ids of the rows that a trial got wrong."""
    try:
        return {item.id for item in msgspec.json.decode(result, type=_Judged).items if item.correct < 1.0}
    except UNREADABLE:
        return set()


def _validation(splits: Path) -> list[Prompt]:
    try:
        return [Prompt(str(row["id"]), str(row["prompt"])) for row in read_jsonl(splits / "validation.jsonl")]
    except (OSError, KeyError, *UNREADABLE):
        return []  # the splits are a cache: where they were cleared, cases are shown without their texts


def _lines(rows: Iterable[object]) -> bytes:
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)


def _put(archive: zipfile.ZipFile, name: str, data: bytes, changed: float) -> None:
    moment = datetime.fromtimestamp(max(changed, 315_619_200.0), UTC)  # a zip knows no year before 1980
    info = zipfile.ZipInfo(name, moment.timetuple()[:6])
    info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
    archive.writestr(info, data, compresslevel=9)


def _utc_offset(moment: float) -> int:
    return int((datetime.fromtimestamp(moment).astimezone().utcoffset() or timedelta()).total_seconds())
