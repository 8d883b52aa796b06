"""Operators that choose rows, or their order, with an eye on all of them.

`by` names the column whose values make groups: `answer`, `source` or any other. What is chosen keeps the order of the
rows, unless a new order is the operator's purpose.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from engine.aidp.kinds.base import Count, Name, Need, Operator, Part

Weight = Annotated[float, Meta(ge=0.0, le=1e6)]
Weights = Annotated[dict[Annotated[str, Meta(max_length=1_000)], Weight], Meta(max_length=200)]


class BalanceLabels(Operator, frozen=True, kw_only=True, tag="balance_labels"):
    """Give each answer the same number of rows, by dropping the surplus (`down`) or repeating rows (`up`)."""

    draws: ClassVar[bool] = True
    chooses: ClassVar[bool] = True

    method: Literal["down", "up"] = "down"


class SampleStratified(Operator, frozen=True, kw_only=True, tag="sample_stratified"):
    """At most `rows` rows, with the shares of the answers kept (largest remainder)."""

    draws: ClassVar[bool] = True
    chooses: ClassVar[bool] = True

    rows: Count = 512


class SampleRandom(Operator, frozen=True, kw_only=True, tag="sample_random"):
    """At most `rows` rows, drawn without replacement."""

    draws: ClassVar[bool] = True
    chooses: ClassVar[bool] = True

    rows: Count = 512


class SampleWeighted(Operator, frozen=True, kw_only=True, tag="sample_weighted"):
    """At most `rows` rows, drawn without replacement so that each value of the column `by` has its share.

    With `weights` (one for each value; values that are not named get none) the shares are in proportion to them; else
    to n^(1/`temperature`), n being a value's rows: 1 keeps the shares, a high temperature makes them equal, as in
    mixing languages (Arivazhagan et al. 2019, arXiv:1907.05019). Rounded by largest remainder; what a value is too
    small to give, the others give by the same weights."""

    draws: ClassVar[bool] = True
    chooses: ClassVar[bool] = True

    rows: Count = 512
    by: Name = "source"
    weights: Weights = msgspec.field(default_factory=dict)
    temperature: Annotated[float, Meta(ge=1.0, le=1_000.0)] = 1.0


class SampleDiverse(Operator, frozen=True, kw_only=True, tag="sample_diverse"):
    """At most `rows` rows that are far from one another in meaning, by embeddings.

    `farthest`: again and again the row that is farthest from all chosen ones, which leaves no row without a near one
    (k-center; Sener and Savarese 2018, arXiv:1708.00489) and takes odd rows first. `clusters`: the middle row of each
    of `rows` clusters (k-means), which takes typical rows."""

    needs: ClassVar[frozenset[Need]] = frozenset({"embeddings"})
    draws: ClassVar[bool] = True
    chooses: ClassVar[bool] = True

    rows: Count = 512
    part: Part = "prompt"
    method: Literal["farthest", "clusters"] = "clusters"


class SampleDifficulty(Operator, frozen=True, kw_only=True, tag="sample_difficulty"):
    """At most `rows` rows by how surprised the untouched base model is by their answers (mean loss per answer token).

    `easy`, `medium` and `hard` take the lowest, the middle and the highest losses. `curriculum` takes rows evenly from
    all of them and puts the easy ones first (Bengio et al. 2009): for trainers that keep the order; a trial here takes
    the first rows that it needs and shuffles them. Rows whose answer the model cannot read whole are left out."""

    needs: ClassVar[frozenset[Need]] = frozenset({"base_model"})
    gives: ClassVar[tuple[str, ...]] = ("loss",)
    chooses: ClassVar[bool] = True

    rows: Count = 512
    take: Literal["easy", "medium", "hard", "curriculum"] = "medium"


class Cap(Operator, frozen=True, kw_only=True, tag="cap"):
    """At most `rows` rows of each value of the column `by`, drawn without replacement."""

    draws: ClassVar[bool] = True
    chooses: ClassVar[bool] = True

    rows: Count = 100
    by: Name = "answer"


class Shuffle(Operator, frozen=True, kw_only=True, tag="shuffle"):
    """A new order, by the recipe's seed. Training takes the first rows, so order matters."""

    draws: ClassVar[bool] = True


AnySampling = (
    BalanceLabels | SampleStratified | SampleRandom | SampleWeighted | SampleDiverse | SampleDifficulty | Cap | Shuffle
)
