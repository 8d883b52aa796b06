"""The profile of a task's splits, in a process of its own: `python -P -m engine.taskdata.profile SPLITS OUT`.

Rows of train and validation are looked at. Of confirm and test there are the manifest's counts and nothing else: their
files are not opened. OUT may be deleted at any time.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from engine.aidp.guards import REMAKE
from engine.aidp.profile import Profile, profile
from engine.errors import MachineFailure, TrexError
from engine.executor.limits import yield_to_others
from engine.files import UNREADABLE, read_regular, sha256_file, write_json
from engine.task import SPLITS
from engine.taskdata.store import MANIFEST, Manifest, split_path

VERSION = 1
OPEN = ("train", "validation")


class SplitProfile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One split. `labels`: rows per label, where the task has labels. `profile` None: only counts may be seen."""

    name: str
    rows: int
    sha256: str
    labels: dict[str, int]
    changed: bool = False  # the file is not what the manifest says
    profile: Profile | None = None


class DataProfile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All splits of a task, in order; `notes` are the manifest's."""

    task: str
    splits: tuple[SplitProfile, ...]
    notes: tuple[str, ...] = ()
    version: int = VERSION


def profile_splits(folder: Path) -> DataProfile:
    """Raises MachineFailure where the manifest, or a row of a file, cannot be read."""
    manifest = _manifest(folder / MANIFEST)
    return DataProfile(
        task=manifest.task,
        splits=tuple(_split(folder, name, manifest) for name in SPLITS if name in manifest.splits),
        notes=manifest.notes,
    )


def _manifest(path: Path) -> Manifest:
    try:
        return msgspec.json.decode(read_regular(path), type=Manifest)
    except (OSError, *UNREADABLE):
        raise MachineFailure("the task's splits cannot be read", where=str(path), hint=REMAKE) from None


def _split(folder: Path, name: str, manifest: Manifest) -> SplitProfile:
    info = manifest.splits[name]
    counted = SplitProfile(name=name, rows=info.rows, sha256=info.sha256, labels=info.answers)
    if name not in OPEN:
        return counted
    path = split_path(folder, "train" if name == "train" else "validation")
    try:
        changed = sha256_file(path) != info.sha256
        return msgspec.structs.replace(counted, changed=changed, profile=profile(_rows(path)))
    except OSError as error:
        raise MachineFailure(f"cannot be read ({error.strerror})", where=str(path), hint=REMAKE) from None


class _Row(msgspec.Struct):
    """The columns that are looked at; a source's own are left out."""

    prompt: str
    answer: str
    id: str = ""


def _rows(path: Path) -> Iterator[dict[str, str]]:
    """Row by row: a large file never stands in memory."""
    decode = msgspec.json.Decoder(_Row).decode
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                row = decode(line)
            except UNREADABLE as error:
                raise MachineFailure(f"line {number} is no row: {error}", where=str(path), hint=REMAKE) from None
            yield {"prompt": row.prompt, "answer": row.answer, "id": row.id}


def main(arguments: list[str]) -> int:
    if len(arguments) != 2:
        print("usage: python -P -m engine.taskdata.profile SPLITS OUT", file=sys.stderr)  # noqa: T201
        return 2
    yield_to_others()
    os.nice(10)  # somebody works, or a model trains, on the same cores
    try:
        write_json(Path(arguments[1]), profile_splits(Path(arguments[0])))
    except TrexError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
