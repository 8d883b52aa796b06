"""Checkpoints, the finished adapter and the result: whole or not at all.

The Trainer writes a checkpoint file by file; a seal written after the last one says that it is complete, and what each
file is. A checkpoint without its seal, or with one file changed, does not exist. Not the Trainer's own format.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from engine.executor.job import Result
from engine.files import disk_errors, sha256_file, write_json

SEAL = "sealed.json"
TRAINED = "trained.json"
ADAPTER = "adapter"
RESULT = "result.json"


class Seal(msgspec.Struct, frozen=True, kw_only=True):
    """Written last into a checkpoint: SHA-256 per file, and the seconds trained so far."""

    files: dict[str, str]
    seconds: float


class Trained(msgspec.Struct, frozen=True, kw_only=True):
    """What training has to say in the result. `trained.json`: written once the adapter is safe."""

    rows: int
    examples: int
    supervised_tokens: int
    seconds: float
    loss: float  # mean over all optimiser steps
    changed: str = ""


def seal(checkpoint: Path, seconds: float) -> None:
    """Declare a checkpoint complete."""
    files = {path.name: sha256_file(path) for path in sorted(checkpoint.iterdir()) if path.is_file()}
    write_json(checkpoint / SEAL, Seal(files=files, seconds=seconds))


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
        whole = all(sha256_file(checkpoint / name) == digest for name, digest in seal.files.items())
    except (OSError, msgspec.MsgspecError):
        return None
    return seal if whole else None


def trained(directory: Path) -> Trained | None:
    """The finished training of this directory, or None."""
    try:
        return msgspec.json.decode((directory / TRAINED).read_bytes(), type=Trained)
    except (OSError, msgspec.MsgspecError):
        return None


def finished(directory: Path) -> bool:
    """Whether a whole result lies here already."""
    try:
        msgspec.json.decode((directory / RESULT).read_bytes(), type=Result)
    except (OSError, msgspec.MsgspecError):
        return False
    return True


def keep_adapter(model: object, directory: Path, facts: Trained) -> None:
    """Save the adapter under its name at once, then the facts; checkpoints have served their purpose."""
    scratch, final = directory / f".{ADAPTER}", directory / ADAPTER
    with disk_errors(final):
        for old in (scratch, final):
            shutil.rmtree(old, ignore_errors=True)
        model.save_pretrained(scratch)  # type: ignore[attr-defined]
        (scratch / "README.md").unlink(missing_ok=True)  # peft's empty model card
        scratch.rename(final)
    write_json(directory / TRAINED, facts)
    for path in directory.glob("checkpoint-*"):
        shutil.rmtree(path, ignore_errors=True)
