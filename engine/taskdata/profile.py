"""The profile of a task's splits. Its process is `engine.taskdata.profiling`.

Rows of train and validation are looked at. Of confirm and test there are the manifest's counts and nothing else: their
files are not opened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from engine.aidp.guards import REMAKE
from engine.aidp.profile import Drawn, Profile, profile
from engine.errors import MachineFailure
from engine.files import UNREADABLE, read_regular, sha256_file
from engine.task import SPLITS
from engine.taskdata.store import MANIFEST, Manifest, split_path

VERSION = 2
DRAWN = 500  # prompts of a split whose language is asked for
Languages = Callable[[Iterable[str]], tuple[tuple[str, int], ...]]
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


def profile_splits(folder: Path, languages: Languages | None = None) -> DataProfile:
    """The profile. `languages` says in which ones some texts are; without it nobody looks. Raises MachineFailure where
    the manifest, or a row of a file, cannot be read."""
    manifest = _manifest(folder / MANIFEST)
    return DataProfile(
        task=manifest.task,
        splits=tuple(_split(folder, name, manifest, languages) for name in SPLITS if name in manifest.splits),
        notes=manifest.notes,
    )


def _manifest(path: Path) -> Manifest:
    try:
        return msgspec.json.decode(read_regular(path), type=Manifest)
    except (OSError, *UNREADABLE):
        raise MachineFailure("the task's splits cannot be read", where=str(path), hint=REMAKE) from None


def _split(folder: Path, name: str, manifest: Manifest, languages: Languages | None) -> SplitProfile:
    info = manifest.splits[name]
    counted = SplitProfile(name=name, rows=info.rows, sha256=info.sha256, labels=info.answers)
    if name not in OPEN:
        return counted
    path = split_path(folder, "train" if name == "train" else "validation")
    try:
        changed = sha256_file(path) != info.sha256
        drawn = Drawn(DRAWN)
        found = profile(drawn.of(_rows(path)))
    except OSError as error:
        raise MachineFailure(f"cannot be read ({error.strerror})", where=str(path), hint=REMAKE) from None
    if languages is not None:
        spoken = languages(row["prompt"] for row in drawn.rows)
        found = msgspec.structs.replace(found, languages=spoken, looked_at=len(drawn.rows))
    return msgspec.structs.replace(counted, changed=changed, profile=found)


class _Row(msgspec.Struct):
    """The columns that are looked at; a source's own are left out."""

    prompt: str
    answer: str
    id: str = ""


def _rows(path: Path) -> Iterator[Mapping[str, str]]:
    """Row by row: a large file never stands in memory."""
    decode = msgspec.json.Decoder(_Row).decode
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                row = decode(line)
            except UNREADABLE as error:
                raise MachineFailure(f"line {number} is no row: {error}", where=str(path), hint=REMAKE) from None
            yield {"prompt": row.prompt, "answer": row.answer, "id": row.id}
