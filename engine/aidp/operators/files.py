"""The files that `load` and `mix` read: found below one folder (a task's `extra/`), opened, and read into a Dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pyarrow as pa
from datasets import Dataset

from engine.aidp.context import Context
from engine.aidp.kinds.loading import RAW, File
from engine.aidp.notes import BROKEN
from engine.aidp.reading import archives, folders, readers, spool
from engine.aidp.reading.readers import Row
from engine.errors import BadInput, IdeaFailure

MAX_FILE = 256 * 1024**3  # bytes: it is read row by row
NGRAM = 8  # words that a broken row may not share with a held-out one if it is to be shown
_COLUMNS = ((RAW[0], pa.string()), (RAW[1], pa.int64()))


def read(op: File, context: Context) -> Dataset:
    """All rows of the file with the columns RAW, then the file's own: values as text. Raises IdeaFailure.

    Rows that cannot be read are set aside, up to the context's share of the file's rows.
    """
    path = confined(context.root, op.path)
    name = "/".join(filter(None, (op.path or ".", op.split, op.member, op.inner_member)))
    try:
        rows = _Tolerant(op, path, name, context)
        found = spool.raw(spool.told(rows, context.progress), _COLUMNS, context.scratch, name)
    except BadInput as error:  # the recipe chose this file: its idea does not work
        raise IdeaFailure(error.what, where=error.where, hint=error.hint) from None
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
        raise IdeaFailure(f"no file `{path}` in the folder `{root.name}/`", hint=f"there: {', '.join(there) or 'none'}")
    return found


class _Tolerant:
    """The rows of a file as dicts, with RAW; what cannot be read is noted and counted."""

    def __init__(self, op: File, path: Path, name: str, context: Context) -> None:
        self._op, self._path, self._name, self._context = op, path, name, context
        self._read = 0
        self._first = ""
        self._shown: Callable[[str], str] = _shown(context)

    def __iter__(self) -> Iterator[dict[str, object]]:
        for row in self._rows():
            if self._read == self._context.max_rows:
                what = f"more than {self._context.max_rows:,} rows"
                raise IdeaFailure(what, where=self._name, hint="use a smaller file, or allow more rows")
            self._read += 1
            values = {(f"{name}_" if name in RAW else name): value for name, value in row.values.items()}
            yield {RAW[0]: self._name, RAW[1]: row.line, **values}

    def _rows(self) -> Iterator[Row]:
        op = self._op
        if self._path.is_dir():
            yield from self._shards()
            return
        file = archives.open_member(self._path, op.member, op.inner_member) if op.member else None
        path = Path(op.inner_member or op.member) if file else self._path
        if file is None and archives.is_archive(path):
            raise BadInput("an archive holds many files", where=self._name, hint="name one of them in `member`")
        yield from self._file(path, file_format(path, op), file=file)

    def _shards(self) -> Iterator[Row]:
        """The files of a folder's split, one after the other; rows are numbered through."""
        before = last = 0
        for shard in folders.shards(self._path, self._op.split, self._name):
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
            max_bytes=MAX_FILE,
            max_rows=self._context.max_rows + 1,
        )

    def _set_aside(self, where: str, why: str, text: str) -> None:
        notes = self._context.notes
        self._first = self._first or f"{where}: {why}"
        notes.sets_aside(where, why, self._shown(text) if notes.broken_rows < BROKEN else "")

    def check(self) -> None:
        """Raises IdeaFailure where too many rows are broken."""
        broken = self._context.notes.broken_rows
        share = broken / max(1, broken + self._read)
        if share > self._context.max_broken:
            what = f"{broken:,} of {broken + self._read:,} rows cannot be read, the first: {self._first}"
            allowed = f"at most {self._context.max_broken:.0%} may be broken"
            raise IdeaFailure(what, where=self._name, hint=f"{allowed}: mend the file, or say its format or encoding")


def file_format(path: Path, op: File) -> readers.FileFormat:
    """What `auto` stands for: by the name; a `.txt` file without a tab in its first line is text."""
    if op.format == "auto" and path.suffix.lower() == ".txt" and path.is_file() and not op.columns:
        with path.open("rb") as file:
            return "tsv" if b"\t" in file.readline(100_000) else "text"
    return op.format


def _shown(context: Context) -> Callable[[str], str]:
    """A broken row's text, unless it overlaps a held-out one."""
    if context.guard is None:
        return lambda text: text
    guard = context.guard(NGRAM)
    return lambda text: "" if guard.overlaps({"prompt": text[:20_000]}) else text
