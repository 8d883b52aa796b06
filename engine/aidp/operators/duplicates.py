"""Against rows that say again what another row says, in the data or in a held-out split."""

from __future__ import annotations

from collections.abc import Sequence

from datasets import Dataset, Value

from engine.aidp.context import Applies, Context
from engine.aidp.kinds import duplicates as kinds
from engine.aidp.kinds.base import Part
from engine.aidp.likeness.wording import Repeat, settled
from engine.aidp.notes import MOST, WITHHELD
from engine.aidp.operators.keeping import EVERY, keep
from engine.aidp.rows import COLUMNS, column
from engine.aidp.text import normalise

MUCH = 0.2  # of the rows: more are seldom meant to go


def dedup_exact(rows: Dataset, op: kinds.DedupExact, context: Context) -> Dataset:
    """The first row of each text."""
    first: dict[str, int] = {}
    repeats: list[Repeat] = []
    for at, text in enumerate(texts(rows, op.part)):
        if not at % EVERY:
            context.progress(at, len(rows))
        if (found := first.setdefault(normalise(text) if op.normalise else text, at)) != at:
            repeats.append(Repeat(at, found, 1.0))
    return _without(rows, repeats, f"the same {_NAMES[op.part]} as {{1}}", context)


def dedup_minhash(rows: Dataset, op: kinds.DedupMinhash, context: Context) -> Dataset:
    """Rows that are not written like an earlier row that stays."""
    from engine.aidp.likeness.lookalikes import Look, alike

    look = Look(op.unit, op.size, op.threshold, op.num_perm)
    repeats = settled(
        texts(rows, op.part),
        lambda left, wording: alike(left, look, wording, context.progress),
    )
    if len(repeats) > MUCH * len(rows):
        hint = "where texts are made by a template, or overlap, a `size` of 5 or a higher `threshold` tells them apart"
        context.notes.note = f"{len(repeats) / len(rows):.0%} of the rows are written like others: {hint}"
    return _without(rows, repeats, "written like {1} (similarity {0:.2f})", context)


def dedup_semantic(rows: Dataset, op: kinds.DedupSemantic, context: Context) -> Dataset:
    """Rows that do not mean what an earlier row that stays means."""
    from engine.aidp.likeness.paraphrases import EXACT, paraphrases

    assert context.services.embedder is not None  # the pipeline has looked
    embedder = context.services.embedder()
    repeats = settled(
        texts(rows, op.part),
        lambda left, wording: paraphrases(left, embedder, op.threshold, wording, context.progress),
        again=len(rows) <= EXACT,
    )
    return _without(rows, repeats, "means what {1} means (cosine {0:.2f})", context)


def decontaminate(rows: Dataset, op: kinds.Decontaminate, context: Context) -> Dataset:
    """Rows that overlap no held-out row, in no column of text."""
    if context.guard is None:
        return rows
    context.notes.secret = True
    embedder = context.services.embedder() if op.semantic and context.services.embedder else None
    guard = context.guard(op.ngram if op.enabled else 0, op.semantic, embedder)
    more = [name for name, kind in rows.features.items() if name not in COLUMNS and kind == Value("string")]

    def objection(prompt: str, answer: str, *kept: str | None) -> str:
        said = [{"prompt": prompt, "answer": answer}, *({"prompt": text} for text in kept if text)]
        return WITHHELD if any(map(guard.overlaps, said)) else ""

    return keep(rows, objection, context, "prompt", "answer", *more)


_NAMES: dict[Part, str] = {"prompt": "prompt", "answer": "answer", "both": "prompt and answer"}


def texts(rows: Dataset, part: Part) -> list[str]:
    """What is compared; `both` is prompt, line, answer."""
    if part != "both":
        return column(rows, part)
    return [
        f"{prompt}\n{answer}" for prompt, answer in zip(column(rows, "prompt"), column(rows, "answer"), strict=True)
    ]


def _without(rows: Dataset, repeats: Sequence[Repeat], why: str, context: Context) -> Dataset:
    """The other rows, in order. `why` names the similarity and the row that stays."""
    for at, first, similarity in repeats[:MOST]:
        context.notes.drops(at, why.format(similarity, rows[first]["id"]))
    gone = {repeat.at for repeat in repeats}
    return rows.select([at for at in range(len(rows)) if at not in gone]) if gone else rows


APPLY: Applies = {
    kinds.DedupExact: dedup_exact,
    kinds.DedupMinhash: dedup_minhash,
    kinds.DedupSemantic: dedup_semantic,
    kinds.Decontaminate: decontaminate,
}
