"""Keeping rows for what stands in them."""

from __future__ import annotations

from datasets import Dataset

from engine.aidp.context import Applies, Context
from engine.aidp.kinds import filters as kinds
from engine.aidp.operators.keeping import keep


def filter_length(rows: Dataset, op: kinds.FilterLength, context: Context) -> Dataset:
    """Rows of `min_words` to `max_words`, words being what white space separates."""

    def objection(prompt: str) -> str:
        words = len(prompt.split())
        if words < op.min_words:
            return f"{words} words, fewer than {op.min_words}"
        return f"{words} words, more than {op.max_words}" if words > op.max_words else ""

    return keep(rows, objection, context)


APPLY: Applies = {kinds.FilterLength: filter_length}
