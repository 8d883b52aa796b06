"""Operators that choose rows, or their order, with an eye on all of them."""

from __future__ import annotations

from typing import ClassVar, Literal

from engine.aidp.kinds.base import Count, Operator


class BalanceLabels(Operator, frozen=True, kw_only=True, tag="balance_labels"):
    """Give each answer the same number of rows, by dropping the surplus (`down`) or repeating rows (`up`)."""

    draws: ClassVar[bool] = True

    method: Literal["down", "up"] = "down"


class SampleStratified(Operator, frozen=True, kw_only=True, tag="sample_stratified"):
    """At most `rows` rows, with the shares of the answers kept (largest remainder)."""

    draws: ClassVar[bool] = True

    rows: Count = 512


class SampleRandom(Operator, frozen=True, kw_only=True, tag="sample_random"):
    """At most `rows` rows, drawn without replacement."""

    draws: ClassVar[bool] = True

    rows: Count = 512


class Shuffle(Operator, frozen=True, kw_only=True, tag="shuffle"):
    """A new order, by the recipe's seed. Training takes the first rows, so order matters."""

    draws: ClassVar[bool] = True


AnySampling = BalanceLabels | SampleStratified | SampleRandom | Shuffle
