"""Metrics: what one answer is worth, and the score of all of them.

Not the evaluator: this module sees texts, never a model. A score can always be computed again from the items
that `result.json` keeps.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, Protocol

import numpy as np

from engine.errors import BadInput
from engine.search.stats import Indices, Interval, Scores, bootstrap_interval, resampled_interval

_PUNCTUATION = str.maketrans("", "", string.punctuation)


class Judged(Protocol):
    """What a metric needs of a judged row."""

    @property
    def gold(self) -> str: ...
    @property
    def answer(self) -> str: ...
    @property
    def correct(self) -> float: ...


class Rule(NamedTuple):
    """A metric: its natural direction, what one answer contributes, and how items become a score."""

    direction: Literal["maximize", "minimize"]
    contribution: Callable[[str, str], float]
    aggregate: Callable[[Sequence[Judged]], float]
    interval: Callable[[Sequence[Judged]], Interval]


def rule(metric: str) -> Rule:
    """The metric of that name. Raises BadInput."""
    if metric not in RULES:
        raise BadInput(f"no metric is called `{metric}`", hint=f"metrics: {', '.join(RULES)}")
    return RULES[metric]


def contribution(metric: str, gold: str, answer: str) -> float:
    """What one answer is worth, in [0, 1]."""
    return rule(metric).contribution(gold, answer)


def score(metric: str, items: Sequence[Judged]) -> float:
    """The score of judged rows, in [0, 1]. Raises BadInput where there are none."""
    if not items:
        raise BadInput("there are no judged rows to score")
    return rule(metric).aggregate(items)


def interval(metric: str, items: Sequence[Judged]) -> Interval:
    """The 95% bootstrap interval of `score` over items (percentile, 2,000 draws, seed 0)."""
    if not items:
        raise BadInput("there are no judged rows to score")
    return rule(metric).interval(items)


def normalised(text: str) -> str:
    """Lower case, no punctuation, single spaces: `" The Hague. "` and `"the hague"` are one answer."""
    return " ".join(re.split(r"\s+", text.lower().translate(_PUNCTUATION).strip()))


def _same(gold: str, answer: str) -> float:
    return float(gold.strip() == answer.strip())


def _same_normalised(gold: str, answer: str) -> float:
    return float(normalised(gold) == normalised(answer))


def _mean(items: Sequence[Judged]) -> float:
    return sum(item.correct for item in items) / len(items)


def _mean_interval(items: Sequence[Judged]) -> Interval:
    return bootstrap_interval([item.correct for item in items])


def _macro_f1(items: Sequence[Judged]) -> float:
    return float(_macro_f1_of(items)(np.arange(len(items), dtype=np.int64)[None, :])[0])


def _macro_f1_interval(items: Sequence[Judged]) -> Interval:
    return resampled_interval(len(items), _macro_f1_of(items))


def _macro_f1_of(items: Sequence[Judged]) -> Callable[[Indices], Scores]:
    """F1 per gold class, averaged over the classes among the picked golds; picks [draws, items] -> scores [draws].

    An answer that is no class counts as a miss of its gold class and helps none.
    """
    classes = {label: n for n, label in enumerate(sorted({item.gold.strip() for item in items}))}
    gold = np.array([classes[item.gold.strip()] for item in items])
    said = np.array([classes.get(item.answer.strip(), -1) for item in items])

    def scores(picks: Indices) -> Scores:
        total, present = np.zeros(len(picks)), np.zeros(len(picks))
        for number in classes.values():
            is_gold, is_said = gold[picks] == number, said[picks] == number
            support = is_gold.sum(axis=1)
            total += np.where(
                support > 0, 2 * (is_gold & is_said).sum(axis=1) / np.maximum(support + is_said.sum(axis=1), 1), 0.0
            )
            present += support > 0
        return np.asarray(total / present, dtype=np.float64)

    return scores


RULES: dict[str, Rule] = {
    "accuracy": Rule("maximize", _same, _mean, _mean_interval),
    "exact_match": Rule("maximize", _same_normalised, _mean, _mean_interval),
    "macro_f1": Rule("maximize", _same, _macro_f1, _macro_f1_interval),
}
