"""A few rows of what each operator of a recipe did, for people: `samples.json` beside the rows.

No decision rests on it. Bounded and deterministic: the first rows of each kind, long texts cut. The rows themselves and
their hash know nothing of it. Light: rows are anything with columns, so that the interface can read the file too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Annotated, Any, Literal, Protocol

import msgspec
from msgspec import Meta

from engine.aidp import recipe as ops
from engine.aidp.text import normalise

SAMPLES = "samples.json"
MOST = 8  # rows of one operator
LONGEST = 300  # characters of a text
WITHHELD = "overlaps a held-out row, so its text is not shown"

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
    """Watches a pipeline: called after each operator with the rows before and after it."""

    def __init__(self) -> None:
        self._steps: list[StepSamples] = []

    def __call__(self, operator: ops.Operator, before: Rows, after: Rows) -> None:
        self._steps.append(sampled(operator, before, after))

    @property
    def samples(self) -> Samples:
        return Samples(steps=tuple(self._steps))


def sampled(operator: ops.Operator, before: Rows, after: Rows) -> StepSamples:
    """Examples of what the operator did. An order that changed is no change of a row."""
    name = ops.operator_name(operator)
    if before is after or isinstance(operator, ops.Shuffle):
        return StepSamples(operator=name, dropped=0, added=0)
    if isinstance(operator, ops.Convert):
        return _converted(name, before, after)
    gone, come = _exchanged(operator, before, after)
    half = MOST // 2 if gone and come else MOST
    why = _Reasons(operator, before, gone[:half])
    lost = (_dropped(before[at], at, why) for at in gone[:half])
    won = (_added(after[at], at, why) for at in come[:half])
    return StepSamples(operator=name, dropped=len(gone), added=len(come), samples=(*lost, *won))


def _exchanged(operator: ops.Operator, before: Rows, after: Rows) -> tuple[Sequence[int], Sequence[int]]:
    """Places of the rows that went and of those that came."""
    if isinstance(operator, ops.Load):
        return range(len(before)), range(len(after))
    old, new = _ids(before), _ids(after)
    return _missing(old, new), _missing(new, old)


def _dropped(row: dict[str, Any], at: int, why: _Reasons) -> Sample:
    return Sample(kind="dropped", id=_name(row, at), before=why.shown(row), why=why.dropped(row))


def _added(row: dict[str, Any], at: int, why: _Reasons) -> Sample:
    return Sample(kind="added", id=_name(row, at), after=row_of(row), why=why.added())


def _name(row: dict[str, Any], at: int) -> str:
    return cut(str(row.get("id") or f"row {at + 1}"))


def row_of(row: dict[str, Any]) -> Row:
    """The row's texts, cut; columns that are not ours as `column=value`."""
    if "prompt" in row and "answer" in row:
        return Row(cut(row["prompt"]), cut(row["answer"]))
    return Row(cut(", ".join(f"{name}={value}" for name, value in row.items() if name != "source" and value)))


def cut(text: str) -> str:
    """At most LONGEST characters, and a sign that something is missing."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."


class _Reasons:
    """Why an operator dropped or added a row. `gone`: places of the dropped rows that will be asked about."""

    def __init__(self, operator: ops.Operator, before: Rows, gone: Sequence[int]) -> None:
        self._operator = operator
        self._firsts = _firsts(operator, before, gone) if isinstance(operator, ops.DedupExact) else {}

    def shown(self, row: dict[str, Any]) -> Row | None:
        """A row that repeats a held-out one would show that one."""
        return None if isinstance(self._operator, ops.Decontaminate) else row_of(row)

    def dropped(self, row: dict[str, Any]) -> str:
        match self._operator:
            case ops.DedupExact(normalise=folded):
                return f"the same prompt as {self._firsts[_key(row['prompt'], folded)]}"
            case ops.Decontaminate():
                return WITHHELD
            case ops.FilterLength(min_words=least, max_words=most):
                words = len(row["prompt"].split())
                return f"{words} words, fewer than {least}" if words < least else f"{words} words, more than {most}"
            case ops.BalanceLabels():
                return "more rows have its answer than the rarest has"
            case ops.SampleStratified() | ops.SampleRandom():
                return "not drawn"
            case ops.Load(path=path):
                return f"{path} takes the place of all rows"
        return ""

    def added(self) -> str:
        match self._operator:
            case ops.BalanceLabels():
                return "repeated, because few rows have its answer"
            case ops.Load(path=path) | ops.Mix(path=path):
                return f"from {path}"
        return ""


def _firsts(operator: ops.DedupExact, before: Rows, gone: Sequence[int]) -> dict[str, str]:
    """Prompt -> the id of the first row that has it, for the prompts of these rows."""
    wanted = {_key(before[at]["prompt"], operator.normalise) for at in gone}
    found: dict[str, str] = {}
    for at, prompt in enumerate(before["prompt"][: max(gone, default=0)]):
        if len(found) == len(wanted):
            break
        if (key := _key(prompt, operator.normalise)) in wanted:
            found.setdefault(key, str(before[at]["id"]))
    return found


def _key(prompt: str, folded: bool) -> str:
    return normalise(prompt) if folded else prompt


def _ids(rows: Rows) -> list[str]:
    """The ids in one piece: asking a Dataset for them one by one takes five times as long."""
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


def _converted(name: str, before: Rows, after: Rows) -> StepSamples:
    """A converted row carries the number of the row that it was: `file.csv:12`."""
    ids = _ids(after)
    origins = [int(id_.rpartition(":")[2]) - 1 for id_ in ids]
    kept = set(origins)
    lost = [at for at in range(len(before)) if at not in kept]
    half = MOST // 2 if lost else MOST
    changed = (
        Sample(kind="changed", id=id_, before=row_of(before[origin]), after=row_of(after[at]))
        for at, (id_, origin) in enumerate(zip(ids, origins, strict=True))
    )
    return StepSamples(
        operator=name,
        dropped=len(lost),
        added=0,
        samples=(*islice(changed, half), *_unconverted(before, lost[: MOST - half])),
    )


def _unconverted(before: Rows, places: Sequence[int]) -> Iterator[Sample]:
    for at in places:
        yield Sample(kind="dropped", id=f"row {at + 1}", before=row_of(before[at]), why="no prompt and answer in it")
