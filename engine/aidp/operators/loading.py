"""Bringing rows in and giving them their form: `load`, `convert`, `mix`, `template`."""

from __future__ import annotations

from datasets import Dataset, concatenate_datasets

from engine.aidp import layouts
from engine.aidp.context import Applies, Context
from engine.aidp.kinds import loading as kinds
from engine.aidp.layouts import Options
from engine.aidp.layouts.kinds import pair
from engine.aidp.naming import is_result
from engine.aidp.operators.files import read
from engine.aidp.operators.forming import Pairs, formed, keepable, own, sample
from engine.aidp.reading import spool
from engine.aidp.rows import column, converted, each, with_columns
from engine.aidp.text import fill, placeholders
from engine.errors import IdeaFailure


def load(_rows: Dataset, op: kinds.Load, context: Context) -> Dataset:
    """All rows of the file, as they are: values as text, under the file's own column names."""
    context.notes.why_dropped = f"{op.path} takes the place of all rows"
    context.notes.why_added = f"from {op.path}"
    return read(op, context)


def convert(rows: Dataset, op: kinds.Convert, context: Context) -> Dataset:
    """Our columns; rows without a pair are dropped. Rows that have that form stay as they are."""
    keepable(rows, op.keep, "convert")
    if converted(rows):
        return rows
    columns = own(rows)
    options = Options(labels=op.labels, choice=op.choice)
    pairs, why = layouts.converter(op.layout, columns, sample(rows), context.template, options=options)
    context.notes.note = _said(why, "" if why == layouts.OWN else _unformatted(columns, context.template))
    return formed(rows, pairs, why, op.keep, context)


def mix(rows: Dataset, op: kinds.Mix, context: Context) -> Dataset:
    """All rows, then so many of the file's that they are `share` of the result; all of them where they are too few."""
    if op.share >= 1.0:
        raise IdeaFailure("`mix` with share 1 would keep no row of the task", hint="use `load`, or a smaller share")
    file = read(op, context)
    other = convert(file, kinds.Convert(layout=op.layout, labels=op.labels, keep=op.keep), context)
    if is_result(own(file)):
        other = _renamed(other, frozenset(column(rows, "id")), context.label)
    wanted = round(len(rows) * op.share / (1.0 - op.share))
    chosen = other.select(sorted(context.rng.sample(range(len(other)), min(len(other), wanted))))
    notes = context.notes
    notes.note = _said(notes.note, _short(len(chosen), len(rows), op.share) if len(chosen) < wanted else "")
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
    keepable(rows, op.keep, "template")

    def written(row: layouts.Columns) -> layouts.Pair | str:
        values = {name: str(row[name] if row[name] is not None else "") for name in named}
        empty = next((name for name, value in values.items() if not value.strip()), "")
        return f"`{empty}` is empty" if empty else pair(fill(op.prompt, values), fill(op.answer, values))

    if not converted(rows):
        return formed(rows, written, "written by the template", op.keep, context)
    return _rewritten(rows, written, context)


APPLY: Applies = {kinds.Load: load, kinds.Convert: convert, kinds.Mix: mix, kinds.Template: template}


def _said(*parts: str) -> str:
    return "; ".join(filter(None, parts))


def _unformatted(columns: list[str], format: layouts.Pair | None) -> str:
    """What to say of rows that the task's format was not applied to; nothing where it has no wording of its own."""
    if format is None or all(part == f"{{{name}}}" for part in format for name in placeholders(part)[:1] or [""]):
        return ""
    missing = next((name for part in format for name in placeholders(part) if name not in columns), "")
    why = f"there is no column `{missing}`" if missing else "`layout` says how they are read"
    return f"the task's format was not applied to them: {why}"


def _short(chosen: int, rows: int, share: float) -> str:
    """What to say of a file that has too few rows for its share."""
    return f"{chosen:,} rows are all there are: {chosen / (chosen + rows):.0%} of the result, not {share:.0%}"


def _renamed(rows: Dataset, taken: frozenset[str], label: str) -> Dataset:
    """Rows of a result beside others: a name that one of those has gets the operator before it, in `parents` too."""
    new = {name: f"{label}/{name}" for name in column(rows, "id") if name in taken}
    if not new:
        return rows
    parents = [[new.get(name, name) for name in names] for names in column(rows, "parents")]
    return with_columns(rows, {"id": [new.get(name, name) for name in column(rows, "id")], "parents": parents})


def _rewritten(rows: Dataset, pairs: Pairs, context: Context) -> Dataset:
    """Rows of our form with other texts; their columns stay."""
    places, prompts, answers, traces = [], [], [], []
    for at, row in enumerate(spool.told(each(rows), context.progress, len(rows))):
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
