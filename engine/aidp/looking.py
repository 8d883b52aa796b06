"""A data file, looked at as a whole: read row by row as recipes read it, counted, and a few rows looked at closely."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
from datasets import Dataset

from engine.aidp import layouts
from engine.aidp.child import Tell
from engine.aidp.context import Context
from engine.aidp.job import Progress
from engine.aidp.kinds.duplicates import DedupMinhash
from engine.aidp.kinds.loading import RAW, Load
from engine.aidp.languages import languages
from engine.aidp.layouts import Convert
from engine.aidp.models import services
from engine.aidp.notes import Notes
from engine.aidp.operators.duplicates import dedup_minhash
from engine.aidp.operators.forming import sample
from engine.aidp.operators.loading import load
from engine.aidp.profile import Drawn, Lengths, lengths, profile
from engine.aidp.reading.values import encodable, undecodable
from engine.aidp.request import FileProfile, ProfileData
from engine.aidp.rows import dataset, each
from engine.errors import BadInput, IdeaFailure

DRAWN = 2_000  # rows that are looked at closely
ROWS = 100_000_000  # of one file
PARTS = ("reading", "counting", "looking closely")
EVERY = 5_000  # rows between two words of progress


def look_at(request: ProfileData, tell: Tell) -> FileProfile:
    """What a person wants to know of the file. Raises BadInput where it cannot be read, or has no rows."""
    path, notes, started = Path(request.file), Notes(), time.perf_counter()
    try:
        op = Load(path=path.name, encoding=request.encoding)
        rows = load(Dataset.from_dict({}), op, _context(request, notes, tell))
        columns = [name for name in rows.column_names if name not in RAW]
        convert, layout, why = _converter(request, columns, rows)
    except IdeaFailure as error:
        raise BadInput(error.what, where=error.where or path.name, hint=error.hint) from None
    drawn, unpaired = Drawn(DRAWN), _Unpaired(convert)
    found = profile(drawn.of(unpaired.of(rows, tell)))
    tell(Progress(operator=PARTS[2], place=2, of=len(PARTS)))
    spoken = languages(row["prompt"] for row in drawn.rows)
    return FileProfile(
        file=path.name,
        bytes=_size(path),
        layout=layout,
        why=encodable(why),
        columns=tuple(columns),
        profile=msgspec.structs.replace(found, languages=spoken, looked_at=len(drawn.rows)),
        remarks=tuple(notes.remarks),
        broken=notes.broken_rows,
        reasons=tuple(notes.broken[:20]),
        unpaired=unpaired.count,
        alike=_alike(drawn),
        tokens=_tokens(request, drawn),
        seconds=round(time.perf_counter() - started, 3),
    )


def _context(request: ProfileData, notes: Notes, tell: Tell) -> Context:
    def progress(done: int, total: int) -> None:
        tell(Progress(operator=PARTS[0], place=0, of=len(PARTS), done=done, total=total))

    return Context(
        rng=random.Random(0),
        label="load:0",
        root=Path(request.file).parent,
        max_rows=ROWS,
        max_broken=1.0,
        scratch=Path(request.scratch),
        notes=notes,
        progress=progress,
    )


def _converter(request: ProfileData, columns: list[str], rows: Dataset) -> tuple[Convert, str, str]:
    """How a row becomes a pair, the layout's name and why; texts without answers where there is one column only."""
    some = sample(rows)
    if request.layout == "auto" and len(columns) == 1 and layouts.detect(columns, some).layout is None:
        (name,) = columns
        return lambda row: (row[name] or "", ""), "text", f"there is one column, `{name}`: texts without answers"
    convert, why = layouts.converter(request.layout, columns, some, where=Path(request.file).name)
    name, _, reason = why.partition(": ")
    return convert, name, reason


class _Unpaired:
    """Pairs of raw rows, and a count of the rows without one."""

    def __init__(self, convert: Convert) -> None:
        self._convert, self.count = convert, 0

    def of(self, rows: Dataset, tell: Tell) -> Iterator[Mapping[str, str]]:
        for at, row in enumerate(each(rows)):
            if not at % EVERY:
                tell(Progress(operator=PARTS[1], place=1, of=len(PARTS), done=at, total=len(rows)))
            found = self._convert(row)
            if isinstance(found, str) or any(map(undecodable, found)):  # half a character, in JSON inside of a text
                self.count += 1
            else:
                yield {"id": f"{row[RAW[0]]}:{row[RAW[1]]}", "prompt": found[0], "answer": found[1]}


def _alike(drawn: Drawn) -> int:
    """Rows drawn that are written like an earlier one of them, as `dedup_minhash` sees it."""
    rows = dataset(drawn.rows)
    return len(rows) - len(dedup_minhash(rows, DedupMinhash(), Context(rng=random.Random(0)))) if len(rows) else 0


def _tokens(request: ProfileData, drawn: Drawn) -> Lengths | None:
    made = services(request.models).tokens
    if made is None:
        return None
    tokens = made()
    prompts, answers = (tokens.count([row[part] for row in drawn.rows]) for part in ("prompt", "answer"))
    return lengths([prompt + answer for prompt, answer in zip(prompts, answers, strict=True)])


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else (path,)
    return sum(file.stat().st_size for file in files if file.is_file())
