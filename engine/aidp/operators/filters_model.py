"""Keeping rows by what a model finds: how surprising an answer is, and whether its label is likely."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from datasets import Dataset, Value

from engine.aidp.context import Applies, Context
from engine.aidp.kinds import filters as kinds
from engine.aidp.operators.keeping import unless
from engine.aidp.operators.parts import texts
from engine.aidp.operators.vectors import embedded
from engine.aidp.rows import column
from engine.errors import IdeaFailure

if TYPE_CHECKING:
    from engine.aidp.operators.label_noise import Doubt

LOSS = "loss"
LABELS = 50  # different answers; above it is no classification, and the classifier has too few rows of each
UNREAD = "its answer alone is longer than the base model reads"


def filter_loss(rows: Dataset, op: kinds.FilterLoss, context: Context) -> Dataset:
    """Rows whose answer surprises the base model neither too little nor too much, with that loss as a column."""
    found = losses(rows, context)
    known = [loss for loss in found if not math.isnan(loss)]
    low, high = np.quantile(known, [op.from_quantile, op.to_quantile]) if known else (0.0, 0.0)
    least, most = max(op.min_loss, float(low)), min(op.max_loss, float(high))

    def why(loss: float) -> str:
        if math.isnan(loss):
            return UNREAD
        if loss < least:
            return f"loss {loss:.3f}, less than {least:.3f}"
        return f"loss {loss:.3f}, more than {most:.3f}" if loss > most else ""

    return unless(with_losses(rows, found), map(why, found), context)


def filter_label_noise(rows: Dataset, op: kinds.FilterLabelNoise, context: Context) -> Dataset:
    """Rows whose label a classifier that never saw them does not find unlikely."""
    from engine.aidp.operators.label_noise import doubts  # scikit-learn: a second of imports that few recipes need

    answers = column(rows, "answer")
    if not 2 <= len(names := set(answers)) <= LABELS:
        raise IdeaFailure(
            f"for 2 to {LABELS} different answers; here are {len(names):,}",
            where="filter_label_noise",
            hint="leave it out where the answer is not a label",
        )
    prompts = texts(rows, "prompt", context)
    found = doubts(prompts, embedded(prompts, context), answers, op.folds, context.progress)
    return unless(rows, _verdicts(answers, found, op.max_probability), context)


APPLY: Applies = {kinds.FilterLoss: filter_loss, kinds.FilterLabelNoise: filter_label_noise}


def losses(rows: Dataset, context: Context) -> list[float]:
    """Of every row's answer under the base model; nan where the model cannot read the answer whole."""
    assert context.services.losses is not None  # the pipeline has looked
    pairs = list(zip(column(rows, "prompt"), column(rows, "answer"), strict=True))
    return context.services.losses().losses(pairs, context.progress)


def with_losses(rows: Dataset, found: Sequence[float]) -> Dataset:
    """The rows with the column `loss`, in place of one that another operator made."""
    if LOSS in rows.column_names:
        rows = rows.remove_columns(LOSS)
    return rows.add_column(LOSS, list(found), feature=Value("float64"))


def _verdicts(answers: Sequence[str], found: Sequence[Doubt | None], most: float) -> Iterator[str]:
    for answer, doubt in zip(answers, found, strict=True):
        if doubt is None or doubt.own >= most:
            yield ""
        else:
            seen = f"`{doubt.likeliest}` {doubt.probability:.2f}"
            yield f"`{answer}` has probability {doubt.own:.3f} for a classifier that did not see this row, {seen}"
