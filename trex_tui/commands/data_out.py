"""Where `trex data run --out` leaves its result: all of it or nothing, and nobody else's files in its place."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine import jobs
from engine.aidp.job import DataReport
from engine.errors import BadInput, TrexError
from engine.files import disk_errors, expanded, read_regular
from engine.strict import from_json

REPORT = "report.json"
PLACE = "with --out"


@contextmanager
def beside(out: Path, force: bool) -> Iterator[Path]:
    """A folder to write into, beside `out`; it takes the place of `out` when the work has gone well, else it goes.

    A folder with an earlier result is replaced. One with other things is refused, or with `force` keeps them. Raises
    BadInput, MachineFailure.
    """
    out = expanded(out).absolute()
    _checked(out, force)
    work = out.with_name(f".{out.name}.trex-part")
    with disk_errors(out, PLACE):
        work.mkdir(parents=True, exist_ok=True)
    try:
        lock = jobs.hold(work)
    except jobs.Locked:
        raise BadInput("another `trex data run` writes there", where=str(out), hint="wait for it") from None
    with lock:
        try:
            shutil.rmtree(work / "result", ignore_errors=True)  # of a command that was killed
            yield work / "result"
            with disk_errors(out, PLACE):
                _put(work / "result", out)
        finally:
            shutil.rmtree(work, ignore_errors=True)


def _checked(out: Path, force: bool) -> None:
    if not out.exists():
        return
    if not out.is_dir():
        raise BadInput("this is a file, not a folder", where=str(out), hint="name another place with --out")
    if not force and any(out.iterdir()) and not _ours(out):
        hint = "name an empty or new folder, or write among them with --force"
        raise BadInput("the folder holds other things than an earlier result", where=str(out), hint=hint)


def _ours(out: Path) -> bool:
    """Whether it is a result of this command: only such a one is replaced as a whole."""
    path = out / REPORT
    try:
        from_json(read_regular(path), DataReport, source=str(path))
    except (OSError, TrexError):
        return False
    return True


def _put(made: Path, out: Path) -> None:
    if out.is_dir() and any(out.iterdir()) and not _ours(out):
        for entry in sorted(made.iterdir()):
            if (out / entry.name).is_dir():
                shutil.rmtree(out / entry.name)
            entry.rename(out / entry.name)
        return
    old = made.with_name("old")
    if out.exists():
        out.rename(old)
    made.rename(out)
