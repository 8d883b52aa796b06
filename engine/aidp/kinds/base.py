"""What all operators have in common, and the kinds of numbers in them."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

Fraction = Annotated[float, Meta(ge=0.0, le=1.0)]
Count = Annotated[int, Meta(ge=1, le=10_000_000)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Part = Literal["prompt", "answer", "both"]

Need = Literal["embeddings", "language_model", "base_model", "tokenizer", "held_out", "files", "output"]


class Operator(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="op", kw_only=True):
    """Base of all operators; the JSON carries the operator's name under `op`.

    `needs`: what it uses besides the rows (`engine.aidp.services`); without it the recipe is refused in one sentence.
    `reads`: columns besides prompt and answer that must be there. `gives`: columns that it adds.
    `draws`: its result depends on the recipe's seed. `brings`: rows or texts come in that were not there before, so
    that what comes out is decontaminated again. `chooses`: which rows it takes depends on which others there are, so
    that rows that must go have to be gone before. `raw`: it also works on rows that are not converted yet.
    """

    needs: ClassVar[frozenset[Need]] = frozenset()
    reads: ClassVar[tuple[str, ...]] = ()
    gives: ClassVar[tuple[str, ...]] = ()
    draws: ClassVar[bool] = False
    brings: ClassVar[bool] = False
    chooses: ClassVar[bool] = False
    raw: ClassVar[bool] = False


def operator_name(operator: Operator | type[Operator]) -> str:
    """The operator's name as it stands in JSON."""
    kind = operator if isinstance(operator, type) else type(operator)
    return str(kind.__struct_config__.tag)
