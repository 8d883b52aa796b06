"""Recordings from elsewhere: the zip file, its header, an event, the names of its members."""

from __future__ import annotations

import io
import shutil
import zipfile
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from engine.journal import Journal
from tests.fuzz.harness import Broken, Input, State
from tests.fuzz.mutate import PATHS, drawn, mutated
from tests.fuzz.places import OVER, Template, copy_of, listing
from tests.fuzz.write import to_json
from trex_tui import recorder
from trex_tui.model.history import History
from trex_tui.model.store import Store
from trex_tui.recording import open_recording, unpack

KINDS = ("zip", "header", "event", "name")


class Recordings:
    """A recording of a finished search, spoilt, then opened, unpacked and shown."""

    name = "recordings"

    def __init__(self, template: Template, folder: Path) -> None:
        workspace = copy_of(template, folder / "from")
        journal = Journal.open_read_only(workspace.journal)
        try:
            made = recorder.record(workspace, journal.records(run=OVER), folder / "good.trex")
        finally:
            journal.close()
        with zipfile.ZipFile(made) as archive:
            self._members = {name: archive.read(name) for name in archive.namelist()}
        self._events = self._members["events.jsonl"].splitlines()
        self._home, self._path, self._there = folder, folder / "given.trex", folder / "there"

    def kinds(self) -> tuple[str, ...]:
        return KINDS

    def make(self, kind: str, rng: Random) -> Input:
        match kind:
            case "zip":
                whole = self._packed()
                return Input(kind, "bytes", mutated(whole, rng)) if rng.random() < 0.95 else Input(kind, "valid", whole)
            case "header":
                header: Any = msgspec.json.decode(self._members["recording.json"])
                given = drawn(kind, header, to_json, rng)
                return given._replace(data=self._packed({"recording.json": given.data}))
            case "event":
                at = rng.randrange(len(self._events))
                given = drawn(kind, msgspec.json.decode(self._events[at]), to_json, rng)
                events = b"\n".join([*self._events[:at], given.data, *self._events[at + 1 :]])
                return given._replace(data=self._packed({"events.jsonl": events}))
            case _:
                name = rng.choice(("trials/n1t0/log.txt", rng.choice(PATHS), f"trials/{rng.choice(PATHS)}/log.txt"))
                return Input(kind, name[:40], self._packed({name: b"x"}))

    def feed(self, given: Input) -> None:
        self._path.write_bytes(given.data)
        try:
            _, records = unpack(open_recording(self._path), self._there)
        finally:
            self._path.unlink()
        shown, past = Store(), History(records)
        shown.records(records)
        past.show(len(records))
        past.show(len(records) // 2)
        if shown.unreadable or past.store.unreadable:
            raise Broken(f"what was opened cannot be shown: {shown.unreadable}")
        self.renew()

    def state(self) -> State:
        return dict(listing(self._home))

    def renew(self) -> None:
        shutil.rmtree(self._there, ignore_errors=True)

    def close(self) -> None: ...

    def _packed(self, changed: dict[str, bytes] | None = None) -> bytes:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for name, data in {**self._members, **(changed or {})}.items():
                archive.writestr(zipfile.ZipInfo(name), data)
        return packed.getvalue()
