"""One file out of an archive (tar, tar.gz, zip: so `.tar.gz` source distributions and `.whl` too), or out of an archive
inside that one. Nothing is extracted under its own name, nothing in it is run, what is unpacked is bounded.
"""

from __future__ import annotations

import gzip
import io
import lzma
import struct
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any, Never, Self

from engine.aidp.reading import Alive, nothing
from engine.errors import BadInput
from engine.files import disk_errors, open_regular

SUFFIXES = (".tar.gz", ".tgz", ".tar", ".zip", ".whl")
MAX_MEMBER = 256 * 1024**2  # bytes of one file inside an archive
MAX_UNPACKED = 2 * 1024**3  # bytes unpacked on the way to it: a small archive can hold terabytes of zeros
MAX_HEADER = 1024**2  # bytes of a tar's long name, and of all that it says of all files together
MAX_LIST = 16 * 1024**2  # bytes of a zip's list of files, which is held whole
IN_MEMORY = 16 * 1024**2  # bytes of it that are held; more goes to a nameless file
HINT = "mend `member` or `inner_member`"
_CHUNK = 1024**2
_EVERY = 4 * 1024**2  # bytes between two calls of `alive`
_HOLES, _PACK = "it holds a file with holes", "pack it again without --sparse"
_LONG = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE)
_UNREADABLE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    OSError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    ValueError,
    OverflowError,
    NotImplementedError,  # a way of packing that Python does not know
)


def is_archive(path: Path) -> bool:
    """Whether its name says so."""
    return path.name.lower().endswith(SUFFIXES)


def open_member(archive: Path, member: str, inner: str = "", alive: Alive = nothing) -> IO[bytes]:
    """The file `member`, or the file `inner` in the archive `member`, ready to be read. The caller closes it.

    `alive` is called every few megabytes. Raises BadInput where it is not there, too large, or the archive cannot be
    read; OSError where no file `archive` can be opened.
    """
    with open_regular(archive) as packed:
        found = _found(packed, member, archive.name, alive)
    if not inner:
        return found
    with found:
        return _found(found, inner, f"{archive.name}/{member}", alive)


def _found(packed: IO[bytes], member: str, where: str, alive: Alive) -> IO[bytes]:
    copy: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - the caller closes it
    kind, find = ("zip", _from_zip) if _is_zip(packed) else ("tar", _from_tar)
    try:
        there = find(packed, member, where, copy, alive)
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


def _from_tar(packed: IO[bytes], member: str, where: str, copy: IO[bytes], alive: Alive) -> bool:
    compressed = packed.read(2) == b"\x1f\x8b"
    packed.seek(0)
    plain = gzip.GzipFile(fileobj=packed, mode="rb") if compressed else packed
    with tarfile.open(fileobj=Counted(plain, where, alive=alive), mode="r|", tarinfo=_headers(where)) as tar:
        while (info := tar.next()) is not None:
            tar.members = []  # type: ignore[attr-defined] # it would keep all of them
            if info.name.removeprefix("./") != member:
                continue
            content = tar.extractfile(info) if info.isfile() else None
            if content is None:
                raise BadInput(f"`{member}` is no ordinary file", where=where)
            _copied(content, copy, member, where)
            return True
    return False


def _headers(where: str) -> type[tarfile.TarInfo]:
    """How the headers of one tar are read: tarfile holds each whole, so none may be longer than MAX_HEADER."""
    left = MAX_HEADER

    class Header(tarfile.TarInfo):
        @classmethod
        def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
            nonlocal left
            info = super().frombuf(buf, encoding, errors)
            left -= info.size if info.type == tarfile.XGLTYPE else 0
            if left < 0 or (info.type in _LONG and info.size > MAX_HEADER):
                raise BadInput(f"a header of more than {MAX_HEADER:,} bytes", where=where, hint="pack it again")
            if info.type == tarfile.GNUTYPE_SPARSE:
                raise BadInput(_HOLES, where=where, hint=_PACK)
            return info

        def _proc_gnusparse_10(self, *_: object) -> Never:  # the other way to list holes, as many as one likes
            raise BadInput(_HOLES, where=where, hint=_PACK)

    return Header


def _from_zip(packed: IO[bytes], member: str, where: str, copy: IO[bytes], alive: Alive) -> bool:
    with zipfile.ZipFile(_Sparing(packed, where, alive)) as archive:
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
        with disk_errors(Path(tempfile.gettempdir()), "with TMPDIR"):
            copy.write(part)


class Counted(io.RawIOBase):
    """A reader that gives up, with BadInput, after `limit` bytes, and calls `alive` every few megabytes."""

    def __init__(
        self, source: IO[bytes] | gzip.GzipFile, where: str, limit: int | None = None, alive: Alive = nothing
    ) -> None:
        self._source, self._where, self._alive = source, where, alive
        self._limit = self._left = MAX_UNPACKED if limit is None else limit
        self._silent = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._source.read(len(buffer))
        self._left -= len(data)
        self._silent += len(data)
        if self._left < 0:
            raise BadInput(f"unpacks to more than {self._limit:,} bytes", where=self._where)
        if self._silent >= _EVERY:
            self._silent = 0
            self._alive()
        buffer[: len(data)] = data
        return len(data)


class _Sparing:
    """A zip's file that refuses, with BadInput, to give more than MAX_LIST bytes at once: only the list is so long."""

    def __init__(self, source: IO[bytes], where: str, alive: Alive) -> None:
        self._source, self._where, self._alive = source, where, alive
        self.seek, self.tell, self.seekable = source.seek, source.tell, source.seekable

    def read(self, size: int = -1) -> bytes:
        if size > MAX_LIST:
            raise BadInput(f"its list of files is larger than {MAX_LIST:,} bytes", where=self._where)
        self._alive()
        return self._source.read(size)
