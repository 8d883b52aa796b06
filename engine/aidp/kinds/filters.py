"""Operators that keep rows for what stands in them, each row judged by itself."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from engine.aidp.kinds.base import Operator


class FilterLength(Operator, frozen=True, kw_only=True, tag="filter_length"):
    """Keep rows whose prompt has between `min_words` and `max_words` words, both included."""

    min_words: Annotated[int, Meta(ge=0, le=100_000)] = 0
    max_words: Annotated[int, Meta(ge=1, le=100_000)] = 100_000


AnyFilter = FilterLength
