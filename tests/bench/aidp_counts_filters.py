"""Filters of real data against other ways of counting: `re`, Unicode classes, the places of equal runs, the tokenizers
library, transformers' own loss, scikit-learn's own cross-validation. Part of `tests.bench.aidp_counts`.

Losses are those of a tiny model with random weights on the first rows of a set: real ones cost hours, and say no more
about the counting.
"""

from __future__ import annotations

import math
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import regex
import torch
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import PredefinedSplit, cross_val_predict
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoTokenizer

from engine.aidp.job import ModelPaths
from engine.aidp.models import services
from engine.aidp.models.embedding import WordEmbedder
from engine.aidp.operators.label_noise import FEATURES, STRENGTH, assigned, shortened
from engine.aidp.recipe import (
    AnyOperator,
    FilterAlphanumeric,
    FilterField,
    FilterLabelNoise,
    FilterLanguage,
    FilterLength,
    FilterLoss,
    FilterRegex,
    FilterRepetition,
    FilterTokens,
    Recipe,
    describe,
)
from engine.aidp.text import words
from engine.errors import IdeaFailure
from tests.bench.aidp_counts import Count, Place, parts, plain, run
from tests.executor.conftest import save_tiny_model

SOME = 200  # rows that the tiny model reads
ASKED = "Is the sentiment of this movie-review text positive or negative? Answer with one word.\n\nText: "
HAN = r"[\p{Han}\p{Hiragana}\p{Katakana}]"

Row = dict[str, str]


def filters(place: Place) -> Iterator[Count]:
    """Rows that each filter leaves."""
    sets = {path.parent.name: plain(path) for path in reversed(list(parts(place)))}  # the first split of each
    for name, rows in sets.items():
        for operator, stays in _by_text(rows):
            yield Count(f"{name}: {shown(operator)}", left(place, rows, operator), sum(map(stays, rows)))
        yield _tokens(place, name, rows)
        yield from _losses(place, name, rows[:SOME])
        yield _noise(place, name, rows)
    if {"sst2", "lawbench"} <= set(sets):
        yield from _languages(place, sets["sst2"], sets["lawbench"])


def left(place: Place, rows: list[Row], operator: AnyOperator, **around: Any) -> int | str:
    """Rows that the operator leaves, or that it refused."""
    try:
        return len(run(place, operator, rows=rows, services=services_of_tests(), **around).rows)
    except IdeaFailure as error:
        return 0 if "leaves no rows" in str(error) else "refused"


def shown(operator: AnyOperator) -> str:
    text = describe(Recipe(operators=(operator,)))
    return text if len(text) <= 90 else f"{text[:80]}...)"


def _by_text(rows: list[Row]) -> Iterator[tuple[AnyOperator, Callable[[Row], bool]]]:
    """Operators, and which rows stay by the other way."""
    yield FilterLength(min_words=20, max_words=30), lambda row: 20 <= _words(row["prompt"]) <= 30
    yield FilterAlphanumeric(min_share=0.9), lambda row: _good(row["prompt"]) >= 0.9
    yield FilterAlphanumeric(part="answer", min_share=0.7), lambda row: _good(row["answer"]) >= 0.7
    yield FilterRegex(pattern=r"\d\d"), lambda row: re.search(r"\d\d", row["prompt"]) is not None
    without = FilterRegex(pattern="^C|不", column="answer", matching="drop", ignore_case=True)
    yield without, lambda row: row["answer"][:1] not in ("C", "c") and "不" not in row["answer"]
    yield FilterRepetition(max_lines=1.0, max_char=1.0), lambda row: _covered(row["prompt"]) <= 0.15
    frequent = tuple(answer for answer, _ in Counter(row["answer"] for row in rows).most_common(2))
    yield FilterField(column="answer", values=frequent), lambda row: row["answer"] in frequent


def _words(text: str) -> int:
    """What white space separates, and Chinese characters."""
    return len(regex.sub(HAN, " x ", text).split())


def _good(text: str) -> float:
    """The share of letters, digits and marks, by their Unicode classes."""
    written = regex.sub(r"\s", "", text)
    return len(regex.findall(r"[\p{L}\p{N}\p{M}]", written)) / len(written) if written else 0.0


def _covered(text: str) -> float:
    """The share of words in runs that came before, by the places of equal runs; the words are ours."""
    found = words(text)
    size = 10 if len(regex.findall(HAN, text)) * 2 > len(found) else 5
    places: dict[str, list[int]] = {}
    for at in range(len(found) - size + 1):
        places.setdefault(" ".join(found[at : at + size]), []).append(at)
    again = {at + step for same in places.values() for at in same[1:] for step in range(size)}
    return len(again) / len(found) if found else 0.0


