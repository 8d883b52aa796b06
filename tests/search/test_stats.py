"""Bootstrap intervals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.search.stats import Interval, bootstrap_interval, paired_interval, resampled_interval

bits = st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=60)


@given(bits)
def test_the_interval_is_ordered_within_the_values_and_repeatable(values: list[float]) -> None:
    low, high = bootstrap_interval(values)
    assert min(values) <= low <= high <= max(values)
    assert bootstrap_interval(values) == (low, high)


@given(bits)
def test_a_score_against_itself_has_no_width(values: list[float]) -> None:
    assert paired_interval(values, values) == (0.0, 0.0)


@given(st.lists(st.tuples(st.sampled_from([0.0, 1.0]), st.sampled_from([0.0, 1.0])), min_size=1, max_size=60))
def test_swapping_the_sides_mirrors_the_interval(pairs: list[tuple[float, float]]) -> None:
    ours, theirs = [a for a, _ in pairs], [b for _, b in pairs]
    forth, back = paired_interval(ours, theirs), paired_interval(theirs, ours)
    assert forth.low == pytest.approx(-back.high) and forth.high == pytest.approx(-back.low)


def test_it_has_the_width_of_the_normal_approximation() -> None:
    values = [1.0] * 210 + [0.0] * 90
    low, high = bootstrap_interval(values)
    half = 1.96 * (0.7 * 0.3 / 300) ** 0.5
    assert low == pytest.approx(0.7 - half, abs=0.01) and high == pytest.approx(0.7 + half, abs=0.01)


def test_pairing_sees_what_two_intervals_hide() -> None:
    theirs = [float(n % 10 < 7) for n in range(300)]
    ours = [1.0 if n % 20 == 8 else value for n, value in enumerate(theirs)]  # 15 rows won, none lost
    assert paired_interval(ours, theirs).low > 0
    assert bootstrap_interval(ours).low < bootstrap_interval(theirs).high


@settings(max_examples=10)
@given(st.integers(1, 50))
def test_blocks_do_not_change_the_draws(items: int) -> None:
    values = np.arange(items, dtype=np.float64)
    whole = resampled_interval(items, lambda picks: values[picks].mean(axis=1))
    generator = np.random.RandomState(0)
    means = values[generator.randint(0, items, size=(2000, items))].mean(axis=1)
    assert whole == pytest.approx(tuple(np.quantile(means, [0.025, 0.975])))


def test_wrong_use_is_refused() -> None:
    with pytest.raises(ValueError, match="no items"):
        bootstrap_interval([])
    with pytest.raises(ValueError, match="same items"):
        paired_interval([1.0], [1.0, 0.0])
    assert Interval(0.1, 0.2).excludes(0.3) and not Interval(0.1, 0.2).excludes(0.15)
