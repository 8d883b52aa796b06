"""How likely each row's label is for a classifier that never saw the row (cross-fitting).

Logistic regression on TF-IDF of words and pairs of words beside an embedding, which helps where rows are few
(docs/benchmarks/aidp-filters.md). Pure: texts, vectors and labels in, probabilities out, the same for any order of the
rows up to rounding. Rows with equal text and label share a fold, so that none vouches for its copy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from engine.aidp.operators.vectors import Vectors
from engine.aidp.text import digest, normalise, words
from engine.errors import IdeaFailure

Progress = Callable[[int, int], None]

FEATURES = 200_000  # words and pairs, the most frequent
STRENGTH = 3.0  # inverse of the penalty
MEANING = 0.5  # length of the embedding beside that of the terms, which is 1
DIMENSIONS = 64  # of the embedding; WordLlama is trained so that the first ones say most, and each costs memory


class Doubt(NamedTuple):
    """Out-of-fold probabilities: of the row's own label, and of the likeliest one."""

    own: float
    likeliest: str
    probability: float


def doubts(
    texts: Sequence[str], vectors: Vectors, labels: Sequence[str], folds: int, progress: Progress
) -> list[Doubt | None]:
    """One for each row; None where fewer different texts have its label than there are folds. Raises IdeaFailure."""
    fold = assigned(texts, labels, folds)
    names = np.array(sorted({label for label, number in zip(labels, fold, strict=True) if number >= 0}), dtype=object)
    if len(names) < 2:
        raise IdeaFailure(f"fewer than two answers have {folds} different prompts", where="filter_label_noise")
    of = np.searchsorted(names, np.array(labels, dtype=object))
    features = _features(texts, vectors)
    found: list[Doubt | None] = [None] * len(texts)
    for number in range(folds):
        progress(number, folds)
        seen, held = np.flatnonzero((fold != number) & (fold >= 0)), np.flatnonzero(fold == number)
        model = LogisticRegression(C=STRENGTH, max_iter=300).fit(features[seen], of[seen])
        chances = model.predict_proba(features[held])
        for at, own, best, row in zip(held, of[held], chances.argmax(1), chances, strict=True):
            found[at] = Doubt(float(row[own]), str(names[best]), float(row[best]))
    return found


def assigned(texts: Sequence[str], labels: Sequence[str], folds: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """A fold for each row, by its text and label alone, every label in all folds; -1 for labels that are too rare."""
    keys = [(label, digest(normalise(text))) for text, label in zip(texts, labels, strict=True)]
    place: dict[tuple[str, bytes], int] = {}
    of_label: dict[str, int] = {}
    for key in sorted(set(keys)):
        place[key] = of_label.get(key[0], 0)
        of_label[key[0]] = place[key] + 1
    return np.array([place[key] % folds if of_label[key[0]] >= folds else -1 for key in keys], dtype=np.int64)


def _features(texts: Sequence[str], vectors: Vectors) -> Any:
    terms = TfidfVectorizer(analyzer=_terms, min_df=2, max_features=FEATURES, sublinear_tf=True, dtype=np.float32)
    try:
        counted = terms.fit_transform(texts)
    except ValueError:
        raise IdeaFailure("no two prompts have a word in common", where="filter_label_noise") from None
    return hstack([counted, csr_matrix(shortened(vectors))], format="csr")


def shortened(vectors: Vectors) -> Vectors:
    """The first dimensions, at the length that they have beside the terms."""
    first = vectors[:, :DIMENSIONS]
    scaled: Vectors = first * (MEANING / np.maximum(np.linalg.norm(first, axis=1, keepdims=True), 1e-6))
    return scaled


def _terms(text: str) -> list[str]:
    found = words(text)
    return found + [f"{one} {other}" for one, other in pairwise(found)]
