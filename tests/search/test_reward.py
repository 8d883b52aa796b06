"""Rewards: in [0, 1], the right sign in both directions, and deaf to catastrophes by rank."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadInput
from engine.search.reward import NORMALISERS, rewards

SCORES = st.dictionaries(st.text(min_size=1, max_size=4), st.floats(-1e6, 1e6), min_size=1, max_size=12)


@given(SCORES, st.booleans(), st.sampled_from(sorted(NORMALISERS)))
def test_rewards_lie_between_zero_and_one(scores: dict[str, float], maximize: bool, normaliser: str) -> None:
    assert all(0.0 <= r <= 1.0 for r in rewards(scores, maximize=maximize, normaliser=normaliser).values())


@given(SCORES, st.floats(1e-3, 1e3), st.booleans(), st.sampled_from(sorted(NORMALISERS)), st.data())
def test_improving_a_metric_never_lowers_its_reward(
    scores: dict[str, float], step: float, maximize: bool, normaliser: str, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(scores)))
    before = rewards(scores, maximize=maximize, normaliser=normaliser)[name]
    improved = {**scores, name: scores[name] + (step if maximize else -step)}
    after = rewards(improved, maximize=maximize, normaliser=normaliser)[name]
    # A lone score has no rivals to be ranked among; otherwise better is never worse.
    assert after >= before - 1e-9


def test_the_best_is_one_and_the_worst_zero_in_both_directions() -> None:
    scores = {"a": 0.2, "b": 0.5, "c": 0.9}
    assert rewards(scores, maximize=True, normaliser="rank") == {"a": 0.0, "b": 0.5, "c": 1.0}
    assert rewards(scores, maximize=False, normaliser="rank") == {"a": 1.0, "b": 0.5, "c": 0.0}


def test_one_catastrophe_flattens_min_max_but_not_rank() -> None:
    scores = {"a": 0.80, "b": 0.82, "wreck": -50.0}
    by_rank, by_span = (rewards(scores, maximize=True, normaliser=n) for n in ("rank", "minmax"))
    assert by_rank["b"] - by_rank["a"] == 0.5
    assert by_span["b"] - by_span["a"] < 0.001


def test_an_unknown_normaliser_is_refused() -> None:
    with pytest.raises(BadInput, match="choose one of"):
        rewards({"a": 1.0}, maximize=True, normaliser="softmax")
