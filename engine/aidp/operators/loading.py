"""Bringing rows in and giving them their form: `load`, `convert`, `mix`, `template`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from datasets import Dataset, concatenate_datasets

from engine.aidp import layouts
from engine.aidp.context import Applies, Context
from engine.aidp.kinds import loading as kinds
from engine.aidp.kinds.loading import RAW
from engine.aidp.layouts import Options
from engine.aidp.layouts.kinds import pair
from engine.aidp.operators.files import read
from engine.aidp.reading import spool
from engine.aidp.reading.lines import undecodable
from engine.aidp.rows import BATCH, converted, with_columns
from engine.aidp.text import fill, placeholders
from engine.errors import IdeaFailure

LOOKED_AT = 200  # rows by which `auto` decides


def load(_rows: Dataset, op: kinds.Load, context: Context) -> Dataset:
    """All rows of the file, as they are: values as text, under the file's own column names."""
    context.notes.why_dropped = f"{op.path} takes the place of all rows"
    context.notes.why_added = f"from {op.path}"
    return read(op, context)


def convert(rows: Dataset, op: kinds.Convert, context: Context) -> Dataset:
    """Our columns; rows without a pair are dropped. Rows that have that form stay as they are."""
    if converted(rows):
        return rows
    pairs, why = layouts.converter(
        op.layout,
        _own(rows),
        sample(rows),
        context.template,
        options=Options(labels=op.labels, choice=op.choice),
    )
    context.notes.note = why
    return _made(rows, pairs, why, context)


def mix(rows: Dataset, op: kinds.Mix, context: Context) -> Dataset:
    """All rows, then so many of the file's that they are `share` of the result; all of them where they are too few."""
    if op.share >= 1.0:
        raise IdeaFailure("`mix` with share 1 would keep no row of the task", hint="use `load`, or a smaller share")
    other = convert(read(op, context), kinds.Convert(layout=op.layout, labels=op.labels), context)
    wanted = min(len(other), round(len(rows) * op.share / (1.0 - op.share)))
    chosen = other.select(sorted(context.rng.sample(range(len(other)), wanted)))
    notes = context.notes
    notes.changed.clear()  # of the file's rows, which nobody has seen before
    notes.why_dropped, notes.why_added = "", f"from {op.path}"
    return concatenate_datasets([rows, chosen])


def template(rows: Dataset, op: kinds.Template, context: Context) -> Dataset:
    """Prompt and answer anew; rows in which a column is empty are dropped, the others keep their places."""
    named = list(dict.fromkeys(placeholders(op.prompt) + placeholders(op.answer)))
    if missing := [name for name in named if name not in rows.column_names]:
        there = ", ".join(rows.column_names)
        raise IdeaFailure(f"no column `{missing[0]}` for the template", where="template", hint=f"there are {there}")
    if not named:
        raise IdeaFailure("the template names no column, so all rows would be equal", hint="write {prompt} or the like")

    def written(row: layouts.Columns) -> layouts.Pair | str:
        values = {name: str(row[name] if row[name] is not None else "") for name in named}
        empty = next((name for name, value in values.items() if not value.strip()), "")
        return f"`{empty}` is empty" if empty else pair(fill(op.prompt, values), fill(op.answer, values))

    if not converted(rows):
        return _made(rows, written, "written by the template", context)
    return _rewritten(rows, written, context)


APPLY: Applies = {kinds.Load: load, kinds.Convert: convert, kinds.Mix: mix, kinds.Template: template}

Pairs = Callable[[layouts.Columns], layouts.Pair | str]


def sample(rows: Dataset) -> list[dict[str, str | None]]:
    """Rows from all over a data set, by their own columns: a file may be sorted."""
    step = max(1, len(rows) // LOOKED_AT)
    return list(rows.select(range(0, len(rows), step)).select_columns(_own(rows)).to_list()[:LOOKED_AT])


def _own(rows: Dataset) -> list[str]:
    return [name for name in rows.column_names if name not in RAW]


def _made(rows: Dataset, pairs: Pairs, why: str, context: Context) -> Dataset:
    """Rows of our form from raw ones. A row is called by the file and line that it comes from."""

    def made() -> Iterator[dict[str, Any]]:
        for at, row in enumerate(spool.told(_each(rows), context.progress, len(rows))):
            source = row.get(RAW[0]) or "loaded"
            name = f"{source}:{row.get(RAW[1]) or at + 1}"
            found = pairs(row)
            if not isinstance(found, str) and any(map(undecodable, found)):  # in JSON that stood in a text
                found = "it holds half a character (a lone surrogate)"
            if isinstance(found, str):
                context.notes.drops(at, found)
                continue
            context.notes.changes(name, why)
            traces = {"parents": [], "made_by": [context.label]}
            yield {"id": name, "prompt": found[0], "answer": found[1], "source": source, **traces}

    return spool.ours(made(), context.scratch)


def _rewritten(rows: Dataset, pairs: Pairs, context: Context) -> Dataset:
    """Rows of our form with other texts; their columns stay."""
    places, prompts, answers, traces = [], [], [], []
    for at, row in enumerate(spool.told(_each(rows), context.progress, len(rows))):
        if isinstance(found := pairs(row), str):
            context.notes.drops(at, found)
            continue
        context.notes.changes(row["id"], "written by the template")
        places.append(at)
        prompts.append(found[0])
        answers.append(found[1])
        traces.append([*row["made_by"], context.label])
    kept = rows if len(places) == len(rows) else rows.select(places)
    return with_columns(kept, {"prompt": prompts, "answer": answers, "made_by": traces})


def _each(rows: Dataset) -> Iterator[dict[str, Any]]:
    """Row by row, read by the batch."""
    names = rows.column_names
    for batch in rows.iter(BATCH):
        for values in zip(*(batch[name] for name in names), strict=True):
            yield dict(zip(names, values, strict=True))
