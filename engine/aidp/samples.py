"""A few rows of what each operator of a recipe did, for people: `samples.json` beside the rows.

No decision rests on it. Bounded and deterministic: the first rows of each kind, long texts cut. The rows themselves and
their hash know nothing of it. Light: rows are anything with columns, so that the interface can read the file too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Annotated, Any, Literal, Protocol

import msgspec
from msgspec import Meta

from engine.aidp import recipe as ops
from engine.aidp.kinds.loading import RAW
from engine.aidp.naming import Names, is_result, place
from engine.aidp.notes import LONGEST, MOST, Notes

_QUOTED = re.compile(r"[`:,;()]\s*")

Kind = Literal["dropped", "changed", "added"]
Text = Annotated[str, Meta(max_length=LONGEST + 4)]


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The texts of a row; where it had other columns, these stand in `prompt`."""

    prompt: Text
    answer: Text = ""


class Sample(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One row: as it went in, as it came out, and why."""

    kind: Kind
    id: str
    before: Row | None = None
    after: Row | None = None
    why: str = ""


class StepSamples(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one operator did to some rows. `dropped` and `added` count all of them."""

    operator: str
    dropped: int
    added: int
    samples: Annotated[tuple[Sample, ...], Meta(max_length=MOST)] = ()


class Samples(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`samples.json`: one entry per operator that ran, in order."""

    steps: tuple[StepSamples, ...]
    version: int = 1


class Rows(Protocol):
    """A Dataset, as far as it is looked at here."""

    @property
    def column_names(self) -> list[str]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, key: Any) -> Any: ...


class Sampler:
    """Watches a pipeline: called after each operator with the rows before and after it, and what it noted."""

    def __init__(self) -> None:
        self.steps: list[StepSamples] = []

    def __call__(self, operator: ops.Operator, before: Rows, after: Rows, notes: Notes) -> None:
        self.steps.append(sampled(operator, before, after, notes))

    @property
    def samples(self) -> Samples:
        return Samples(steps=tuple(self.steps))


def sampled(operator: ops.Operator, before: Rows, after: Rows, notes: Notes) -> StepSamples:
    """Examples of what the operator did. An order that changed is no change of a row."""
    name = ops.operator_name(operator)
    if before is after:
        return StepSamples(operator=name, dropped=0, added=0)
    gone, come = _exchanged(operator, before, after)
    kinds = [kind for kind in (gone, come, notes.changed) if kind]
    each = MOST // max(1, len(kinds))
    lost = (_dropped(before[at], at, notes) for at in gone[:each])
    won = (_added(after[at], at, notes) for at in come[:each])
    samples = (*lost, *won, *islice(_changed(before, after, notes), each))
    return StepSamples(operator=name, dropped=len(gone), added=len(come), samples=samples)


def withheld(step: StepSamples, tells: Callable[[str], bool]) -> StepSamples:
    """The same without the rows that tell of a held-out one: they come in before decontamination, which drops them."""

    def told(sample: Sample) -> bool:
        rows = [row for row in (sample.before, sample.after) if row]
        return any(map(tells, (sample.why, *(text for row in rows for text in (row.prompt, row.answer)))))

    return msgspec.structs.replace(step, samples=tuple(sample for sample in step.samples if not told(sample)))


def telling(overlaps: Callable[[Mapping[str, str]], bool]) -> Callable[[str], bool]:
    """Whether a text for people tells a held-out text: as a whole, in one of its lines or columns, or in one of the
    values that a reason quotes."""

    def tells(text: str) -> bool:
        lines = text.split("\n")
        values = {text, *lines, *(line.partition(": ")[2] for line in lines), *_QUOTED.split(text)}
        return any(overlaps({"prompt": value}) for value in values if value)

    return tells


def _exchanged(operator: ops.Operator, before: Rows, after: Rows) -> tuple[Sequence[int], Sequence[int]]:
    """Places of the rows that went and of those that came."""
    if isinstance(operator, ops.Load):
        return range(len(before)), range(len(after))
    old, new = _ids(before), _ids(after)
    return _missing(old, new), _missing(new, old)


def _dropped(row: dict[str, Any], at: int, notes: Notes) -> Sample:
    shown = None if notes.secret else row_of(row)
    return Sample(kind="dropped", id=_name(row, at), before=shown, why=notes.dropped.get(at, notes.why_dropped))


def _added(row: dict[str, Any], at: int, notes: Notes) -> Sample:
    why = notes.added.get(str(row.get("id", "")), notes.why_added)
    return Sample(kind="added", id=_name(row, at), after=row_of(row), why=why)


def _changed(before: Rows, after: Rows, notes: Notes) -> Iterator[Sample]:
    """Rows that kept their ids and read otherwise now."""
    if not notes.changed:
        return
    old, new = ({id_: at for at, id_ in reversed(list(enumerate(_ids(rows))))} for rows in (before, after))
    for id_, why in notes.changed.items():
        if id_ in old and id_ in new:
            rows = row_of(before[old[id_]]), row_of(after[new[id_]])
            yield Sample(kind="changed", id=cut(id_), before=rows[0], after=rows[1], why=why)


def _name(row: dict[str, Any], at: int) -> str:
    if tuple(row)[: len(RAW)] == RAW:
        return cut(place(row[RAW[0]], row[RAW[1]]))
    return cut(str(row.get("id") or f"row {at + 1}"))


def row_of(row: dict[str, Any]) -> Row:
    """The row's texts, cut; columns that are not ours as `column: value`, a line each."""
    if "prompt" in row and "answer" in row:
        return Row(cut(row["prompt"] or ""), cut(row["answer"] or ""))
    told = {name: " ".join(str(value).split()) for name, value in row.items() if name not in RAW and value}
    return Row(cut("\n".join(f"{name}: {value}" for name, value in told.items())))


def cut(text: str) -> str:
    """At most LONGEST characters, and a sign that something is missing."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."


def _ids(rows: Rows) -> list[str]:
    """The ids in one piece: asking a Dataset for them one by one takes five times as long. Of rows that are not
    converted yet, the ids that they will have."""
    if tuple(rows.column_names[: len(RAW)]) == RAW:
        places = [place(source, line) for source, line in zip(*(rows[name][:] for name in RAW), strict=True)]
        return list(map(Names(ids := rows["id"][:]), ids, places)) if is_result(rows.column_names) else places
    return list(rows["id"][:])


def _missing(these: Sequence[str], those: Sequence[str]) -> list[int]:
    """Places in `these` whose ids are not in `those`, as often as they are too many."""
    left = Counter(those)
    found: list[int] = []
    for at, name in enumerate(these):
        if left[name] > 0:
            left[name] -= 1
        else:
            found.append(at)
    return found
