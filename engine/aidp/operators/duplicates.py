"""Against rows that say again what another row says, in the data or in a held-out split."""

from __future__ import annotations

from datasets import Dataset

from engine.aidp.context import Applies, Context
from engine.aidp.kinds import duplicates as kinds
from engine.aidp.notes import WITHHELD
from engine.aidp.operators.keeping import keep
from engine.aidp.rows import column
from engine.aidp.text import normalise


def dedup_exact(rows: Dataset, op: kinds.DedupExact, context: Context) -> Dataset:
    """The first row of each prompt."""
    first: dict[str, int] = {}
    ids = rows["id"]
    for at, prompt in enumerate(column(rows, "prompt")):
        if (found := first.setdefault(normalise(prompt) if op.normalise else prompt, at)) != at:
            context.notes.drops(at, f"the same prompt as {ids[found]}")
    return rows.select(list(first.values()))


def decontaminate(rows: Dataset, op: kinds.Decontaminate, context: Context) -> Dataset:
    """Rows that overlap no held-out row."""
    if context.guard is None:
        return rows
    context.notes.secret = True
    guard = context.guard(op.ngram if op.enabled else 0)
    return keep(rows, lambda prompt: WITHHELD if guard.overlaps({"prompt": prompt}) else "", context)


APPLY: Applies = {kinds.DedupExact: dedup_exact, kinds.Decontaminate: decontaminate}
