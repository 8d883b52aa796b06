"""Keeping rows for what stands in them: by counting, matching and comparing.

By language and repetition: `filters_text`. By what a model finds: `filters_model`.
"""

from __future__ import annotations

import unicodedata

from datasets import Dataset

from engine.aidp.context import Applies, Context
from engine.aidp.kinds import filters as kinds
from engine.aidp.notes import LONGEST
from engine.aidp.operators import filters_model, filters_text
from engine.aidp.operators.keeping import keep, unless
from engine.aidp.operators.parts import judged, values
from engine.aidp.operators.patterns import Matcher
from engine.aidp.text import spaced

BATCH = 1_000  # texts that the tokenizer gets at once


def filter_length(rows: Dataset, op: kinds.FilterLength, context: Context) -> Dataset:
    """Rows of `min_words` to `max_words`, words being what white space separates, and CJK characters."""
    return keep(rows, lambda prompt: outside(spaced(prompt), op.min_words, op.max_words, "words"), context)


def filter_tokens(rows: Dataset, op: kinds.FilterTokens, context: Context) -> Dataset:
    """Rows of `min_tokens` to `max_tokens` of the base model's tokens."""
    assert context.services.tokens is not None  # the pipeline has looked
    tokens = context.services.tokens()
    parts = ("prompt", "answer") if op.part == "both" else (op.part,)
    counts = [0] * len(rows)
    for start in range(0, len(rows), BATCH):
        context.progress(start, len(rows))
        some = rows[start : start + BATCH]
        for part in parts:
            for at, count in enumerate(tokens.count(some[part]), start):
                counts[at] += count
    return unless(rows, (outside(count, op.min_tokens, op.max_tokens, "tokens") for count in counts), context)


def filter_alphanumeric(rows: Dataset, op: kinds.FilterAlphanumeric, context: Context) -> Dataset:
    """Rows whose share of letters and digits lies within the bounds."""

    def objection(text: str) -> str:
        share = alphanumeric(text)
        if op.min_share <= share <= op.max_share:
            return ""
        bound = f"less than {op.min_share:g}" if share < op.min_share else f"more than {op.max_share:g}"
        return f"letters and digits are {share:.2f} of it, {bound}"

    return judged(rows, objection, context, op.part)


def filter_regex(rows: Dataset, op: kinds.FilterRegex, context: Context) -> Dataset:
    """Rows in which the pattern is found, or those in which it is not."""
    matcher = Matcher(op.pattern, ignore_case=op.ignore_case)
    wanted = op.matching == "keep"
    why = f"`{op.pattern}` is {'not ' if wanted else ''}in its {op.column}"
    if op.column in ("prompt", "answer"):
        return keep(rows, lambda text: "" if matcher(text) is wanted else why, context, op.column)
    return unless(rows, ("" if matcher(text) is wanted else why for text in values(rows, op.column)), context)


def filter_field(rows: Dataset, op: kinds.FilterField, context: Context) -> Dataset:
    """Rows whose column has one of the values, or those where it has none of them."""
    listed, wanted = frozenset(op.values), op.matching == "keep"
    return unless(
        rows,
        (
            "" if (value in listed) is wanted else f"its {op.column} is `{value[:LONGEST]}`"
            for value in values(rows, op.column)
        ),
        context,
    )


APPLY: Applies = {
    kinds.FilterLength: filter_length,
    kinds.FilterTokens: filter_tokens,
    kinds.FilterAlphanumeric: filter_alphanumeric,
    kinds.FilterRegex: filter_regex,
    kinds.FilterField: filter_field,
    **filters_text.APPLY,
    **filters_model.APPLY,
}


def outside(count: int, least: int, most: int, what: str) -> str:
    """Why a count is not within its bounds; nothing where it is."""
    if count < least:
        return f"{count:,} {what}, fewer than {least:,}"
    return f"{count:,} {what}, more than {most:,}" if count > most else ""


def alphanumeric(text: str) -> float:
    """The share of letters and digits among the characters that are not white space.

    A mark (the vowel signs of Hindi, an accent of its own) belongs to its letter: it counts as one.
    """
    written = "".join(text.split())
    good = sum(map(str.isalnum, written))
    if not written.isascii():
        good += sum(unicodedata.category(char)[0] == "M" for char in written)
    return good / len(written) if written else 0.0
