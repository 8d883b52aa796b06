"""Metrics: scores from items, against plain definitions."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadInput
from engine.ftbench import metrics


class Row(NamedTuple):
    gold: str
    answer: str
    correct: float


words = st.sampled_from(["yes", "no", "maybe", "Yes!", " yes", ""])
golds = st.sampled_from(["yes", "no", "maybe"])


@st.composite
def judged(draw: st.DrawFn, metric: str) -> list[Row]:
    pairs = draw(st.lists(st.tuples(golds, words), min_size=1, max_size=30))
    return [Row(gold, answer, metrics.contribution(metric, gold, answer)) for gold, answer in pairs]


def plain_macro_f1(rows: list[Row]) -> float:
    """By the book: F1 per gold class, averaged."""
    total = 0.0
    classes = sorted({row.gold for row in rows})
    for name in classes:
        both = sum(row.gold == name == row.answer.strip() for row in rows)
        said, gold = sum(row.answer.strip() == name for row in rows), sum(row.gold == name for row in rows)
        total += 2 * both / (said + gold)
    return total / len(classes)


@given(judged("macro_f1"))
def test_macro_f1_is_the_book_definition(rows: list[Row]) -> None:
    assert metrics.score("macro_f1", rows) == pytest.approx(plain_macro_f1(rows))


@given(st.sampled_from(sorted(metrics.RULES)).flatmap(lambda name: st.tuples(st.just(name), judged(name))))
def test_a_score_lies_in_its_interval_and_forgets_the_order(case: tuple[str, list[Row]]) -> None:
    name, rows = case
    score, (low, high) = metrics.score(name, rows), metrics.interval(name, rows)
    assert 0 <= score <= 1 and 0 <= low <= high <= 1
    assert metrics.score(name, rows[::-1]) == pytest.approx(score)
    if score in (0.0, 1.0):
        assert low == high == score


@given(st.sampled_from(sorted(metrics.RULES)), st.lists(golds, min_size=1))
def test_all_right_is_one_and_one_more_right_answer_never_hurts(name: str, answers: list[str]) -> None:
    right = [Row(gold, gold, metrics.contribution(name, gold, gold)) for gold in answers]
    assert metrics.score(name, right) == 1.0
    worse = [Row(answers[0], "never", 0.0), *right[1:]]
    assert metrics.score(name, worse) < 1.0


def test_exact_match_forgives_case_and_punctuation_and_accuracy_does_not() -> None:
    assert metrics.contribution("exact_match", "The Hague", " the hague. ") == 1.0
    assert metrics.contribution("accuracy", "The Hague", "the hague") == 0.0
    assert metrics.contribution("accuracy", " yes", "yes") == 1.0
    assert metrics.rule("accuracy").direction == "maximize"


def test_nothing_judged_and_unknown_metrics_are_refused() -> None:
    with pytest.raises(BadInput, match="no judged rows"):
        metrics.score("accuracy", [])
    with pytest.raises(BadInput, match="no metric is called `bleu`"):
        metrics.score("bleu", [Row("a", "a", 1.0)])
