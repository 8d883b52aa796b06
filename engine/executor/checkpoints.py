"""Checkpoints, the finished adapter and the result: whole or not at all, after a lost power supply too.

The Trainer writes a checkpoint file by file; a seal written after the last one says that it is complete, and what each
file is. A checkpoint without its seal, or with one file changed, does not exist. Not the Trainer's own format.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from engine.executor.job import Result
from engine.failpoints import reach
from engine.files import UNREADABLE, disk_errors, sha256_file, sync, write_json

SEAL = "sealed.json"
TRAINED = "trained.json"
ADAPTER = "adapter"
RESULT = "result.json"


class Seal(msgspec.Struct, frozen=True, kw_only=True):
    """Written last into a checkpoint: SHA-256 per file, and the seconds trained so far."""

    files: dict[str, str]
    seconds: float


class Trained(msgspec.Struct, frozen=True, kw_only=True):
    """What training has to say in the result. `trained.json`: written once the adapter is safe; it names its files."""

    rows: int
    examples: int
    supervised_tokens: int
    seconds: float
    loss: float  # mean over all optimiser steps
    changed: str = ""
    adapter: dict[str, str] = {}  # SHA-256 per file


def seal(checkpoint: Path, seconds: float) -> None:
    """Declare a checkpoint complete."""
    with disk_errors(checkpoint):
        files = on_disk(checkpoint)
    reach("checkpoint.files")
    write_json(checkpoint / SEAL, Seal(files=files, seconds=seconds))
    reach("checkpoint.sealed")


def on_disk(folder: Path) -> dict[str, str]:
    """SHA-256 of each of the folder's files. They are on the disk, not only in memory, when this returns."""
    files = {path.name: _synced(path) for path in sorted(folder.iterdir()) if path.is_file() and path.name != SEAL}
    sync(folder)
    return files


def _synced(path: Path) -> str:
    sync(path)
    return sha256_file(path)


def remove(directory: Path, but: Path | None = None) -> None:
    """Remove checkpoints, whole or not, all but one."""
    for path in directory.glob("checkpoint-*"):
        if path != but:
            shutil.rmtree(path, ignore_errors=True)


def latest(directory: Path) -> tuple[Path, Seal] | None:
    """The newest checkpoint that is whole, with its seal."""
    found = [path for path in directory.glob("checkpoint-*") if path.name.split("-")[-1].isdigit()]
    for path in sorted(found, key=step_of, reverse=True):
        seal = _seal_of(path)
        if seal is not None:
            return path, seal
    return None


def step_of(checkpoint: Path) -> int:
    """Optimiser steps done, by the folder's name."""
    return int(checkpoint.name.split("-")[-1])


def _seal_of(checkpoint: Path) -> Seal | None:
    try:
        seal = msgspec.json.decode((checkpoint / SEAL).read_bytes(), type=Seal)
    except (OSError, *UNREADABLE):
        return None
    return seal if is_whole(checkpoint, seal.files) else None


def is_whole(folder: Path, files: dict[str, str]) -> bool:
    """Whether every file is there as it was written."""
    try:
        return all(sha256_file(folder / name) == digest for name, digest in files.items())
    except OSError:
        return False


def trained(directory: Path) -> Trained | None:
    """The finished training of this directory, or None where there is none or its adapter is damaged."""
    try:
        facts = msgspec.json.decode((directory / TRAINED).read_bytes(), type=Trained)
    except (OSError, *UNREADABLE):
        return None
    return facts if is_whole(directory / ADAPTER, facts.adapter) else None


def finished(directory: Path) -> bool:
    """Whether a whole result lies here already."""
    try:
        msgspec.json.decode((directory / RESULT).read_bytes(), type=Result)
    except (OSError, *UNREADABLE):
        return False
    return True


def keep_adapter(model: object, directory: Path, facts: Trained) -> Trained:
    """Save the adapter under its name at once, then the facts, now with its files; no checkpoint is needed any more."""
    scratch, final = directory / f".{ADAPTER}", directory / ADAPTER
    with disk_errors(final):
        for old in (scratch, final):
            shutil.rmtree(old, ignore_errors=True)
        model.save_pretrained(scratch)  # type: ignore[attr-defined]
        (scratch / "README.md").unlink(missing_ok=True)  # peft's empty model card
        facts = msgspec.structs.replace(facts, adapter=on_disk(scratch))
        reach("adapter.saved")
        scratch.rename(final)
    reach("adapter.renamed")
    write_json(directory / TRAINED, facts)
    reach("trained.written")
    remove(directory)
    return facts
