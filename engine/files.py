"""Small file habits used everywhere: atomic writes, hashes, JSON lines.

Not a storage layer: history lives in the journal, telemetry in the trial directories.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import msgspec

from engine.errors import BadInput, MachineFailure
from engine.failpoints import reach

MAX_READ = 1 << 30
# All that msgspec raises for bytes from outside: its own errors, and two of Python's.
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_NO_PLACE = {errno.ENOENT, errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP}


@contextmanager
def disk_errors(path: Path, place: str = "") -> Iterator[None]:
    """Turn the operating system's refusals to write into one sentence with the way out: MachineFailure.

    `place` says how a person chooses another place. With it, a name under which nothing can be written is BadInput.
    """
    try:
        yield
    except OSError as error:
        if place and error.errno in _NO_PLACE:
            what = f"nothing can be written under this name ({error.strerror})"
            raise BadInput(what, where=str(path), hint=f"choose another place {place}") from None
        place = place or "with --workspace"
        hint = {
            errno.ENOSPC: "free some space and start again",
            errno.EDQUOT: "the disk quota is used up; free some space and start again",
            errno.EROFS: f"the disk is read-only; choose another place {place}",
            errno.EACCES: f"choose a place that you may write to {place}",
            errno.EPERM: f"choose a place that you may write to {place}",
            errno.EIO: "the disk is failing; look at the kernel's log",
        }.get(error.errno or 0)
        if hint is None:
            raise
        raise MachineFailure(f"cannot write: {error.strerror}", where=str(path), hint=hint) from None


def expanded(path: Path) -> Path:
    """The path with `~` and `~name` replaced. Raises BadInput where there is no such person."""
    try:
        return path.expanduser()
    except RuntimeError:
        raise BadInput("there is no such home folder", where=str(path), hint="write the whole path") from None


def open_regular(path: Path) -> IO[bytes]:
    """An ordinary file, to be read. Raises OSError: not there, no ordinary file (a pipe would never end)."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "no ordinary file", str(path))
    return os.fdopen(handle, "rb")


def read_regular(path: Path, limit: int = MAX_READ) -> bytes:
    """An ordinary file's bytes. Raises OSError: not there, no ordinary file, too large."""
    with open_regular(path) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"larger than {limit:,} bytes", str(path))
    return data


def is_file(path: Path) -> bool:
    """Whether an ordinary file lies there; a name that no file can have is no file."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def sync(path: Path) -> None:
    """A file's content, or a folder's names, are on the disk when this returns."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_atomic(path: Path, data: bytes | Iterable[bytes], mode: int = 0o600, place: str = "") -> None:
    """Write all or nothing: temporary file in the same folder, fsync, rename, fsync of the folder."""
    with disk_errors(path, place):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as out:
                out.writelines([data] if isinstance(data, bytes) else data)
                out.flush()
                os.fsync(out.fileno())
            Path(name).chmod(mode)
            reach("file.before_rename")
            Path(name).replace(path)
            reach("file.after_rename")
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        sync(path.parent)


def write_json(path: Path, value: object) -> None:
    """`value` (msgspec type or builtins) as indented JSON, atomically."""
    write_atomic(path, msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n")


def write_jsonl(path: Path, rows: Iterable[object]) -> None:
    """One JSON document per line, atomically; memory does not grow with the rows."""
    encode = msgspec.json.encode
    write_atomic(path, (encode(row) + b"\n" for row in rows))


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """All whole rows of a JSON-lines file; a torn last line (a writer killed) is left out."""
    if not path.exists():
        return []
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    return [msgspec.json.decode(line) for line in whole.splitlines() if line.strip()]


def sha256_file(path: Path) -> str:
    """Hex SHA-256 of a file, read in blocks."""
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def fingerprint(value: object) -> str:
    """16 hex digits that name a value: SHA-256 of its JSON with sorted keys."""
    return hashlib.sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()[:16]
