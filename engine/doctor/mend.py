"""Doing what findings announced. Each cure looks again at what it is about to change: time has passed since."""

from __future__ import annotations

import fcntl
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from engine import backups
from engine.doctor import restore
from engine.doctor.finding import BackUp, Cure, Finding, MakePrivate, PutBack, Remove, SetAside
from engine.errors import MachineFailure, TrexError
from engine.files import disk_errors
from engine.journal import Damaged, Journal
from engine.journal import examine as examine_journal
from engine.workspace import OTHERS, Workspace


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """Something mended, or in one sentence why not."""

    done: bool
    what: str


def mend(space: Workspace, findings: Iterable[Finding], now: float) -> Iterator[Deed]:
    """Carry out the findings' cures in their order. `now`: Unix seconds. A cure that cannot be had is a deed too."""
    for cure in (finding.cure for finding in findings if finding.cure):
        try:
            if cure.alone:
                with _no_engine(space):
                    yield _deed(space, cure, now)
            else:
                yield _deed(space, cure, now)
        except TrexError as error:
            yield Deed(done=False, what=str(error))
        except OSError as error:
            yield Deed(done=False, what=f"not mended: {error}")


def _deed(space: Workspace, cure: Cure, now: float) -> Deed:
    with disk_errors(space.home):
        match cure:
            case MakePrivate(paths=paths):
                return Deed(done=True, what=f"took others' rights away from {_names(map(_private, paths))}")
            case Remove(paths=paths):
                return Deed(done=True, what=f"removed {_names(map(_removed, paths))}")
            case SetAside(paths=paths):
                folder = restore.set_aside(space.home, paths, now)
                return Deed(done=True, what=f"moved {_names(paths)} to {folder}")
            case PutBack():
                return _put_back(space, now)
            case BackUp():
                made = backups.make(space.journal)
                what = f"made a backup with {made.said}" if made else "the journal holds nothing to keep"
                return Deed(done=made is not None, what=what)
    raise AssertionError(f"a cure of no kind: {cure}")


def _put_back(space: Workspace, now: float) -> Deed:
    if not _is_damaged(space.journal):
        return Deed(done=False, what="the journal is not damaged any more; it was left alone")
    backup, aside = restore.put_back(space.journal, now)
    return Deed(done=True, what=f"put back the backup with {backup.said}; what was damaged is in {aside}")


def _is_damaged(path: Path) -> bool:
    """Whether pages, rows or an event cannot be read, or the file is gone though there are backups."""
    try:
        journal = Journal.open_read_only(path)
        try:
            examine_journal(path)
            for _ in journal.records():
                pass
        finally:
            journal.close()
    except Damaged:
        return True
    return False


@contextmanager
def _no_engine(space: Workspace) -> Iterator[None]:
    """Hold the engine's lock, so that none is running and none starts. Raises MachineFailure where one has it."""
    with disk_errors(space.engine_lock):
        space.engine_lock.touch(mode=0o600)
    with space.engine_lock.open("a+") as handle:
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            what, hint = "not mended: an engine is running", "end it with `trex engine stop`, then mend again"
            raise MachineFailure(what, where=str(space.home), hint=hint) from None
        yield


def _private(path: Path) -> Path:
    path.chmod(stat.S_IMODE(path.stat().st_mode) & ~OTHERS)
    return path


def _removed(path: Path) -> Path:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
    return path


def _names(paths: Iterable[Path]) -> str:
    return ", ".join(map(str, paths))
