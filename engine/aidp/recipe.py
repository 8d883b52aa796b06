"""Recipes: an ordered list of data operators, as types. What each one does is in `engine.aidp.operators`.

Light on purpose: the engine and the interface read and fingerprint recipes without importing `datasets`.
Every recipe starts from the task's train split, already loaded and converted to `{id, prompt, answer, ...}`;
`load`, `convert` and `mix` bring in further files from one folder (a task's `extra/`). Decontamination against
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
from engine.aidp.kinds.duplicates import DedupMinhash as DedupMinhash
from engine.aidp.kinds.duplicates import DedupSemantic as DedupSemantic
from engine.aidp.kinds.filters import AnyFilter
from engine.aidp.kinds.filters import FilterAlphanumeric as FilterAlphanumeric
from engine.aidp.kinds.filters import FilterField as FilterField
from engine.aidp.kinds.filters import FilterLabelNoise as FilterLabelNoise
from engine.aidp.kinds.filters import FilterLanguage as FilterLanguage
from engine.aidp.kinds.filters import FilterLength as FilterLength
from engine.aidp.kinds.filters import FilterLoss as FilterLoss
from engine.aidp.kinds.filters import FilterRegex as FilterRegex
from engine.aidp.kinds.filters import FilterRepetition as FilterRepetition
from engine.aidp.kinds.filters import FilterTokens as FilterTokens
from engine.aidp.kinds.generation import AnyGeneration
from engine.aidp.kinds.generation import Generate as Generate
from engine.aidp.kinds.generation import Paraphrase as Paraphrase
from engine.aidp.kinds.generation import Rationale as Rationale
from engine.aidp.kinds.generation import SelfInstruct as SelfInstruct
from engine.aidp.kinds.loading import AnyLoading
from engine.aidp.kinds.loading import Convert as Convert
from engine.aidp.kinds.loading import Load as Load
from engine.aidp.kinds.loading import Mix as Mix
from engine.aidp.kinds.loading import Template as Template
from engine.aidp.kinds.output import AnyOutput
from engine.aidp.kinds.output import Embed as Embed
from engine.aidp.kinds.output import Export as Export
from engine.aidp.kinds.output import Split as Split
from engine.aidp.kinds.sampling import AnySampling
from engine.aidp.kinds.sampling import BalanceLabels as BalanceLabels
from engine.aidp.kinds.sampling import Cap as Cap
from engine.aidp.kinds.sampling import SampleDifficulty as SampleDifficulty
from engine.aidp.kinds.sampling import SampleDiverse as SampleDiverse
from engine.aidp.kinds.sampling import SampleRandom as SampleRandom
from engine.aidp.kinds.sampling import SampleStratified as SampleStratified
from engine.aidp.kinds.sampling import SampleWeighted as SampleWeighted
from engine.aidp.kinds.sampling import Shuffle as Shuffle
from engine.aidp.kinds.scoring import AnyScoring
from engine.aidp.kinds.scoring import KeepTop as KeepTop
from engine.aidp.kinds.scoring import Score as Score
from engine.aidp.kinds.scoring import ScoreLoss as ScoreLoss

AnyOperator = AnyLoading | AnyFilter | AnyDuplicate | AnySampling | AnyGeneration | AnyScoring | AnyOutput


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
            if getattr(operator, field.name) != _default(field)
        ]
        parts.append(operator_name(operator) + (f"({', '.join(given)})" if given else ""))
    return " -> ".join(parts) or "train split as it is"


def _default(field: msgspec.structs.FieldInfo) -> object:
    made = field.default_factory
    return field.default if made is msgspec.NODEFAULT else made()
