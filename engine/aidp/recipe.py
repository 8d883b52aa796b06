"""Recipes: an ordered list of data operators, as types. What each one does is in `engine.aidp.operators`.

Light on purpose: the engine and the interface read and fingerprint recipes without importing `datasets`.
Every recipe starts from the task's train split, already loaded and converted to `{id, prompt, answer, ...}`;
`load`, `convert` and `mix` bring in further files from the task's folder `extra/`. Decontamination against
validation, confirm and test runs on every output, listed or not. `enabled = false` stops the search for shared
n-grams; a row whose prompt equals a held-out one is always dropped.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from engine.aidp.kinds.base import Operator as Operator
from engine.aidp.kinds.base import operator_name as operator_name
from engine.aidp.kinds.duplicates import AnyDuplicate
from engine.aidp.kinds.duplicates import Decontaminate as Decontaminate
from engine.aidp.kinds.duplicates import DedupExact as DedupExact
from engine.aidp.kinds.filters import AnyFilter
from engine.aidp.kinds.filters import FilterLength as FilterLength
from engine.aidp.kinds.loading import AnyLoading
from engine.aidp.kinds.loading import Convert as Convert
from engine.aidp.kinds.loading import Load as Load
from engine.aidp.kinds.loading import Mix as Mix
from engine.aidp.kinds.sampling import AnySampling
from engine.aidp.kinds.sampling import BalanceLabels as BalanceLabels
from engine.aidp.kinds.sampling import SampleRandom as SampleRandom
from engine.aidp.kinds.sampling import SampleStratified as SampleStratified
from engine.aidp.kinds.sampling import Shuffle as Shuffle

AnyOperator = AnyLoading | AnyFilter | AnyDuplicate | AnySampling


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Operators in order, and the seed of those that draw."""

    operators: Annotated[tuple[AnyOperator, ...], Meta(max_length=32)] = ()
    seed: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0


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
