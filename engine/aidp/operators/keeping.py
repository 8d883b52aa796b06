"""Keeping rows by what stands in them: one pass, in order, over one or several processes with the same result."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice

from datasets import Dataset

from engine.aidp.context import Context
from engine.aidp.notes import MOST
from engine.aidp.rows import column

PARALLEL = 20_000  # rows below which starting processes costs more than it saves
EVERY = 2_000  # rows between two words of progress

Objection = Callable[..., str]
"""Why a row with these texts is dropped; "" keeps it."""


def keep(rows: Dataset, objection: Objection, context: Context, *parts: str) -> Dataset:
    """The rows whose `parts` (columns, `prompt` unless given) meet no objection, in order."""
    parts = parts or ("prompt",)
    if context.processes > 1 and len(rows) >= PARALLEL:
        verdicts = rows.map(
            lambda *columns: {"kept": [not objection(*texts) for texts in zip(*columns, strict=True)]},
            input_columns=list(parts),
            batched=True,
            remove_columns=rows.column_names,
            num_proc=context.processes,
        )
        kept = column(verdicts, "kept")
        gone = islice((at for at, stays in enumerate(kept) if not stays), MOST)
        for at in gone:
            context.notes.drops(at, objection(*(rows[at][part] for part in parts)))
        return rows.select([at for at, stays in enumerate(kept) if stays])
    return unless(rows, map(objection, *(column(rows, part) for part in parts)), context)


def unless(rows: Dataset, whys: Iterable[str], context: Context) -> Dataset:
    """The rows without a reason to go, in order; one reason for each row, "" keeps it."""
    places: list[int] = []
    for at, why in enumerate(whys):
        if not at % EVERY:
            context.progress(at, len(rows))
        if why:
            context.notes.drops(at, why)
        else:
            places.append(at)
    return rows.select(places)
