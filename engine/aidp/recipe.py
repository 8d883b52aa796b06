"""Recipes: an ordered list of data operators, as types. What each one does is in `engine.aidp.operators`.

Light on purpose: the engine and the interface read and fingerprint recipes without importing `datasets`.
Every recipe starts from the task's train split, already loaded and converted to `{id, prompt, answer, ...}`;
`load`, `convert` and `mix` bring in further files from the task's folder `extra/`. Decontamination against
validation, confirm and test runs on every output, listed or not. `enabled = false` stops the search for shared
n-grams; a row whose prompt equals a held-out one is always dropped.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Fraction = Annotated[float, Meta(ge=0.0, le=1.0)]
Count = Annotated[int, Meta(ge=1, le=10_000_000)]


class Operator(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="op", kw_only=True):
    """Base of all operators; the JSON carries the operator's name under `op`."""


class Load(Operator, frozen=True, kw_only=True, tag="load"):
    """Replace the rows by those of a file below the task's `extra/` (JSONL, JSON, CSV, TSV, Parquet)."""

    path: str
    format: Literal["auto", "jsonl", "json", "csv", "tsv", "parquet"] = "auto"


class Convert(Operator, frozen=True, kw_only=True, tag="convert"):
    """Map columns to `prompt` and `answer`. `layout` names the field convention of the rows."""

    layout: Literal["auto", "prompt_answer", "prompt_completion", "alpaca", "sharegpt", "messages"] = "auto"


class DedupExact(Operator, frozen=True, kw_only=True, tag="dedup_exact"):
    """Keep the first of rows whose prompts are equal. `normalise`: ignore case and white space."""

    normalise: bool = True


class Decontaminate(Operator, frozen=True, kw_only=True, tag="decontaminate"):
    """Drop rows that overlap a held-out split: an equal prompt, or shared runs of `ngram` words (guards.ENOUGH)."""

    ngram: Literal[6, 8, 13] = 8  # words; the sizes the guards are made for (engine.aidp.guards.SIZES)
    enabled: bool = True


class FilterLength(Operator, frozen=True, kw_only=True, tag="filter_length"):
    """Keep rows whose prompt has between `min_words` and `max_words` words, both included."""

    min_words: Annotated[int, Meta(ge=0, le=100_000)] = 0
    max_words: Annotated[int, Meta(ge=1, le=100_000)] = 100_000


class BalanceLabels(Operator, frozen=True, kw_only=True, tag="balance_labels"):
    """Give each answer the same number of rows, by dropping the surplus (`down`) or repeating rows (`up`)."""

    method: Literal["down", "up"] = "down"


class SampleStratified(Operator, frozen=True, kw_only=True, tag="sample_stratified"):
    """At most `rows` rows, with the shares of the answers kept (largest remainder)."""

    rows: Count = 512


class SampleRandom(Operator, frozen=True, kw_only=True, tag="sample_random"):
    """At most `rows` rows, drawn without replacement."""

    rows: Count = 512


class Shuffle(Operator, frozen=True, kw_only=True, tag="shuffle"):
    """A new order, by the recipe's seed. Training takes the first rows, so order matters."""


class Mix(Operator, frozen=True, kw_only=True, tag="mix"):
    """Append rows of another file below the task's `extra/`: `share` of the result comes from it."""

    path: str
    share: Fraction = 0.5
    layout: Literal["auto", "prompt_answer", "prompt_completion", "alpaca", "sharegpt", "messages"] = "auto"


AnyOperator = (
    Load
    | Convert
    | DedupExact
    | Decontaminate
    | FilterLength
    | BalanceLabels
    | SampleStratified
    | SampleRandom
    | Shuffle
    | Mix
)


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Operators in order, and the seed of those that draw."""

    operators: Annotated[tuple[AnyOperator, ...], Meta(max_length=32)] = ()
    seed: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0


def operator_name(operator: Operator) -> str:
    """The operator's name as it stands in JSON."""
    return str(type(operator).__struct_config__.tag)


def describe(recipe: Recipe) -> str:
    """The recipe in one line: `dedup_exact -> filter_length(min_words=4) -> shuffle`."""
    parts = []
    for operator in recipe.operators:
        given = [
            f"{field.name}={getattr(operator, field.name)}"
            for field in msgspec.structs.fields(operator)
            if getattr(operator, field.name) != field.default
        ]
        parts.append(operator_name(operator) + (f"({', '.join(given)})" if given else ""))
    return " -> ".join(parts) or "train split as it is"
