"""One file out of a package's source distribution: fetched, checked against its hash, read as a stream.

Nothing is extracted to disk and nothing in the archive is run.
"""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from engine.errors import BadInput, MachineFailure
from engine.files import sha256_file
from engine.task import SourceDistribution

Progress = Callable[[int, int], None]  # bytes done, bytes in all (0 where unknown)

MAX_MEMBER = 256 * 1024**2  # bytes of one file inside an archive
MAX_UNPACKED = 2 * 1024**3  # bytes unpacked on the way to it: a small archive can hold terabytes of zeros


def fetch(source: SourceDistribution, cache: Path, *, offline: bool, progress: Progress) -> Path:
    """The archive in the cache. Raises MachineFailure where it is neither there nor allowed to be fetched."""
    from engine import registry  # brings in the HTTP client: not before it may be needed

    folder = cache / "sources"
    if not offline:
        return registry.fetch_package_file(source.package, source.version, "sdist", folder, source.sha256, progress)
    if local := registry.find_local(source.package, source.version, "sdist", source.sha256):
        return local
    cached = registry.find_in(folder, source.package, source.version, "sdist")
    if cached is not None and sha256_file(cached) == source.sha256:
        return cached
    raise MachineFailure(
        f"the data (source distribution of {source.package} {source.version}) was not fetched yet",
        where=str(folder),
        hint="fetch it once with a network, or name a folder that holds it in TREX_FIND_LINKS",
    )


def read_member(archive: Path, source: SourceDistribution) -> bytes:
    """The bytes of `member`, or of `inner_member` inside it. Raises BadInput where it is not there or too large."""
    with archive.open("rb") as packed:
        data = _find(packed, source.member, f"{archive.name}")
    if not source.inner_member:
        return data
    return _find(io.BytesIO(data), source.inner_member, f"{archive.name}/{source.member}")


def _find(packed: IO[bytes], member: str, where: str) -> bytes:
    compressed = packed.read(2) == b"\x1f\x8b"
    packed.seek(0)
    plain = gzip.GzipFile(fileobj=packed) if compressed else packed
    try:
        with tarfile.open(fileobj=_Counted(plain, where), mode="r|") as tar:
            for info in tar:
                if info.name.removeprefix("./") != member:
                    continue
                if not info.isfile():
                    raise BadInput(f"`{member}` is no ordinary file", where=where)
                if info.size > MAX_MEMBER:
                    raise BadInput(f"`{member}` is larger than {MAX_MEMBER:,} bytes", where=where)
                content = tar.extractfile(info)
                assert content is not None  # an ordinary file has content
                return content.read()
    except (tarfile.TarError, EOFError, gzip.BadGzipFile) as error:
        raise BadInput(f"not a readable tar archive: {error}", where=where) from None
    raise BadInput(f"holds no file `{member}`", where=where, hint="mend `member` or `inner_member` in [data.source]")


class _Counted(io.RawIOBase):
    """A reader that gives up after MAX_UNPACKED bytes."""

    def __init__(self, source: IO[bytes] | gzip.GzipFile, where: str) -> None:
        self._source, self._where, self._left = source, where, MAX_UNPACKED

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise BadInput(f"unpacks to more than {MAX_UNPACKED:,} bytes", where=self._where)
        return data
