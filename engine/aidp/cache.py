"""Results of operators, kept by fingerprint: a recipe that begins like an earlier one does not repeat its beginning.

A fingerprint says what went in (rows, operator, seed and place where it draws, files, held-out splits, models), so an
entry is right or not there; a damaged one counts as not there, and so does one of another fingerprint. The oldest
entries go when there are too many bytes.
Ours alone, like a trial's checkpoints: nothing that came from elsewhere is ever put in.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, cast

import msgspec
from datasets import Dataset

from engine.aidp.job import Step
from engine.aidp.notes import Broken
from engine.aidp.samples import StepSamples
from engine.files import open_regular, read_regular, sha256_file

VERSION = 2  # of what operators do: raise it when one does something else for the same fingerprint
LIMIT = 4 * 2**30  # bytes of all entries
WORTH = 0.2  # seconds of work below which reading it again saves nothing
_STEP, _ROWS = "step.json", "rows"


class Entry(msgspec.Struct, frozen=True):
    """`step.json` of an entry, beside its Arrow files. `seal`, by `put`, binds it to its fingerprint and to them."""

    step: Step
    samples: StepSamples
    broken: tuple[Broken, ...] = ()
    seal: str = ""


class Kept(NamedTuple):
    rows: Dataset
    entry: Entry


def chained(before: str, *facts: bytes | str) -> str:
    """The fingerprint of what comes out, from that of what went in and everything else that decides it."""
    digest = hashlib.sha256(f"{VERSION} {before}".encode())
    for fact in facts:
        data = fact.encode(errors="surrogateescape") if isinstance(fact, str) else fact  # names of files are bytes
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


class StepCache:
    """A folder of entries, used by several processes at once."""

    def __init__(self, folder: Path, limit: int = LIMIT, worth: float = WORTH) -> None:
        self._folder, self._limit, self._worth = folder, limit, worth

    def get(self, key: str) -> Kept | None:
        """What is kept under the fingerprint."""
        place = self._folder / key
        try:
            entry = msgspec.json.decode(read_regular(place / _STEP), type=Entry)
            if _sealed(key, entry, place / _ROWS) != entry.seal:
                raise ValueError("not what was written under this fingerprint")
            rows = Dataset.load_from_disk(str(place / _ROWS))
        except FileNotFoundError:
            return None
        except Exception:  # whatever is wrong with it: the work is done again
            _remove(place)
            return None
        with suppress(OSError):
            os.utime(place)  # used now: among the last to go
        return Kept(rows, entry)

    def put(self, key: str, rows: Dataset, entry: Entry) -> None:
        """Keep a result if it took long enough. A full disk keeps nothing, and fails nothing."""
        if entry.step.seconds < self._worth:
            return
        place, made = self._folder / key, self._folder / f".{key}.{os.getpid()}"
        try:
            made.mkdir(parents=True, mode=0o700)
            rows.save_to_disk(str(made / _ROWS))
            entry = msgspec.structs.replace(entry, seal=_sealed(key, entry, made / _ROWS))
            (made / _STEP).write_bytes(msgspec.json.encode(entry))
            made.rename(place)
        except OSError:  # no room, or another process was faster
            shutil.rmtree(made, ignore_errors=True)
        self._make_room()

    def _make_room(self) -> None:
        entries = [(place, _size(place), _used(place)) for place in self._folder.glob("[0-9a-f]*")]
        total = sum(size for _, size, _ in entries)
        for place, size, _ in sorted(entries, key=lambda entry: entry[2]):
            if total <= self._limit:
                return
            _remove(place)  # whoever has it mapped keeps what is mapped
            total -= size


def sums(path: Path) -> list[str]:
    """What a file or a folder of files holds; nothing for what is not there."""
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        return [fact for file in files for fact in (str(file.relative_to(path)), sha256_file(file))]
    return [sha256_file(path)] if path.is_file() else []


def _sealed(key: str, entry: Entry, rows: Path) -> str:
    """Of all that an entry is. Raises OSError, also where something is no ordinary file: a pipe would never end."""
    facts = [fact for file in sorted(rows.iterdir()) for fact in (file.name, _hashed(file))]
    return chained(key, msgspec.json.encode(msgspec.structs.replace(entry, seal="")), *facts)


def _hashed(path: Path) -> str:
    with open_regular(path) as file:
        return hashlib.file_digest(cast(io.BufferedReader, file), "sha256").hexdigest()


def _remove(place: Path) -> None:
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place, ignore_errors=True)
    else:
        with suppress(OSError):
            place.unlink()


def _size(place: Path) -> int:
    with suppress(OSError):
        return sum(file.stat().st_size for file in place.rglob("*") if file.is_file())
    return 0


def _used(place: Path) -> float:
    with suppress(OSError):
        return place.stat().st_mtime
    return 0.0
