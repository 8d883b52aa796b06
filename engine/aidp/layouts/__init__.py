"""Field conventions of public data sets, turned into `prompt` and `answer`. Pure; rows are dicts of text.

Which convention a file follows is decided by the names of its columns and by what stands in some of its rows, and said.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from engine.aidp.kinds.loading import Layout
from engine.aidp.layouts import choices, dialogues, labels, pairs
from engine.aidp.layouts.kinds import Columns, Convert, Fit, Kind, Options, Pair, Talk
from engine.aidp.text import fill, placeholders
from engine.errors import IdeaFailure

SURE = 0.9  # share of the rows looked at that must give a pair
OWN = "the columns that the task's own rows have"  # why: the task's format fits

KINDS: tuple[tuple[Layout, Kind], ...] = (
    ("prompt_answer", Kind("id, prompt, answer, source, parents, made_by", pairs.result)),
    ("preference", Kind("chosen, rejected", dialogues.preference)),
    ("messages", Kind("messages (role, content)", dialogues.messages)),
    ("sharegpt", Kind("conversations (from, value)", dialogues.sharegpt)),
    ("multiple_choice", Kind("question, choices or A, B, C, D, answer", choices.multiple_choice)),
    ("question_context", Kind("context, question, answers", pairs.question_with_context)),
    ("prompt_answer", Kind("prompt, answer", pairs.prompt_answer)),
    ("prompt_completion", Kind("prompt, completion", pairs.prompt_completion)),
    ("alpaca", Kind("instruction, output", pairs.alpaca)),
    ("extraction", Kind("text, entities", labels.extraction)),
    ("prompt_answer", Kind("question, answer", pairs.two_columns)),
    ("classification", Kind("text, label", labels.classification)),
    ("classification", Kind("a text, one of few labels", labels.guessed)),
)
"""Layouts, the more special first: of those that fit equally well the first is taken."""


class Detected(NamedTuple):
    """The layout of a file, None where none fits; why, in one sentence; whether there is no doubt."""

    layout: Layout | None
    reason: str
    sure: bool


class _Tried(NamedTuple):
    layout: Layout
    fit: Fit
    pairs: int  # of the rows looked at
    earlier: int  # of the pairs, those with turns before the question
    looked_at: int
    lost: str  # why the first row without a pair has none

    @property
    def share(self) -> float:
        return self.pairs / self.looked_at if self.looked_at else 1.0


def detect(columns: Sequence[str], sample: Sequence[Columns]) -> Detected:
    """What `auto` takes for rows like these: `columns` of the file, `sample`: some of its rows, from all over it."""
    tried = _best("auto", columns, sample, Options())
    if tried is None or not tried.share:
        return Detected(None, _unfit(tried, columns), sure=False)
    return Detected(tried.layout, _sentence(tried), tried.fit.sure and tried.share >= SURE)


def converter(
    layout: Layout,
    columns: Sequence[str],
    sample: Sequence[Columns] = (),
    template: Pair | None = None,
    where: str = "convert",
    options: Options | None = None,
) -> tuple[Convert, str]:
    """A function from a row to its pair, or to why it has none; and why this layout. Raises IdeaFailure.

    `template`: the task's prompt and answer; `auto` takes the task's own columns first.
    """
    if layout == "auto" and template and set(_named(template)) <= set(columns):
        filled = template
        return lambda row: _filled(filled, row), OWN
    tried = _best(layout, columns, sample, options or Options())
    if tried is not None and (tried.share or layout != "auto"):
        return tried.fit.convert, _sentence(tried)
    there = ", ".join(columns)
    if layout != "auto":
        needed = "; or ".join(kind.needs for name, kind in KINDS if name == layout)
        raise IdeaFailure(
            f"`{layout}` needs the columns {needed}, and what belongs in them; there are {there}", where=where
        )
    hint = "make prompt and answer with `template`"
    if tried is None:
        hint += f"; layouts known: {'; '.join(dict.fromkeys(kind.needs for _, kind in KINDS))}"
    raise IdeaFailure(_unfit(tried, columns), where=where, hint=hint)


def _best(layout: Layout, columns: Sequence[str], sample: Sequence[Columns], options: Options) -> _Tried | None:
    """The first layout in which hardly a row is lost; else the one in which the fewest are."""
    best: _Tried | None = None
    for name, kind in KINDS:
        if layout not in ("auto", name) or not (fit := kind.fit(columns, sample, options)):
            continue
        tried = _tried(name, fit, sample)
        if tried.share >= SURE:
            return tried
        if best is None or tried.share > best.share:
            best = tried
    return best


def _tried(layout: Layout, fit: Fit, sample: Sequence[Columns]) -> _Tried:
    found = [fit.convert(row) for row in sample]
    lost = [reason for reason in found if isinstance(reason, str)]
    earlier = sum(isinstance(pair, Talk) and len(pair.turns) > 1 for pair in found)
    return _Tried(layout, fit, len(found) - len(lost), earlier, len(found), lost[0] if lost else "")


def _sentence(tried: _Tried) -> str:
    if not tried.looked_at:
        return f"{tried.layout}: {tried.fit.reason}"
    earlier = f", {tried.earlier:,} of them with turns before the question" if tried.earlier else ""
    pairs_ = f"{tried.pairs:,} of {tried.looked_at:,} rows looked at give a pair{earlier}"
    return f"{tried.layout}: {tried.fit.reason} ({pairs_})"


def _unfit(tried: _Tried | None, columns: Sequence[str]) -> str:
    """Why there is no layout: none for these columns, or the nearest one gives no pair."""
    if tried is None:
        return f"no layout fits the columns {', '.join(columns)}"
    return f"none of the {tried.looked_at:,} rows looked at gives a pair as `{tried.layout}`: {tried.lost}"


def _named(template: Pair) -> list[str]:
    return placeholders(template[0]) + placeholders(template[1])


def _filled(template: Pair, row: Columns) -> Pair | str:
    values = {name: row[name] or "" for name in _named(template)}
    empty = next((name for name, value in values.items() if not value.strip()), "")
    return f"`{empty}` is empty" if empty else (fill(template[0], values), fill(template[1], values))


__all__ = ["KINDS", "OWN", "Columns", "Convert", "Detected", "Options", "Pair", "Talk", "converter", "detect"]
