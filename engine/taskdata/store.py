"""Splits on disk: made whole or not at all, named by the task's fingerprint, checked before every use.

    <workspace>/tasks/<name>-<fingerprint>/
        train.jsonl  validation.jsonl  confirm.jsonl     rows {"id", "prompt", "answer", ...}
        sealed/test.jsonl                                mode 0400; its path comes from `open_sealed` alone
        guards.json                                      hashes that tell recipes what overlaps (engine.aidp.guards)
        manifest.json                                    sizes and SHA-256 of all of these

The seal keeps honest code honest and leaves a trace of every opening; it is no defence against the owner of the disk.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, cast

import msgspec

from engine.aidp import guards
from engine.errors import BadInput, MachineFailure
from engine.files import disk_errors, sha256_file, write_json, write_jsonl
from engine.task import SPLITS, Split, Task, label_texts
from engine.taskdata import division
from engine.taskdata.division import Divided
from engine.taskdata.examples import Example, Refuse, build
from engine.taskdata.packages import Progress
from engine.taskdata.sources import open_parts
from engine.workspace import Workspace

MANIFEST, GUARDS = "manifest.json", "guards.json"


class SplitInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One split. `answers`: rows per label, where the task has labels."""

    rows: int
    sha256: str
    answers: dict[str, int] = {}


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """`manifest.json`. Two are equal exactly when all data is."""

    task: str
    task_fingerprint: str
    splits: dict[str, SplitInfo]
    guards_sha256: str
    sources: dict[str, str]  # SHA-256 of the files that the rows came from
    notes: tuple[str, ...] = ()  # what was left out or drawn, for a person
    version: int = 1


def materialise(
    task: Task,
    folder: Path,
    workspace: Workspace,
    *,
    offline: bool = False,
    progress: Progress = lambda *_: None,
) -> Path:
    """The folder of the task's splits, made now unless it is there. `folder`: where its task.toml lies.

    Raises BadInput for wrong rows, MachineFailure for a disk, a network or splits that are not what they were.
    """
    target = workspace.splits(task.name, task.fingerprint)
    if not target.exists():
        with _alone(target):
            if not target.exists():
                divided, sources, notes = read_splits(task, folder, workspace.cache, offline=offline, progress=progress)
                _write(target, task, divided, sources, notes)
    verify(target)
    return target


def read_splits(
    task: Task, folder: Path, cache: Path, *, offline: bool, progress: Progress, refuse: Refuse | None = None
) -> tuple[Divided, dict[str, str], list[str]]:
    """Rows of every split, the sources' hashes, and notes. Without `refuse` the first wrong row is raised."""
    parts, sources = open_parts(task, folder, cache, offline=offline, progress=progress)
    built: dict[str, list[Example]] = {}
    notes: list[str] = []
    for part, rows in parts.items():
        built[part], left_out = build(task, rows, refuse or _raise)
        if left_out:
            notes.append(f"{left_out:,} rows left out: no label rule takes them")
    if "all" in built:
        return division.divide(built["all"], task.splits, str(folder)), sources, notes
    divided, more = division.separate(cast("dict[Split, list[Example]]", built), task.splits.seed)
    empty = next((split for split in SPLITS if not divided[split]), "")
    if empty:
        raise BadInput(f"the split `{empty}` has no rows", where=str(folder), hint="; ".join(more) or "mend its file")
    return divided, sources, notes + more


def split_path(folder: Path, split: Literal["train", "validation", "confirm"]) -> Path:
    """A split's file. There is no such path for `test`: see `open_sealed`."""
    return folder / f"{split}.jsonl"


def guards_path(folder: Path) -> Path:
    """What a recipe's process is given instead of the held-out rows."""
    return folder / GUARDS


def open_sealed(folder: Path, announce: Callable[[], None]) -> Path:
    """The sealed test split, after `announce` has put its opening on record. Raises MachineFailure if changed."""
    verify(folder)
    announce()
    return _file(folder, "test")


def verify(folder: Path) -> Manifest:
    """Hash everything and compare. Raises MachineFailure naming the file that is missing or changed."""
    path = folder / MANIFEST
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError):
        raise MachineFailure("the task's splits cannot be read", where=str(path), hint=guards.REMAKE) from None
    expected = {_file(folder, split): info.sha256 for split, info in manifest.splits.items()}
    for file, sha256 in (expected | {folder / GUARDS: manifest.guards_sha256}).items():
        try:
            found = sha256_file(file)
        except OSError as error:
            what = f"a file of the task's splits cannot be read ({error.strerror})"
            raise MachineFailure(what, where=str(file), hint=guards.REMAKE) from None
        if found != sha256:
            what = "changed since the splits were made; scores would not compare"
            raise MachineFailure(what, where=str(file), hint=guards.REMAKE)
    return manifest


def _write(target: Path, task: Task, divided: Divided, sources: dict[str, str], notes: list[str]) -> None:
    """All files into a folder beside `target`, which is then renamed to it."""
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)  # of a process that was killed; whoever holds the lock may remove it
    try:
        with disk_errors(part):
            (part / "sealed").mkdir(parents=True, mode=0o700)
        named = _names(divided)
        for split, rows in divided.items():
            write_jsonl(_file(part, split), (row.as_json(name) for row, name in zip(rows, named[split], strict=True)))
        _file(part, "test").chmod(0o400)
        held_out = (row for split in SPLITS[1:] for row in divided[split])
        guards.save(guards.build((row.prompt, row.columns) for row in held_out), part / GUARDS)
        write_json(part / MANIFEST, _manifest(part, task, divided, sources, notes))
        with disk_errors(target):
            part.rename(target)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _manifest(part: Path, task: Task, divided: Divided, sources: dict[str, str], notes: list[str]) -> Manifest:
    infos: dict[str, SplitInfo] = {}
    for split, rows in divided.items():
        answers = label_counts(task, rows)
        infos[split] = SplitInfo(rows=len(rows), sha256=sha256_file(_file(part, split)), answers=answers)
    return Manifest(
        task=task.name,
        task_fingerprint=task.fingerprint,
        splits=infos,
        guards_sha256=sha256_file(part / GUARDS),
        sources=sources,
        notes=tuple(notes),
    )


def label_counts(task: Task, rows: Sequence[Example]) -> dict[str, int]:
    """Rows per label; empty where the task has no labels."""
    counts = Counter(row.answer for row in rows)
    return {label: counts[text] for label, text in label_texts(task.evaluation, task.format).items()}


def _names(divided: Divided) -> dict[Split, list[str]]:
    """The rows' own ids where they are all there and all different, else `train-1`, `train-2`, ..."""
    own = [row.id for rows in divided.values() for row in rows]
    if all(own) and len(set(own)) == len(own):
        return {split: [row.id for row in rows] for split, rows in divided.items()}
    return {split: [f"{split}-{number}" for number in range(1, len(rows) + 1)] for split, rows in divided.items()}


def _file(folder: Path, split: str) -> Path:
    return folder / "sealed" / "test.jsonl" if split == "test" else folder / f"{split}.jsonl"


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """One maker at a time, threads included; the lock falls with its process. (flock: nothing is forked meanwhile.)"""
    path = target.with_name(f".{target.name}.lock")
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _raise(error: BadInput) -> None:
    raise error
