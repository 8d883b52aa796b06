"""Operators against rows that say again what another row says, in the data or in a held-out split."""

from __future__ import annotations

from typing import ClassVar, Literal

from engine.aidp.kinds.base import Need, Operator


class DedupExact(Operator, frozen=True, kw_only=True, tag="dedup_exact"):
    """Keep the first of rows whose prompts are equal. `normalise`: ignore case and white space."""

    normalise: bool = True


class Decontaminate(Operator, frozen=True, kw_only=True, tag="decontaminate"):
    """Drop rows that overlap a held-out split: an equal prompt, or shared runs of `ngram` words (guards.ENOUGH)."""

    needs: ClassVar[frozenset[Need]] = frozenset({"held_out"})

    ngram: Literal[6, 8, 13] = 8  # words; the sizes the guards are made for (engine.aidp.guards.SIZES)
    enabled: bool = True


AnyDuplicate = DedupExact | Decontaminate
