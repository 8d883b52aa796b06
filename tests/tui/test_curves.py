"""Charts: what is drawn of curves, and what is not."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.search.tree import Score
from trex_tui.pages.intervals import dots
from trex_tui.widgets.braille import LETTERS, Series, plot, scale, steps

finite = st.floats(-1e6, 1e6)
odd = st.one_of(finite, st.just(math.nan), st.just(math.inf), st.just(-math.inf))


def test_a_spike_of_one_step_stays_visible() -> None:
    values = [1.0] * 5000
    values[2500] = 9.0
    picture = plot([Series("loss", values)], 40, 4)
    assert (picture.low, picture.high) == (1.0, 9.0)
    assert picture.rows[0].strip() and len(picture.rows[0]) == 40


@given(st.lists(odd, max_size=60), st.lists(odd, max_size=60), st.integers(1, 200), st.integers(1, 40))
def test_charts_of_odd_courses_have_their_size(one: list[float], two: list[float], width: int, height: int) -> None:
    picture = plot([Series("one", one), Series("two", two)], width, height)
    assert [len(row) for row in picture.rows] == [width] * height
    assert [len(row) for row in picture.owners] == [width] * height
    assert len(steps(picture, width)) <= width
    assert all(isinstance(scale(picture, row), str) for row in range(height) if math.isfinite(picture.low))


@given(st.lists(finite, min_size=1, max_size=300))
@example([0.0, 5e-324])
def test_lowest_and_highest_are_in_the_picture(values: list[float]) -> None:
    picture = plot([Series("loss", values)], 30, 6)
    assert (picture.low, picture.high) == (min(values), max(values))
    assert picture.rows[0].strip()
    assert picture.rows[-1].strip() or picture.low == picture.high


def test_a_value_that_is_not_a_number_leaves_a_gap() -> None:
    values = [1.0, 1.0, 1.0, math.nan, math.nan, math.nan, 1.0, 1.0, 1.0]
    row = plot([Series("loss", values)], 18, 1).rows[0]
    assert row[:4].strip() and row[-4:].strip()
    assert not row[7:12].strip()


def test_curves_of_different_length_share_one_scale_of_steps() -> None:
    short, long = Series("short", [2.0, 2.0], [1, 16]), Series("long", [1.0, 1.0], [1, 64])
    picture = plot([short, long], 40, 5)
    assert (picture.first, picture.last) == (1, 64)
    assert len(picture.rows[0].rstrip()) == 10  # a quarter of the width
    assert len(picture.rows[-1].rstrip()) == 40


def test_each_of_several_curves_carries_its_letter() -> None:
    series = [Series(f"n{k}t0", [k + i / 50 for i in range(50)]) for k in range(5)]
    drawn = "".join(plot(series, 100, 12).rows)
    assert all(letter in drawn for letter in LETTERS)
    assert not any(letter in "".join(plot(series[:1], 100, 12).rows) for letter in LETTERS)


def test_intervals_are_drawn_on_one_scale() -> None:
    rows = [("n0", Score(0.5, 0.4, 0.6, 300)), ("n1t0", Score(0.8, 0.7, 0.9, 300)), ("n2t0", None)]
    base, best, none, ends = dots(rows, 60)
    assert base.index("├") < base.index("●") < base.index("┤") < best.index("├")
    assert none == "n2t0  no score"
    assert ends.split() == ["0.400", "0.900"]


@pytest.mark.parametrize("width", [10, 36, 80])
@given(data=st.data())
def test_intervals_fit_their_width(width: int, data: st.DataObject) -> None:
    values = data.draw(st.lists(st.tuples(*[st.floats(0, 1)] * 3), max_size=5))
    rows = [(f"n{i}", Score(mid, low, high, 9)) for i, (low, mid, high) in enumerate(map(sorted, values))]
    longest = len("n0  0.500 ±0.500")
    assert all(len(line) <= max(width, longest) for line in dots(rows, width))
