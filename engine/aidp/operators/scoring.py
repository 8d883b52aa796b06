"""Judging rows, by the local language model or by the base model's loss, and keeping the best."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import pyarrow as pa
from datasets import Dataset

from engine.aidp.context import Applies, Context
from engine.aidp.kinds import scoring as kinds
from engine.aidp.operators.filters_model import losses, with_losses
from engine.aidp.rows import column, with_columns
from engine.aidp.writing import asking
from engine.aidp.writing.asking import Asker
from engine.errors import IdeaFailure
from engine.researcher.prompts import prompt

SCORE = "score"
JUDGEMENT = asking.record(
    reason=asking.text(10, 240), score={"enum": [1, 2, 3, 4, 5]}
)  # who has given a reason scores better
TOKENS = 180


def score(rows: Dataset, op: kinds.Score, context: Context) -> Dataset:
    """All rows with the column `score`, 1.0 to 5.0; null where the model was not asked or gave none."""
    asker = Asker(op, context, calls=op.calls, seconds=op.seconds, planned=len(rows))
    if asker.overlaps(op.rubric):
        raise IdeaFailure("the rubric quotes a held-out row", hint="describe it in other words")
    ids, prompts, answers = (column(rows, name) for name in ("id", "prompt", "answer"))
    scores: list[float | None] = [None] * len(rows)
    for at in spread(len(rows), op.calls):
        if not asker.goes_on:
            break
        if asker.overlaps(prompts[at]):
            continue
        asked = prompt("rows_score", rubric=op.rubric, prompt=prompts[at], answer=answers[at])
        if found := asker.ask(asked, JUDGEMENT, seed=asker.seed(ids[at]), tokens=TOKENS):
            scores[at] = float(found["score"])
            context.notes.changes(ids[at], f"{found['score']} of 5: {found['reason']}")
    asker.close(sum(value is not None for value in scores))
    given = Counter(value for value in scores if value is not None)
    told = ", ".join(f"{score:g}: {rows:,}" for score, rows in sorted(given.items()))
    context.notes.note = "; ".join(filter(None, (f"rows with each score: {told}", context.notes.note)))
    return with_columns(rows, {SCORE: pa.array(scores, type=pa.float64())})


def score_loss(rows: Dataset, _op: kinds.ScoreLoss, context: Context) -> Dataset:
    """All rows with the column `loss`; nan where the base model cannot read the answer whole."""
    return with_losses(rows, losses(rows, context))


def keep_top(rows: Dataset, op: kinds.KeepTop, context: Context) -> Dataset:
    """The rows with the highest or lowest values, in their order."""
    if op.by not in rows.column_names:
        hint = "put `score` before it" if op.by == SCORE else "put `score_loss` before it"
        raise IdeaFailure(f"`keep_top` needs the column `{op.by}`", hint=hint)
    values = column(rows, op.by)
    places = ranked(values, highest=op.order == "descending")
    size = min(op.rows or max(1, round(op.share * len(rows))), len(rows))
    for at in sorted(places[size:]):
        context.notes.drops(at, _why(values[at], op))
    return rows.select(sorted(places[:size]))


APPLY: Applies = {kinds.Score: score, kinds.ScoreLoss: score_loss, kinds.KeepTop: keep_top}


def spread(count: int, most: int) -> list[int]:
    """At most `most` of `count` places, evenly apart, the first among them."""
    return list(range(count)) if most >= count else [at * count // most for at in range(most)]


def ranked(values: Sequence[float | None], highest: bool) -> list[int]:
    """Places, the best first; of equal ones the first, and those without a value (null, nan) last."""
    sign = -1.0 if highest else 1.0
    return sorted(range(len(values)), key=lambda at: math.inf if _missing(values[at]) else sign * (values[at] or 0.0))


def _missing(value: float | None) -> bool:
    return value is None or math.isnan(value)


def _why(value: float | None, op: kinds.KeepTop) -> str:
    if value is None or math.isnan(value):
        return f"it has no {op.by}"
    return f"{op.by} {value:g}; others have a {'higher' if op.order == 'descending' else 'lower'} one, or come first"
