"""Sampling against plain definitions: shares, caps, far rows, hard rows; and the same for the same seed."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.aidp.context import Context, silent
from engine.aidp.operators import APPLY
from engine.aidp.operators.sampling import apportioned
from engine.aidp.operators.sampling_model import farthest, middles
from engine.aidp.recipe import AnyOperator, Cap, Recipe, SampleDifficulty, SampleDiverse, SampleWeighted, describe
from engine.aidp.rows import dataset
from engine.aidp.services import Services
from engine.errors import IdeaFailure
from tests.aidp.measures import LengthLosses


class PlaceVectors:
    """The two numbers of a prompt as a place, on the unit sphere."""

    name = "places"

    def embed(self, texts: Any) -> Any:
        places = np.array([[float(number) for number in text.split()] + [1.0] for text in texts], dtype=np.float32)
        return places / np.linalg.norm(places, axis=1, keepdims=True)


SERVICES = Services(embedder=PlaceVectors, losses=LengthLosses)
NAMES = st.sampled_from("abcde")
SIZES = st.dictionaries(NAMES, st.integers(1, 60), min_size=1)


def rows_of(answers: list[str], prompts: list[str] | None = None) -> Any:
    texts = prompts or ["text"] * len(answers)
    return dataset(
        {"id": str(at), "prompt": prompt, "answer": answer, "source": "abc"[at % 3]}
        for at, (prompt, answer) in enumerate(zip(texts, answers, strict=True))
    )


def taken(operator: AnyOperator, rows: Any, seed: int = 0) -> list[int]:
    """The places of the rows that are chosen, in their order."""
    context = Context(rng=random.Random(seed), services=SERVICES)
    return [int(id_) for id_ in APPLY[type(operator)](rows, operator, context)["id"]]


@given(SIZES, st.dictionaries(NAMES, st.floats(0, 100), min_size=5), st.integers(1, 200))
@settings(deadline=None)
def test_what_is_divided_is_all_there_is_and_no_more(
    sizes: dict[str, int], weights: dict[str, float], total: int
) -> None:
    takes = apportioned(sizes, weights, total)
    reach = sum(size for name, size in sizes.items() if weights[name])
    assert sum(takes.values()) == min(total, reach)
    assert all(0 <= takes[name] <= sizes[name] for name in sizes)
    assert all(not takes[name] for name in sizes if not weights[name])


@given(st.dictionaries(NAMES, st.integers(1, 9), min_size=1), st.integers(0, 500))
@settings(deadline=None)
def test_shares_are_in_proportion_where_there_is_enough(weights: dict[str, int], total: int) -> None:
    takes = apportioned(dict.fromkeys(weights, 1_000), {name: float(weight) for name, weight in weights.items()}, total)
    exact = {name: total * weight / sum(weights.values()) for name, weight in weights.items()}
    assert all(abs(takes[name] - exact[name]) < 1.0 for name in weights)


@given(SIZES, st.integers(1, 200))
@settings(deadline=None)
def test_what_one_cannot_give_the_others_give_by_their_weights(sizes: dict[str, int], total: int) -> None:
    takes = apportioned(sizes, dict.fromkeys(sizes, 1.0), total)
    most = max(takes.values())
    assert all(takes[name] == size or takes[name] >= most - 1 for name, size in sizes.items())


def test_weights_and_temperature() -> None:
    rows = rows_of(["x"] * 810 + ["y"] * 90 + ["z"] * 10)

    def counts(**fields: Any) -> dict[str, int]:
        chosen = taken(SampleWeighted(by="answer", **fields), rows)
        assert chosen == sorted(set(chosen)), "without replacement, in order"
        answers = rows["answer"][:]
        return dict(Counter(answers[at] for at in chosen))

    assert counts(rows=91) == {"x": 81, "y": 9, "z": 1}
    assert counts(rows=82, temperature=2.0) == {"x": 57, "y": 19, "z": 6}, "as 28.5 to 9.5 to 3.2"
    assert counts(rows=60, temperature=1_000.0) == {"x": 25, "y": 25, "z": 10}
    assert counts(rows=40, weights={"x": 1.0, "y": 3.0}) == {"x": 10, "y": 30}
    assert counts(rows=500, weights={"y": 1.0}) == {"y": 90}


def test_weights_that_make_no_sense() -> None:
    rows = rows_of(["x", "y"])
    with pytest.raises(IdeaFailure, match="no row has `w` as its answer; try `x`, `y`"):
        taken(SampleWeighted(by="answer", weights={"w": 1.0}), rows)
    with pytest.raises(IdeaFailure, match="all weights are 0"):
        taken(SampleWeighted(by="answer", weights={"x": 0.0}), rows)
    with pytest.raises(IdeaFailure, match="no column `length`; there are id, prompt"):
        taken(SampleWeighted(by="length"), rows)


@given(st.lists(NAMES, min_size=1, max_size=60), st.integers(1, 10), st.integers(0, 3))
@settings(max_examples=50, deadline=None)
def test_a_cap_cuts_what_is_above_it_and_nothing_else(answers: list[str], most: int, seed: int) -> None:
    chosen = taken(Cap(rows=most), rows_of(answers), seed)
    assert chosen == sorted(set(chosen))
    assert Counter(answers[at] for at in chosen) == {name: min(most, size) for name, size in Counter(answers).items()}
    by_source = taken(Cap(rows=most, by="source"), rows_of(answers), seed)
    assert max(Counter(at % 3 for at in by_source).values()) <= most


def test_what_draws_depends_on_the_seed_alone() -> None:
    rows = rows_of(["x", "y"] * 50, [f"{at % 10} {at // 10}" for at in range(100)])
    for operator in (Cap(rows=5), SampleWeighted(rows=20, by="answer"), SampleDiverse(rows=9)):
        assert taken(operator, rows, 1) == taken(operator, rows, 1)
    assert taken(Cap(rows=5), rows, 1) != taken(Cap(rows=5), rows, 2)
    assert taken(SampleWeighted(rows=20, by="answer"), rows, 1) != taken(SampleWeighted(rows=20, by="answer"), rows, 2)


@given(st.integers(1, 12), st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_the_farthest_row_is_taken_each_time(count: int, rng: random.Random) -> None:
    vectors = PlaceVectors().embed([f"{rng.uniform(-2, 2)} {rng.uniform(-2, 2)}" for _ in range(20)])
    chosen = farthest(vectors, count, [3], silent)
    assert chosen[0] == 3 and len(set(chosen)) == count
    for step in range(1, count):
        near = (vectors @ vectors[chosen[:step]].T).max(axis=1)
        left = [at for at in range(20) if at not in chosen[:step]]
        assert near[chosen[step]] == pytest.approx(min(near[at] for at in left), abs=1e-6)


def test_each_cluster_gives_its_middle() -> None:
    middle = {(5, 0): 0, (0, 5): 1, (-5, -5): 2}
    around = [(0.0, 0.0), (0.4, 0.0), (-0.4, 0.0), (0.0, 0.4), (0.0, -0.4)]
    prompts = [f"{x + dx} {y + dy}" for x, y in middle for dx, dy in around]
    assert middles(PlaceVectors().embed(prompts), 3, seed=1) == [0, 5, 10]
    for method in ("clusters", "farthest"):
        chosen = taken(SampleDiverse(rows=3, method=method), rows_of(["x"] * 15, prompts))
        assert sorted(at // 5 for at in chosen) == [0, 1, 2], "one of each"


def test_equal_rows_are_taken_last_and_all_is_all() -> None:
    rows = rows_of(["x"] * 6, ["1 0", "1 0", "1 0", "0 1", "0 1", "-3 2"])
    for method in ("clusters", "farthest"):
        three = taken(SampleDiverse(rows=3, method=method), rows)
        assert len(three) == 3 and {at in (0, 1, 2) for at in three} == {True, False}
        assert len({rows["prompt"][at] for at in three}) == 3
        assert len(set(taken(SampleDiverse(rows=5, method=method), rows))) == 5
        assert taken(SampleDiverse(rows=6, method=method), rows) == list(range(6))


def test_difficulty_by_losses() -> None:
    rows = rows_of(["a" * size for size in (5, 1, 9, 3, 7, 12, 2)], [""] * 7)
    assert taken(SampleDifficulty(rows=2, take="easy"), rows) == [1, 6]
    assert taken(SampleDifficulty(rows=2, take="hard"), rows) == [2, 4]
    assert taken(SampleDifficulty(rows=2, take="medium"), rows) == [0, 3]
    assert taken(SampleDifficulty(rows=99, take="curriculum"), rows) == [1, 6, 3, 0, 4, 2], "the unreadable one is out"
    assert taken(SampleDifficulty(rows=3, take="curriculum"), rows) == [6, 0, 2]
    chosen = APPLY[SampleDifficulty](
        rows, SampleDifficulty(rows=2, take="easy"), Context(random.Random(0), services=SERVICES)
    )
    assert chosen["loss"][:] == [1.0, 2.0]


def test_a_recipe_is_described_by_what_is_not_usual() -> None:
    recipe = Recipe(operators=(SampleWeighted(rows=9), SampleWeighted(weights={"a": 1.0}), Cap()))
    assert describe(recipe) == "sample_weighted(rows=9) -> sample_weighted(weights={'a': 1.0}) -> cap"
