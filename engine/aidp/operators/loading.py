"""Bringing rows in and giving them their form: `load`, `convert`, `mix`."""

from __future__ import annotations

from pathlib import Path

from datasets import Dataset, concatenate_datasets

from engine.aidp import layouts, readers
from engine.aidp.context import Applies, Context
from engine.aidp.kinds import loading as kinds
from engine.aidp.rows import converted, dataset
from engine.errors import BadInput, IdeaFailure


def load(_rows: Dataset, op: kinds.Load, context: Context) -> Dataset:
    """All rows of the file, as they are: values as text, under the file's own column names."""
    context.notes.why_dropped = f"{op.path} takes the place of all rows"
    context.notes.why_added = f"from {op.path}"
    return _read(confined(context.root, op.path), op.path, op.format, context.max_rows)


def convert(rows: Dataset, op: kinds.Convert, context: Context) -> Dataset:
    """Our columns; rows without a pair are dropped. Rows that have that form stay as they are."""
    if converted(rows):
        return rows
    context.notes.why_dropped = "no prompt and answer in it"
    pair = layouts.converter(op.layout, rows.column_names, context.template, "convert")
    kept: list[dict[str, object]] = []
    for number, row in enumerate(rows, 1):
        if found := pair(row):
            source = row.get("source") or "loaded"
            made = {"source": source, "made_by": [context.label]}
            kept.append({"id": f"{source}:{number}", "prompt": found[0], "answer": found[1], **made})
    return dataset(kept)


def mix(rows: Dataset, op: kinds.Mix, context: Context) -> Dataset:
    """All rows, then so many of the file's that they are `share` of the result; all of them where they are too few."""
    if op.share >= 1.0:
        raise IdeaFailure("`mix` with share 1 would keep no row of the task", hint="use `load`, or a smaller share")
    other = _read(confined(context.root, op.path), op.path, "auto", context.max_rows)
    other = convert(other, kinds.Convert(layout=op.layout), context)
    wanted = min(len(other), round(len(rows) * op.share / (1.0 - op.share)))
    chosen = other.select(sorted(context.rng.sample(range(len(other)), wanted)))
    context.notes.why_dropped, context.notes.why_added = "", f"from {op.path}"
    return concatenate_datasets([rows, chosen])


APPLY: Applies = {kinds.Load: load, kinds.Convert: convert, kinds.Mix: mix}


def confined(root: Path | None, path: str) -> Path:
    """`path` below `root`, links followed. Raises IdeaFailure for one that leads out or is not there."""
    if root is None:
        raise IdeaFailure(
            f"`{path}` cannot be read: the task has no folder `extra/`", hint="leave out `load` and `mix`"
        )
    found = (root / path).resolve()
    if Path(path).is_absolute() or not found.is_relative_to(root.resolve()):
        raise IdeaFailure(f"`{path}` leads out of the task's folder `extra/`", hint="name a file inside it")
    if not found.is_file():
        there = sorted(str(file.relative_to(root)) for file in root.rglob("*") if file.is_file())[:20]
        raise IdeaFailure(
            f"no file `{path}` in the task's folder `extra/`", hint=f"there: {', '.join(there) or 'none'}"
        )
    return found


def _read(path: Path, name: str, format: readers.FileFormat, limit: int) -> Dataset:
    values: list[dict[str, str]] = []
    try:
        for row in readers.read_rows(path, format, name=name):
            if len(values) == limit:
                raise IdeaFailure(f"more than {limit:,} rows", where=name, hint="use a smaller file")
            values.append(row.values)
    except BadInput as error:  # the recipe chose this file: its idea does not work
        raise IdeaFailure(error.what, where=error.where, hint=error.hint) from None
    columns = dict.fromkeys(column for row in values for column in row if column != "source")
    taken = {column: [row.get(column) for row in values] for column in columns}
    return Dataset.from_dict({"source": [name] * len(values), **taken})  # never in the order of COLUMNS: not converted
