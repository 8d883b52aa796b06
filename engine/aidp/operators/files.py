"""The files that `load` and `mix` read: found below one folder (a task's `extra/`), opened, and read into a Dataset."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO

import pyarrow as pa
from datasets import Dataset

from engine.aidp.context import Context
from engine.aidp.kinds.loading import RAW, File
from engine.aidp.naming import apart
from engine.aidp.reading import archives, folders, readers, spool
from engine.aidp.reading.readers import Row
from engine.aidp.reading.values import NO_TEXT, RENAME, encodable
from engine.errors import BadInput, IdeaFailure
from engine.files import open_regular

MAX_FILE = 256 * 1024**3  # bytes: it is read row by row
_COLUMNS = ((RAW[0], pa.string()), (RAW[1], pa.int64()))


def read(op: File, context: Context) -> Dataset:
    """The rows of the file with the columns RAW, then the file's own: values as text. Raises IdeaFailure.

    Rows that cannot be read are set aside, up to the context's share of the file's rows.
    """
    path = confined(context.root, op.path)
    name = "/".join(filter(None, (op.path or ".", op.split, op.member, op.inner_member)))
    try:
        rows = _Tolerant(op, path, name, context)
        found = spool.raw(spool.told(rows, context.progress), _COLUMNS, context.scratch, name)
    except BadInput as error:  # the recipe chose this file: its idea does not work
        said = (encodable(part) for part in (error.what, error.where, error.hint))
        raise IdeaFailure(next(said), where=next(said), hint=next(said)) from None
    rows.check()
    return found


def confined(root: Path | None, path: str) -> Path:
    """`path` below `root`, links followed. Raises IdeaFailure for one that leads out or is not there."""
    if root is None:
        raise IdeaFailure(
            f"`{path}` cannot be read: the task has no folder `extra/`", hint="leave out `load` and `mix`"
        )
    if (found := folders.below(root, path)) is None:
        raise IdeaFailure(f"`{path}` leads out of the folder `{root.name}/`", hint="name a file inside it")
    if not found.is_file() and not folders.is_data(found):
        there = sorted(str(file.relative_to(root)) for file in root.rglob("*") if file.is_file())[:20]
        named = encodable(", ".join(there)) or "none"
        raise IdeaFailure(f"no file `{path}` in the folder `{root.name}/`", hint=f"there: {named}")
    return found


class _Tolerant:
    """The rows of a file as dicts, with RAW; what cannot be read is noted and counted."""

    def __init__(self, op: File, path: Path, name: str, context: Context) -> None:
        self._op, self._path, self._name, self._context = op, path, name, context
        self._read = 0
        self._first = self._why = ""

    def __iter__(self) -> Iterator[dict[str, object]]:
        for row in islice(self._rows(), self._op.rows or None):
            if self._read == self._context.max_rows:
                what = f"more than {self._context.max_rows:,} rows"
                raise IdeaFailure(what, where=self._name, hint="use a smaller file, or allow more rows")
            self._read += 1
            yield {RAW[0]: self._name, RAW[1]: row.line, **apart(row.values)}

    def _rows(self) -> Iterator[Row]:
        op = self._op
        if self._path.is_dir():
            yield from self._shards()
            return
        file = archives.open_member(self._path, op.member, op.inner_member, self._alive) if op.member else None
        path = Path(op.inner_member or op.member) if file else self._path
        if file is None and archives.is_archive(path):
            raise BadInput("an archive holds many files", where=self._name, hint="name one of them in `member`")
        yield from self._file(path, file_format(path, op), file=file)

    def _shards(self) -> Iterator[Row]:
        """The files of a folder's split, one after the other; rows are numbered through."""
        before = last = 0
        split = folders.split_of(self._path, self._op.split, self._name)
        if split.others:
            others = ", ".join(f"`{other}`" for other in split.others)
            self._context.notes.remark(f"the split `{split.name}` is read; there are also {others}")
        for shard in split.files:
            before += last
            last = 0
            for row in self._file(shard, file_format(shard, self._op), name=f"{self._name}/{shard.name}"):
                last = row.line
                yield row._replace(line=before + last)

    def _file(
        self, path: Path, format: readers.FileFormat, file: IO[bytes] | None = None, name: str = ""
    ) -> Iterator[Row]:
        return readers.read_rows(
            path,
            format,
            encoding=self._op.encoding,
            columns=self._op.columns,
            name=name or self._name,
            file=file,
            aside=self._set_aside,
            remark=self._context.notes.remark,
            max_bytes=MAX_FILE,
            max_rows=self._context.max_rows + 1,
            alive=self._alive,
        )

    def _alive(self) -> None:
        self._context.progress(self._read, 0)

    def _set_aside(self, where: str, why: str, text: str) -> None:
        notes = self._context.notes
        if not self._first:
            self._first, self._why = encodable(f"{where}: {why}"), why
        notes.sets_aside(where, why, text)

    def check(self) -> None:
        """Raises IdeaFailure where there is no row, or too many are broken."""
        broken = self._context.notes.broken_rows
        if not broken + self._read:
            raise IdeaFailure("there are no rows in it", where=self._name)
        if self._read and broken / (broken + self._read) <= self._context.max_broken:
            return
        what = f"{broken:,} of {broken + self._read:,} rows cannot be read, the first: {self._first}"
        mend = RENAME if self._why == NO_TEXT else "mend the file, or say its format or encoding"
        allowed = f"at most {self._context.max_broken:.0%} may be broken: " if self._read else ""
        raise IdeaFailure(what, where=self._name, hint=f"{allowed}{mend}")


def file_format(path: Path, op: File) -> readers.FileFormat:
    """What `auto` stands for: by the name; a `.txt` file without a tab in its first line is text."""
    if op.format == "auto" and path.suffix.lower() == ".txt" and path.is_file() and not op.columns:
        with open_regular(path) as file:
            return "tsv" if b"\t" in file.readline(100_000) else "text"
    return op.format
