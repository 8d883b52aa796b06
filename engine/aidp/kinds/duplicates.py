"""Operators against rows that say again what another row says, in the data or in a held-out split."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from engine.aidp.kinds.base import Need, Operator, Part


class DedupExact(Operator, frozen=True, kw_only=True, tag="dedup_exact"):
    """Keep the first of rows with equal texts. `normalise`: ignore case and white space.

    `part`: `both` keeps rows with one prompt and different answers.
    """

    normalise: bool = True
    part: Part = "prompt"


class DedupMinhash(Operator, frozen=True, kw_only=True, tag="dedup_minhash"):
    """Drop rows that are written like an earlier row: a few words changed, dropped, added or moved.

    Two rows are alike when they share `threshold` of the shingles (the runs of `size` words or characters) of both:
    with single words and 0.6, texts of four words with one changed and longer ones with more. Wording that many rows
    share does not count. Use `size` 5 where texts differ in a number only (questions made by a template), `size` 5 and
    0.8 for long documents, `characters` with `size` 4 and 0.6 to see through misspellings. `num_perm`: more overlook
    less and take longer.
    """

    part: Part = "prompt"
    unit: Literal["words", "characters"] = "words"
    size: Annotated[int, Meta(ge=1, le=16)] = 1
    threshold: Annotated[float, Meta(ge=0.3, le=1.0)] = 0.6
    num_perm: Literal[64, 128, 256] = 128


class DedupSemantic(Operator, frozen=True, kw_only=True, tag="dedup_semantic"):
    """Drop rows that mean what an earlier row means: the cosine of their embeddings is at least `threshold`.

    Finds paraphrases that keep the important words, in any order. It hardly sees a `not`: with labels use `both`,
    or a high threshold.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"embeddings"})

    part: Part = "prompt"
    threshold: Annotated[float, Meta(ge=0.5, le=1.0)] = 0.9


class Decontaminate(Operator, frozen=True, kw_only=True, tag="decontaminate"):
    """Drop rows that overlap a held-out row: the same letters in the prompt, the answer or in a sentence of them, the
    same words but one, or shared runs of `ngram` words. `enabled = false` leaves only the first, and only for wholes.

    `semantic`: also drop rows whose meaning comes that near a held-out one (a cosine, 0.9 say); 0 = do not ask. Only
    where the held-out rows were taken in with embeddings: a search's splits are not.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"held_out"})

    ngram: Literal[6, 8, 13] = 8  # words; the sizes the guards are made for (engine.aidp.guards.SIZES)
    enabled: bool = True
    semantic: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.0


AnyDuplicate = DedupExact | DedupMinhash | DedupSemantic | Decontaminate