def _languages(place: Place, english: list[Row], chinese: list[Row]) -> Iterator[Count]:
    """Two sets in one pile, texts of 60 letters and more: the file that a row is from tells its language."""
    for keep, mine in (("en", english), ("zh", chinese)):
        operator = FilterLanguage(keep=(keep,), min_letters=60, short="drop")
        ours = left(place, english + chinese, operator, template=(ASKED + "{text}", "{label}"))
        own = [row["prompt"].removeprefix(ASKED) for row in mine]
        long = sum(len(regex.findall(r"\p{L}", text)) + 2 * len(regex.findall(HAN, text)) >= 60 for text in own)
        yield Count(f"sst2 and lawbench: {shown(operator)}", ours, long)


def _tokens(place: Place, name: str, rows: list[Row]) -> Count:
    tokenizer = Tokenizer.from_file(str(_model() / "tokenizer.json"))
    sizes = [sum(len(tokenizer.encode(row[part]).ids) for part in ("prompt", "answer")) for row in rows]
    operator = FilterTokens(max_tokens=sorted(sizes)[len(sizes) // 2])
    kept = sum(size <= operator.max_tokens for size in sizes)
    return Count(f"{name}: {shown(operator)}", left(place, rows, operator), kept)


def _losses(place: Place, name: str, rows: list[Row]) -> Iterator[Count]:
    losses = [loss_of(row) for row in rows]
    bound = round(float(np.nanmedian(losses)), 3)
    for operator, most in (
        (FilterLoss(max_loss=bound), bound),
        (FilterLoss(to_quantile=0.25), float(np.nanquantile(losses, 0.25)) + 1e-5),
    ):
        kept = sum(loss <= most for loss in losses)
        yield Count(f"{name}, {len(rows)} rows: {shown(operator)}", left(place, rows, operator), kept)


def loss_of(row: Row) -> float:
    """One row alone, by transformers, with the labels of the prompt masked."""
    tokenizer, model = _loaded()
    prompt, answer = (tokenizer(row[part], add_special_tokens=False)["input_ids"] for part in ("prompt", "answer"))
    room = 1_024 - len(answer) - 1
    if room < 2 or not answer:
        return math.nan
    prompt = prompt[-room:]
    with torch.inference_mode():
        return float(model(torch.tensor([prompt + answer]), labels=torch.tensor([[-100] * len(prompt) + answer])).loss)


def _noise(place: Place, name: str, rows: list[Row]) -> Count:
    """scikit-learn's cross-validation over the same folds and words. More than 50 different answers are refused."""
    prompts, answers = [row["prompt"] for row in rows], [row["answer"] for row in rows]
    operator = FilterLabelNoise(max_probability=0.2)
    ours = left(place, rows, operator)
    if len(set(answers)) > 50:
        return Count(f"{name}: {shown(operator)}, {len(set(answers))} answers", ours, "refused")
    terms = TfidfVectorizer(
        tokenizer=words,
        token_pattern=None,
        ngram_range=(1, 2),
        min_df=2,
        max_features=FEATURES,
        sublinear_tf=True,
        dtype=np.float32,
    )
    vectors = csr_matrix(shortened(WordEmbedder().embed(prompts)))
    features = hstack([terms.fit_transform(prompts), vectors], format="csr")
    names, labels = np.unique(answers, return_inverse=True)
    folds = PredefinedSplit(assigned(prompts, answers, 5))
    chances = cross_val_predict(
        LogisticRegression(C=STRENGTH, max_iter=300), features, labels, cv=folds, method="predict_proba"
    )
    unlikely = int((chances[np.arange(len(labels)), labels] < 0.2).sum())
    return Count(f"{name}: {shown(operator)}, {len(names)} answers", ours, len(rows) - unlikely)


@cache
def _model() -> Path:
    folder = Path(tempfile.mkdtemp())
    save_tiny_model(folder)
    return folder


@cache
def _loaded() -> Any:
    tokenizer = AutoTokenizer.from_pretrained(_model())
    return tokenizer, AutoModelForCausalLM.from_pretrained(_model(), dtype=torch.float32).eval()


@cache
def services_of_tests() -> Any:
    """The tiny model and the embedder."""
    return services(ModelPaths(base_model=str(_model())))
