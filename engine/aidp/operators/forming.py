"""Rows of our form from raw ones: prompt and answer by a layout or a template, columns that stay, and traces.

A row is called by the file and line that it comes from. One of a result of TREX has its own name, and gets back what
the result said of it: where it came from, what it was made of, and what operators had added.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from datasets import Dataset

from engine.aidp.chats import TURNS
from engine.aidp.context import Context
from engine.aidp.kinds.loading import RAW
from engine.aidp.layouts import Columns, Pair, Talk
from engine.aidp.naming import ORIGIN, Names, is_result, place
from engine.aidp.reading import spool
from engine.aidp.reading.values import undecodable
from engine.aidp.rows import ADDED, SCHEMA, Types, column, each, listed, tables, typed, written
from engine.errors import BadInput, IdeaFailure
from engine.files import disk_errors

LOOKED_AT = 200  # rows by which it is decided how all are read

Pairs = Callable[[Columns], Pair | str]


def own(rows: Dataset) -> list[str]:
    """The file's own columns."""
    return [name for name in rows.column_names if name not in RAW]


def sample(rows: Dataset) -> list[dict[str, str | None]]:
    """Rows from all over a data set, by their own columns: a file may be sorted."""
    step = max(1, len(rows) // LOOKED_AT)
    return list(rows.select(range(0, len(rows), step)).select_columns(own(rows)).to_list()[:LOOKED_AT])


def keepable(rows: Dataset, keep: Sequence[str], where: str) -> None:
    """Raises IdeaFailure where a column that is to stay is not there."""
    if missing := next((name for name in keep if name not in rows.column_names), ""):
        hint = f"there are {', '.join(rows.column_names)}"
        raise IdeaFailure(f"there is no column `{missing}` to keep", where=where, hint=hint)


def formed(rows: Dataset, pairs: Pairs, why: str, keep: Sequence[str], context: Context) -> Dataset:
    """The rows that have a pair. `why`: what is said of each that was read anew."""
    form = _Form(rows, pairs, keep, context.label)

    def made() -> Iterator[dict[str, Any]]:
        for at, row in enumerate(spool.told(each(rows), context.progress, len(rows))):
            found = form(row)
            if isinstance(found, str):
                context.notes.drops(at, found)
            else:
                context.notes.changes(found["id"], why)
                yield found

    whole = _stored(made(), {**form.extra, TURNS: pa.string()}, context.scratch)
    return whole if form.talks or TURNS in form.extra else whole.remove_columns(TURNS)


class _Form:
    """From a raw row to one of ours, or to why there is none. `extra`: columns that stay or come back; `talks`: rows so
    far that were dialogues of several turns."""

    def __init__(self, rows: Dataset, pairs: Pairs, keep: Sequence[str], label: str) -> None:
        self._pairs, self._keep, self._label = pairs, keep, label
        result = is_result(own(rows))
        self._names = Names(column(rows, "id")) if result else None
        self._added: Types = {name: kind for name, kind in ADDED.items() if result and name in rows.column_names}
        self.extra: Types = {**dict.fromkeys(keep, pa.string()), **self._added}
        self.talks = 0

    def __call__(self, row: dict[str, Any]) -> dict[str, Any] | str:
        traces = self._traces(row)
        found = self._pairs(row)
        if isinstance(found, str):
            return found
        if any(map(undecodable, found)):  # in JSON that stood in a text
            return "it holds half a character (a lone surrogate)"
        try:
            added = {name: typed(row[name], kind) for name, kind in self._added.items()}
        except BadInput as error:
            return error.what
        if isinstance(found, Talk) and len(found.turns) > 1:
            added[TURNS] = json.dumps(found.turns, ensure_ascii=False)
            self.talks += 1
        kept = {name: row[name] for name in self._keep}
        return {**traces, "prompt": found[0], "answer": found[1], **kept, **added}

    def _traces(self, row: dict[str, Any]) -> dict[str, Any]:
        """Its name, and where it comes from: what a result says, or the file and the line."""
        where = place(row[RAW[0]], row[RAW[1]])
        if self._names is None:
            return {"id": where, "source": row[RAW[0]], "parents": [], "made_by": [self._label]}
        made_by = [*listed(row["made_by"]), self._label]
        source, parents = row[ORIGIN] or row[RAW[0]], listed(row["parents"])
        return {"id": self._names(row["id"], where), "source": source, "parents": parents, "made_by": made_by}


def _stored(rows: Iterator[dict[str, Any]], extra: Types, folder: Path | None) -> Dataset:
    """Rows with our columns and `extra`: in a file of the folder, or in memory where there is none."""
    schema = pa.schema([*((field.name, field.type) for field in SCHEMA), *extra.items()])
    if folder is None:
        return Dataset(pa.concat_tables([schema.empty_table(), *tables(rows, schema)]))
    with disk_errors(folder):
        made = written(rows, spool.fresh(folder), schema)
    return made if len(made) else Dataset(schema.empty_table())
