"""What an earlier `trex data run --out` left in a folder: only that is ever replaced. Everything else is a person's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from engine.aidp.job import LEFT, REPORT, ROWS, DataReport
from engine.errors import TrexError
from engine.files import read_regular, sha256_file
from engine.strict import from_json


def earlier(out: Path) -> frozenset[str]:
    """The names of entries that a result of ours consists of, as its report says: rows that were written since, and a
    folder of `export` with anything else in it, are not ours. Raises OSError."""
    report = _report(out / REPORT)
    if report is None:
        return frozenset()
    plain = {name for name in LEFT if _is_plain(out / name)}
    if ROWS in plain and sha256_file(out / ROWS) != report.sha256:
        plain.remove(ROWS)
    written = {Path(path) for path in report.files}
    folders = {path.parts[0] for path in written if len(path.parts) > 1}
    return frozenset(plain | {name for name in folders if _is_of(out, out / name, written)})


def _report(path: Path) -> DataReport | None:
    try:
        return from_json(read_regular(path), DataReport, source=str(path)) if _is_plain(path) else None
    except (OSError, TrexError):
        return None


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _is_of(out: Path, folder: Path, written: set[Path]) -> bool:
    """Whether nothing but these files, and folders that they lie in, is below the folder."""
    if not folder.is_dir() or folder.is_symlink():
        return False
    around = {parent for path in written for parent in path.parents}
    return all(
        path.relative_to(out) in around if is_folder else path.relative_to(out) in written and _is_plain(path)
        for path, is_folder in _below(folder)
    )


def _below(folder: Path) -> Iterator[tuple[Path, bool]]:
    """Everything below a folder, links not followed, and whether it is a folder itself."""
    with os.scandir(folder) as entries:
        for entry in entries:
            is_folder = entry.is_dir(follow_symlinks=False)
            yield Path(entry.path), is_folder
            if is_folder:
                yield from _below(Path(entry.path))
