"""Operators that judge rows, by the local language model or by the base model's loss, and keep the best."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from engine.aidp.kinds.base import Fraction, Need, Operator
from engine.aidp.kinds.generation import Calls, Seconds


class Score(Operator, frozen=True, kw_only=True, tag="score"):
    """Give each row a `score` from 1 to 5 by a rubric, by the local language model. All rows stay.

    At most `calls` rows are judged, evenly spread, in at most `seconds` (0: no limit); the others have no score.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"language_model", "held_out"})
    gives: ClassVar[tuple[str, ...]] = ("score",)

    rubric: Annotated[str, Meta(min_length=1, max_length=1_000)] = (
        "The text can be understood without more context, and the answer is right beyond doubt."
    )
    calls: Calls = 1_000
    seconds: Seconds = 0.0


class ScoreLoss(Operator, frozen=True, kw_only=True, tag="score_loss"):
    """Give each row its `loss`: how surprised the base model is by the answer, in nats per token. All rows stay."""

    needs: ClassVar[frozenset[Need]] = frozenset({"base_model"})
    gives: ClassVar[tuple[str, ...]] = ("loss",)


class KeepTop(Operator, frozen=True, kw_only=True, tag="keep_top"):
    """Keep the `rows` rows (0: the `share`) whose column `by` is highest, or lowest, in their order.

    Of equal ones the first stay; rows without a value are the first to go.
    """

    chooses: ClassVar[bool] = True

    by: Literal["score", "loss"] = "score"
    order: Literal["descending", "ascending"] = "descending"
    rows: Annotated[int, Meta(ge=0, le=10_000_000)] = 0
    share: Fraction = 0.5


AnyScoring = Score | ScoreLoss | KeepTop
