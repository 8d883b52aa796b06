"""Keeping rows by the language they are in, and by how often they repeat themselves."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

from datasets import Dataset

from engine.aidp.context import Applies, Context
from engine.aidp.kinds import filters as kinds
from engine.aidp.operators.parts import judged
from engine.aidp.text import words
from engine.errors import IdeaFailure

_DENSE = re.compile(
    "[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]"
)  # letters that hold as much as three
WRITTEN_AS = {"wuu": "zh", "yue": "zh"}  # a third of short Chinese texts is taken for one of its varieties
ENOUGH = 20  # characters below which the most frequent one says nothing: `good` has half of its letters in common


def filter_language(rows: Dataset, op: kinds.FilterLanguage, context: Context) -> Dataset:
    """Rows in one of the languages."""
    known = set(identifier().labels) - set(WRITTEN_AS)
    for code in op.keep:
        if code not in known:
            near = difflib.get_close_matches(code, sorted(known), n=5, cutoff=0.0)
            raise IdeaFailure(f"`filter_language` knows no language `{code}`", hint=f"near: {', '.join(near)}")

    def objection(text: str) -> str:
        if (size := letters(text)) < op.min_letters:
            return f"{size} letters, too short to tell its language" if op.short == "drop" else ""
        found = language(text)
        return "" if found in op.keep else f"its language is `{found}`"

    return judged(rows, objection, context, op.part)


def filter_repetition(rows: Dataset, op: kinds.FilterRepetition, context: Context) -> Dataset:
    """Rows that do not say the same again and again."""

    def objection(text: str) -> str:
        found = words(text)
        size = op.ngram * 2 if 2 * len(_DENSE.findall(text)) > len(found) else op.ngram
        for share, most, what in (
            (repeated_lines(text), op.max_lines, "its lines came before"),
            (repeated_words(found, size), op.max_ngrams, f"its words stand in runs of {size} that came before"),
            (most_frequent(text), op.max_char, "its characters are the same one"),
        ):
            if share > most:
                return f"{share:.2f} of {what}, more than {most:g}"
        return ""

    return judged(rows, objection, context, op.part)


APPLY: Applies = {kinds.FilterLanguage: filter_language, kinds.FilterRepetition: filter_repetition}


@cache
def identifier() -> Any:
    """py3langid's model, read once in each process."""
    from py3langid.langid import LanguageIdentifier

    return LanguageIdentifier.from_model_file("data/model.npz.xz")


def language(text: str) -> str:
    """The language of a text (ISO 639-1, or 639-3 where there is no shorter code)."""
    found = str(identifier().classify(text)[0])
    return WRITTEN_AS.get(found, found)


def letters(text: str) -> int:
    """Letters; a Chinese, Japanese or Korean one counts three, which is what it takes in UTF-8 and says in English."""
    return sum(map(str.isalpha, text)) + (0 if text.isascii() else 2 * len(_DENSE.findall(text)))


def repeated_lines(text: str) -> float:
    """The share of lines that are equal to an earlier one, but for white space around them; empty lines are none."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return 1.0 - len(set(lines)) / len(lines) if lines else 0.0


def repeated_words(found: Sequence[str], size: int) -> float:
    """The share of words that stand in a run of `size` words which came before in the text."""
    seen: set[tuple[str, ...]] = set()
    covered = end = 0
    for start in range(len(found) - size + 1):
        gram = tuple(found[start : start + size])
        if gram in seen:
            covered += start + size - max(start, end)
            end = start + size
        seen.add(gram)
    return covered / len(found) if found else 0.0


def most_frequent(text: str) -> float:
    """The share of the most frequent character that is not white space; 0 of a text that is too short to say."""
    written = "".join(text.split())
    return Counter(written).most_common(1)[0][1] / len(written) if len(written) >= ENOUGH else 0.0
