"""Operators that come last: rows in named splits, with embeddings, written to files."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from engine.aidp.kinds.base import Need, Operator, Part

Share = Annotated[float, Meta(gt=0.0, le=1.0)]
SplitName = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,39}$")]
ExportFormat = Literal[
    "jsonl",
    "parquet",
    "datasets",
    "trl_prompt_completion",
    "trl_messages",
    "llamafactory_alpaca",
    "llamafactory_sharegpt",
]


class Split(Operator, frozen=True, kw_only=True, tag="split"):
    """Give each row a split, in the column `split`, by `shares`: {"train": 0.9, "validation": 0.1}.

    Rows with the same prompt (but for case and white space) and rows made from one another never part.
    `stratified`: each split has its share of every answer.
    """

    draws: ClassVar[bool] = True
    chooses: ClassVar[bool] = True
    gives: ClassVar[tuple[str, ...]] = ("split",)

    shares: Annotated[dict[SplitName, Share], Meta(min_length=2, max_length=16)] = msgspec.field(
        default_factory=lambda: {"train": 0.9, "validation": 0.1}
    )
    stratified: bool = False

    def __post_init__(self) -> None:
        if not math.isclose(math.fsum(self.shares.values()), 1.0, abs_tol=1e-6):
            raise ValueError("the shares of the splits must add up to 1")


class Embed(Operator, frozen=True, kw_only=True, tag="embed"):
    """Add the column `embedding`: the meaning of a part of the row as a vector of length 1."""

    needs: ClassVar[frozenset[Need]] = frozenset({"embeddings"})
    gives: ClassVar[tuple[str, ...]] = ("embedding",)

    part: Part = "prompt"


class Export(Operator, frozen=True, kw_only=True, tag="export"):
    """Write the rows to a new folder `path` below the output folder, a file for each split, and go on with them.

    `format`: jsonl and parquet (all columns), datasets (`save_to_disk`), trl_prompt_completion, trl_messages,
    llamafactory_alpaca and llamafactory_sharegpt (with their dataset_info.json). trl_messages and sharegpt keep the
    turns of a dialogue as long as no operator writes its prompt anew. `card`: a README.md with the recipe,
    the counts of each step and where the rows come from; `licence` stands in it, unknown unless given.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"output"})

    path: Annotated[str, Meta(min_length=1, max_length=200)] = "data"
    format: ExportFormat = "jsonl"
    card: bool = True
    licence: Annotated[str, Meta(max_length=100)] = ""


AnyOutput = Split | Embed | Export
