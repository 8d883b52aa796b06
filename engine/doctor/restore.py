"""Putting the last good backup in the damaged journal's place. What is damaged is moved away, never removed.

What came after the backup lies in the runs' folders; finding it again is the engine's work.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from engine import backups, intact
from engine.backups import STAMP, Backup
from engine.errors import MachineFailure, TrexError
from engine.files import disk_errors, sync


def usable(journal: Path) -> Backup | None:
    """The newest backup that can be read to its end."""
    for backup in backups.all_of(journal):
        try:
            if intact.verify(backup.path).last_seq == backup.last_seq:
                return backup
        except TrexError:
            continue
    return None


def put_back(journal: Path, now: float) -> tuple[Backup, Path]:
    """The backup that is the journal now, and the folder with what was the journal. The caller holds the engine's lock.

    Killed in between, it leaves no journal, which the next start takes for damage too. Raises MachineFailure where no
    backup can be read, or the disk is full; then nothing was changed.
    """
    backup = usable(journal)
    if backup is None:
        raise MachineFailure("no backup of the journal can be read", where=str(backups.folder_of(journal)))
    with disk_errors(journal):
        handle, name = tempfile.mkstemp(dir=journal.parent, prefix=f".{journal.name}.")
        os.close(handle)
        copy = Path(name)
        try:
            shutil.copyfile(backup.path, copy)
            sync(copy)
            # The journal goes first: a WAL that stayed beside another journal would be played into it.
            aside = set_aside(journal.parent, [journal, *(Path(f"{journal}-{end}") for end in ("wal", "shm"))], now)
            copy.replace(journal)
            sync(journal.parent)
        finally:
            copy.unlink(missing_ok=True)
    return backup, aside


def set_aside(home: Path, paths: Iterable[Path], now: float) -> Path:
    """Move what is there of these, in this order, into a new folder `<home>/damaged/<time>/`, which is returned."""
    with disk_errors(home):
        folder = _new_folder(home / "damaged", datetime.fromtimestamp(now, UTC).strftime(STAMP))
        for path in paths:
            if path.exists():
                path.rename(folder / path.name)
                sync(path.parent)
        sync(folder)
    return folder


def _new_folder(parent: Path, name: str) -> Path:
    parent.mkdir(mode=0o700, exist_ok=True)
    for number in itertools.count(2):
        try:
            (parent / name).mkdir(mode=0o700)
            return parent / name
        except FileExistsError:
            name = f"{name.partition('-')[0]}-{number}"
    raise AssertionError("a count has no end")
