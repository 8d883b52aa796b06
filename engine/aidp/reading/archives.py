"""One file out of an archive (tar, tar.gz, zip: so `.tar.gz` source distributions and `.whl` too), or out of an archive
inside that one. Nothing is extracted under its own name, nothing in it is run, what is unpacked is bounded.
"""

from __future__ import annotations

import gzip
import io
import lzma
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

from engine.errors import BadInput

SUFFIXES = (".tar.gz", ".tgz", ".tar", ".zip", ".whl")
MAX_MEMBER = 256 * 1024**2  # bytes of one file inside an archive
MAX_UNPACKED = 2 * 1024**3  # bytes unpacked on the way to it: a small archive can hold terabytes of zeros
IN_MEMORY = 16 * 1024**2  # bytes of it that are held; more goes to a nameless file
HINT = "mend `member` or `inner_member`"
_CHUNK = 1024**2
_UNREADABLE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    gzip.BadGzipFile,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,  # a way of packing that Python does not know
)


def is_archive(path: Path) -> bool:
    """Whether its name says so."""
    return path.name.lower().endswith(SUFFIXES)


def open_member(archive: Path, member: str, inner: str = "") -> IO[bytes]:
    """The file `member`, or the file `inner` in the archive `member`, ready to be read. The caller closes it.

    Raises BadInput where it is not there, too large, or the archive cannot be read; OSError.
    """
    with archive.open("rb") as packed:
        found = _found(packed, member, archive.name)
    if not inner:
        return found
    with found:
        return _found(found, inner, f"{archive.name}/{member}")


def _found(packed: IO[bytes], member: str, where: str) -> IO[bytes]:
    copy: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - the caller closes it
    kind, find = ("zip", _from_zip) if _is_zip(packed) else ("tar", _from_tar)
    try:
        there = find(packed, member, where, copy)
    except _UNREADABLE as error:
        raise BadInput(f"not a readable {kind} archive: {error}", where=where) from None
    if not there:
        raise BadInput(f"holds no file `{member}`", where=where, hint=HINT)
    copy.seek(0)
    return copy


def _is_zip(packed: IO[bytes]) -> bool:
    start = packed.read(4)
    packed.seek(0)
    return start == b"PK\x03\x04"


def _from_tar(packed: IO[bytes], member: str, where: str, copy: IO[bytes]) -> bool:
    compressed = packed.read(2) == b"\x1f\x8b"
    packed.seek(0)
    plain = gzip.GzipFile(fileobj=packed, mode="rb") if compressed else packed
    with tarfile.open(fileobj=Counted(plain, where), mode="r|") as tar:
        for info in tar:
            if info.name.removeprefix("./") != member:
                continue
            content = tar.extractfile(info) if info.isfile() else None
            if content is None:
                raise BadInput(f"`{member}` is no ordinary file", where=where)
            _copied(content, copy, member, where)
            return True
    return False


def _from_zip(packed: IO[bytes], member: str, where: str, copy: IO[bytes]) -> bool:
    with zipfile.ZipFile(packed) as archive:
        if member not in archive.namelist():
            return False
        info = archive.getinfo(member)
        if info.is_dir() or info.flag_bits & 1:
            raise BadInput(f"`{member}` is a folder or encrypted", where=where, hint=HINT)
        with archive.open(info) as content:
            _copied(content, copy, member, where)
    return True


def _copied(content: IO[bytes], copy: IO[bytes], member: str, where: str) -> None:
    """All of it, counted as it comes: what an archive says of sizes may be wrong."""
    left = MAX_MEMBER
    while part := content.read(_CHUNK):
        left -= len(part)
        if left < 0:
            raise BadInput(f"`{member}` is larger than {MAX_MEMBER:,} bytes", where=where)
        copy.write(part)


class Counted(io.RawIOBase):
    """A reader that gives up, with BadInput, after `limit` bytes."""

    def __init__(self, source: IO[bytes] | gzip.GzipFile, where: str, limit: int | None = None) -> None:
        self._source, self._where = source, where
        self._limit = self._left = MAX_UNPACKED if limit is None else limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._source.read(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise BadInput(f"unpacks to more than {self._limit:,} bytes", where=self._where)
        buffer[: len(data)] = data
        return len(data)
