"""Duplicates and held-out rows in real data against all pairs at once: words in common, cosines, sets of letters. Part
of `tests.bench.aidp_counts`.

What is wording (`engine.aidp.likeness.wording`) is found here anew, by its description; what is a word is ours.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import wordllama
from scipy.sparse import csr_matrix

from engine.aidp import guards
from engine.aidp.recipe import Decontaminate, DedupExact, DedupMinhash, DedupSemantic
from engine.aidp.text import words
from tests.bench.aidp_counts import Count, Place, parts, plain
from tests.bench.aidp_counts_filters import Row, left, shown

FAR = 2_000  # rows for all of whose pairs there is room
RUN = 6  # words
OVERLOOKED = 0.02  # of the rows to drop, at most, by signatures (engine.aidp.likeness.lookalikes.CAUGHT)

Alike = np.ndarray[Any, np.dtype[np.float64]]
"""How alike each two texts are, shape (texts, texts)."""


def likeness(place: Place) -> Iterator[Count]:
    """Rows that deduplication and decontamination leave."""
    splits: dict[str, list[list[Row]]] = {}
    for path in parts(place):
        splits.setdefault(path.parent.name, []).append(plain(path))
    for name, (rows, *others) in splits.items():
        yield from _exact(place, name, rows)
        yield from _near(place, name, rows[:FAR])
        if others:
            yield from _held_out(place, name, rows, [row for other in others for row in other])


def _exact(place: Place, name: str, rows: list[Row]) -> Iterator[Count]:
    ways: list[tuple[DedupExact, Callable[[Row], object]]] = [
        (DedupExact(), lambda row: _folded(row["prompt"])),
        (DedupExact(normalise=False), lambda row: row["prompt"]),
        (DedupExact(part="both", normalise=False), lambda row: (row["prompt"], row["answer"])),
    ]
    for operator, key in ways:
        yield Count(f"{name}: {shown(operator)}", left(place, rows, operator), len({key(row) for row in rows}))


def _folded(text: str) -> str:
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text)).strip().casefold()


def _near(place: Place, name: str, rows: list[Row]) -> Iterator[Count]:
    texts = [row["prompt"] for row in rows]
    for operator, alike in (
        (DedupMinhash(), _jaccards),
        (DedupMinhash(threshold=0.8), _jaccards),
        (DedupMinhash(size=5, threshold=0.7), lambda own: _jaccards(own, 5)),
        (DedupSemantic(threshold=0.8), _cosines),
    ):
        wanted = staying(texts, operator.threshold, alike)
        slack = math.ceil(OVERLOOKED * (len(rows) - wanted)) if isinstance(operator, DedupMinhash) else 0
        yield Count(f"{name}, {len(rows)} rows: {shown(operator)}", left(place, rows, operator), wanted, slack)


def staying(texts: Sequence[str], threshold: float, alike: Callable[[list[str]], Alike]) -> int:
    """Rows that stay where each goes that is alike to an earlier one that stays, until none goes any more."""
    while True:
        matrix = alike(_without_wording(texts)) >= threshold - 1e-6
        stay: list[int] = []
        for at in range(len(texts)):
            if not matrix[at, stay].any():
                stay.append(at)
        if len(stay) == len(texts):
            return len(stay)
        texts = [texts[at] for at in stay]


def _without_wording(texts: Sequence[str]) -> list[str]:
    """Less the words that half of the rows have, and runs of six that a hundredth has (ten rows at least)."""
    found = [words(text) for text in texts]
    rows_with: Counter[tuple[str, ...]] = Counter()
    for own in found:
        rows_with.update({(word,) for word in own} | set(_runs(own, RUN)))
    many = max(10.0, 0.01 * len(texts))
    wording = {run for run, rows in rows_with.items() if rows >= (many if len(run) == RUN else 0.5 * len(texts))}
    if not wording or len(texts) < 100:
        return list(texts)
    left = []
    for text, own in zip(texts, found, strict=True):
        shared = {at for at, word in enumerate(own) if (word,) in wording}
        for at, run in enumerate(_runs(own, RUN)):
            shared.update(range(at, at + RUN) if run in wording else ())
        left.append(" ".join(word for at, word in enumerate(own) if at not in shared) or text)
    return left


def _runs(own: Sequence[str], size: int) -> list[tuple[str, ...]]:
    return [tuple(own[at : at + size]) for at in range(len(own) - size + 1)]


def _jaccards(texts: list[str], size: int = 1) -> Alike:
    sets = [{*_runs(own, size)} or {tuple(own)} - {()} for own in map(words, texts)]
    numbers = {run: at for at, run in enumerate(set().union(*sets))}
    columns = [numbers[run] for own in sets for run in own]
    starts = np.cumsum([0, *map(len, sets)])
    there = csr_matrix((np.ones(len(columns)), columns, starts), shape=(len(sets), len(numbers)))
    both = (there @ there.T).toarray()
    sizes = both.diagonal()
    either = sizes[:, None] + sizes - both
    return np.asarray(np.divide(both, either, out=np.zeros_like(both), where=either > 0))


def _cosines(texts: list[str]) -> Alike:
    vectors = embedded(texts)
    return np.asarray(vectors @ vectors.T)


def embedded(texts: list[str]) -> Alike:
    """Unit vectors as wordllama makes them, shape (texts, 256)."""
    return np.asarray(np.nan_to_num(_model().embed(texts, norm=True).astype(np.float64)))


@cache
def _model() -> Any:
    return wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)


def _held_out(place: Place, name: str, rows: list[Row], held: list[Row]) -> Iterator[Count]:
    """Train against validation and test: equal letters by a set; none of those stays when more is asked."""
    guarded = guards.build((row["prompt"], (row["prompt"],)) for row in held)
    known = {_letters(row["prompt"]) for row in held}
    apart = [row for row in rows if _letters(row["prompt"]) not in known]
    operator = Decontaminate(enabled=False)
    yield Count(f"{name}: {shown(operator)}", left(place, rows, operator, guards=guarded), len(apart))
    said = [row for row in rows if _letters(row["prompt"]) in known][:FAR] + held[:FAR]
    yield Count(
        f"{name}: {shown(Decontaminate())} of held-out rows", left(place, said, Decontaminate(), guards=guarded), 0
    )


def _letters(text: str) -> str:
    """Letters, digits and signs of sums, however spaced and pointed."""
    apart = unicodedata.normalize("NFKD", text.replace("\u2019", "'")).casefold().replace(" n't", "n't")
    return re.sub(r"[^\w+*=<>^]|(?<!\d)[-/]|[-/](?!\d)", "", apart)
