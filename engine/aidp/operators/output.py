"""What comes last: rows in splits, with embeddings, written to files."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
from datasets import Dataset

from engine.aidp import export as files
from engine.aidp.context import Applies, Context
from engine.aidp.kinds import output as kinds
from engine.aidp.rows import column, with_columns
from engine.aidp.text import normalise
from engine.errors import IdeaFailure

EMBEDDED = 1_000  # texts embedded at once


def split(rows: Dataset, op: kinds.Split, context: Context) -> Dataset:
    """The rows with the column `split`. Raises IdeaFailure where a split would have no row."""
    groups = together(column(rows, "id"), column(rows, "prompt"), column(rows, "parents"))
    strata = column(rows, "answer") if op.stratified else [""] * len(rows)
    chosen = divided(groups, strata, op.shares, context.rng)
    if empty := [name for name in op.shares if name not in set(chosen)]:
        what = f"{len(groups):,} groups of rows that belong together leave nothing for `{empty[0]}`"
        raise IdeaFailure(what, where="split", hint="name fewer splits, or take more rows")
    return with_columns(rows, {"split": pa.array(chosen, pa.string())})


def together(ids: Sequence[str], prompts: Sequence[str], parents: Sequence[Sequence[str]]) -> list[list[int]]:
    """Places of rows that must not part: equal prompts, and rows made from one row. In the order of their first rows.

    A row made from several (new rows after a few seeds) is bound to none of them: that would bind all to all.
    """
    leader = list(range(len(ids)))

    def find(at: int) -> int:
        while leader[at] != at:
            leader[at] = leader[leader[at]]
            at = leader[at]
        return at

    first: dict[tuple[str, str], int] = {}
    for at, (id_, prompt, made_from) in enumerate(zip(ids, prompts, parents, strict=True)):
        keys = [("prompt", normalise(prompt)), ("id", id_)]
        if len(made_from) == 1:
            keys.append(("id", made_from[0]))
        for key in keys:
            one, other = find(first.setdefault(key, at)), find(at)
            leader[max(one, other)] = min(one, other)
    groups: dict[int, list[int]] = {}
    for at in range(len(ids)):
        groups.setdefault(find(at), []).append(at)
    return list(groups.values())


def divided(
    groups: Iterable[Sequence[int]], strata: Sequence[str], shares: Mapping[str, float], rng: random.Random
) -> list[str]:
    """The split of each row. Groups go, the largest first, to the split that lacks most rows of what it should have.

    What a stratum leaves too much or too little is made up for in the next, so that the whole has its shares too.
    """
    by_stratum: dict[str, list[Sequence[int]]] = {}
    for group in groups:
        by_stratum.setdefault(strata[group[0]], []).append(group)
    chosen = [""] * len(strata)
    lacking = dict.fromkeys(shares, 0.0)
    for members in by_stratum.values():
        rows = sum(map(len, members))
        for name, share in shares.items():
            lacking[name] += share * rows
        rng.shuffle(members)
        for group in sorted(members, key=len, reverse=True):
            name = max(lacking, key=lambda name: lacking[name])
            lacking[name] -= len(group)
            for at in group:
                chosen[at] = name
    return chosen


def embed(rows: Dataset, op: kinds.Embed, context: Context) -> Dataset:
    """The rows with the column `embedding`: 32-bit floats, all of one length."""
    service = context.services.embedder
    assert service is not None  # checked before the recipe runs
    embedder = service()
    context.notes.note = f"by {embedder.name}"
    vectors = [_vectors(embedder.embed(texts)) for texts in _texts(rows, op.part, context)]
    return with_columns(rows, {"embedding": pa.chunked_array(vectors)}) if vectors else rows


def _texts(rows: Dataset, part: str, context: Context) -> Iterator[list[str]]:
    for at in range(0, len(rows), EMBEDDED):
        context.progress(at, len(rows))
        batch = rows[at : at + EMBEDDED]
        if part == "both":
            yield [f"{prompt}\n{answer}" for prompt, answer in zip(batch["prompt"], batch["answer"], strict=True)]
        else:
            yield batch[part]


def _vectors(found: np.ndarray) -> pa.FixedSizeListArray:
    return pa.FixedSizeListArray.from_arrays(pa.array(found.astype(np.float32).reshape(-1)), found.shape[1])


def export(rows: Dataset, op: kinds.Export, context: Context) -> Dataset:
    """The rows as they are, written to a folder."""
    assert context.out is not None  # checked before the recipe runs
    files.write(rows, op, context)
    return rows


APPLY: Applies = {kinds.Split: split, kinds.Embed: embed, kinds.Export: export}
