"""Where `trex data run --out` leaves its result: all of it or nothing, and nobody else's files in its place."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from engine import jobs
from engine.aidp.job import LEFT, REPORT
from engine.aidp.kinds.output import Export
from engine.aidp.recipe import Load, Mix
from engine.aidp.request import RunData
from engine.errors import BadInput
from engine.files import disk_errors, expanded
from trex_tui.commands import data_swap
from trex_tui.commands.data_earlier import earlier

PLACE = "with --out"
ELSEWHERE = "name another folder with --out"


@contextmanager
def beside(out: Path, force: bool, request: RunData, recipe: Path) -> Iterator[Path]:
    """A folder to write into, beside `out`; what is in it takes its place in `out` when the work has gone well.

    An earlier result is replaced. A folder with other things is refused, or with `force` keeps them; what the result
    would replace of them is refused before anything is done. Raises BadInput, MachineFailure.
    """
    out = _whole(out)
    _apart(out, _read(request, recipe))
    names = {*LEFT, *_exported(request)}
    work = out.with_name(f".{out.name}.trex-part")
    with disk_errors(out, PLACE):
        work.mkdir(parents=True, exist_ok=True)
        lock = _held(work, out)
    with lock:
        try:
            with disk_errors(out, PLACE):
                data_swap.undo(work, out)
                _replaced(out, force, names)
                own = Path(tempfile.mkdtemp(dir=work, prefix="run."))
            yield own / "result"
            with disk_errors(out, PLACE):
                _put(own, work, out, force)
        finally:
            if not data_swap.is_under_way(work):
                shutil.rmtree(work, ignore_errors=True)


def _whole(out: Path) -> Path:
    try:
        whole = expanded(out).resolve()
    except (OSError, RuntimeError, ValueError):  # links in a circle; a name that no file can have
        raise BadInput("nothing can be written under this name", where=str(out), hint=ELSEWHERE) from None
    if not whole.name:
        raise BadInput("this is the folder of everything", where=str(out), hint=ELSEWHERE)
    try:
        str(whole).encode()
    except UnicodeEncodeError:
        raise BadInput("the name is no UTF-8 text", where=repr(str(out)), hint=ELSEWHERE) from None
    return whole


def _read(request: RunData, recipe: Path) -> Iterator[Path]:
    """What the result is made from."""
    yield expanded(recipe)
    yield from (Path(path) for path in (request.file, request.train, request.guards, *request.holdout) if path)
    for operator in request.recipe.operators:
        if isinstance(operator, Load | Mix) and request.root:
            yield Path(request.root) / operator.path


def _apart(out: Path, read: Iterable[Path]) -> None:
    """Raises BadInput where the result would come to lie around what it is made from."""
    for path in read:
        for place in (path.absolute(), path.resolve()):
            if out == place or out in place.parents:
                raise BadInput("this lies in the folder that --out names", where=str(path), hint=ELSEWHERE)


def _exported(request: RunData) -> Iterator[str]:
    """The folders that operators write. Raises BadInput for one in the place of a file of ours."""
    for operator in request.recipe.operators:
        if isinstance(operator, Export) and (parts := Path(os.path.normpath(operator.path)).parts):
            if parts[0] in LEFT:
                hint = "choose another `path`"
                raise BadInput(f"`export` to `{operator.path}`: a file of the result has this name", hint=hint)
            yield parts[0]


def _held(work: Path, out: Path) -> IO[str]:
    """The lock of the folder beside; whoever had it before may have thrown the folder away meanwhile."""
    try:
        lock = jobs.hold(work)
        if os.path.samestat(os.fstat(lock.fileno()), (work / jobs.LOCK).stat()):
            return lock
        lock.close()
    except (jobs.Locked, FileNotFoundError):
        pass
    raise BadInput("another `trex data run` writes there", where=str(out), hint="wait for it")


def _replaced(out: Path, force: bool, names: Iterable[str]) -> frozenset[str]:
    """What is there of an earlier result. Raises BadInput for other things: any, or with `force` of these names."""
    if not out.exists():
        return frozenset()
    if not out.is_dir():
        raise BadInput("this is a file, not a folder", where=str(out), hint=ELSEWHERE)
    ours = earlier(out)
    others = {entry.name for entry in out.iterdir()} - ours
    if others and not force:
        what = f"the folder holds other things than an earlier result (`{min(others)}`)"
        raise BadInput(what, where=str(out), hint="name an empty or new folder, or write among them with --force")
    if taken := others & set(names):
        what = f"`{min(taken)}` is not as an earlier result left it, and would be replaced"
        raise BadInput(what, where=str(out), hint="move it away, or name another folder with --out")
    return ours


def _put(own: Path, work: Path, out: Path, force: bool) -> None:
    made = own / "result"
    gone = _replaced(out, force, (entry.name for entry in made.iterdir()))
    if out.exists():
        made = made.rename(work / f"{own.name}.result")
        data_swap.exchange(work, made, out, gone, REPORT)
    else:
        made.rename(out)
