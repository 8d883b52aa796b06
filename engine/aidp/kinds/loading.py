"""Operators that bring rows in and give them their form."""

from __future__ import annotations

from typing import ClassVar, Literal

from engine.aidp.kinds.base import Fraction, Need, Operator

Layout = Literal["auto", "prompt_answer", "prompt_completion", "alpaca", "sharegpt", "messages"]


class Load(Operator, frozen=True, kw_only=True, tag="load"):
    """Replace the rows by those of a file below the task's `extra/` (JSONL, JSON, CSV, TSV, Parquet)."""

    needs: ClassVar[frozenset[Need]] = frozenset({"files"})
    brings: ClassVar[bool] = True
    raw: ClassVar[bool] = True

    path: str
    format: Literal["auto", "jsonl", "json", "csv", "tsv", "parquet"] = "auto"


class Convert(Operator, frozen=True, kw_only=True, tag="convert"):
    """Map columns to `prompt` and `answer`. `layout` names the field convention of the rows."""

    raw: ClassVar[bool] = True

    layout: Layout = "auto"


class Mix(Operator, frozen=True, kw_only=True, tag="mix"):
    """Append rows of another file below the task's `extra/`: `share` of the result comes from it."""

    needs: ClassVar[frozenset[Need]] = frozenset({"files"})
    brings: ClassVar[bool] = True
    draws: ClassVar[bool] = True

    path: str
    share: Fraction = 0.5
    layout: Layout = "auto"


AnyLoading = Load | Convert | Mix
