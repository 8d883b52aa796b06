"""The pure parts, on any input: verdicts, time, scales, words."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.executor.job import Item, Result
from engine.report import scoring, svg, words
from engine.report.model import Comparison, Span
from engine.report.timing import covered, seconds_by_activity, time_use
from engine.search import events as ev

outcomes = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60)
numbers = st.floats(-1e6, 1e6)


def result(trial: str, right: list[bool], split: str = "test") -> Result:
    items = tuple(Item(id=str(n), gold="a", answer="a" if ok else "b", correct=float(ok)) for n, ok in enumerate(right))
    return Result(trial=trial, split=split, metric="accuracy", score=0.0, low=0.0, high=0.0, items=items)


@given(outcomes)
def test_swapping_the_two_turns_the_difference_and_keeps_the_noise(pairs):
    ours, theirs = result("n1t0", [a for a, _ in pairs]), result("n2t0", [b for _, b in pairs])
    there, back = scoring.compare(ours, theirs, maximize=True), scoring.compare(theirs, ours, maximize=True)
    assert there.difference == pytest.approx(-back.difference)
    assert there.low == pytest.approx(-back.high) and there.high == pytest.approx(-back.low)
    assert there.beyond == back.beyond
    assert there.low <= there.difference + 1e-9 and there.difference <= there.high + 1e-9


@given(outcomes)
def test_a_trial_against_itself_is_inside_the_noise(pairs):
    ours = result("n1t0", [a for a, _ in pairs])
    assert scoring.compare(ours, ours, maximize=True).verdict == "inside the noise"


def test_rows_in_another_order_are_paired_by_their_names():
    ours = result("n1t0", [True] * 30 + [False] * 10)
    theirs = result("n2t0", [True] * 25 + [False] * 15)
    shuffled = Result(**{**{f: getattr(theirs, f) for f in theirs.__struct_fields__}, "items": theirs.items[::-1]})
    assert scoring.compare(ours, shuffled, maximize=True) == scoring.compare(ours, theirs, maximize=True)


@pytest.mark.parametrize(
    ("flips", "verdict"), [(0, "inside the noise"), (2, "inside the noise"), (40, "better, beyond noise")]
)
def test_verdicts_on_items_made_for_them(flips, verdict):
    theirs = result("n0t0", [False] * 100 + [True] * 100)
    ours = result("n1t0", [n < flips for n in range(100)] + [True] * 100)
    assert scoring.compare(ours, theirs, maximize=True).verdict == verdict
    worse = verdict.replace("better", "worse")
    assert scoring.compare(ours, theirs, maximize=False).verdict == worse


def test_what_cannot_be_paired_is_not():
    one = result("n1t0", [True])
    assert scoring.compare(one, None, maximize=True) is None
    assert scoring.compare(one, result("n2t0", [True], split="confirm"), maximize=True) is None
    assert scoring.compare(one, result("n2t0", [True, True]), maximize=True) is None
    assert scoring.compare(result("n1t0", []), result("n2t0", []), maximize=True) is None
    twice = Result(**{**{f: getattr(one, f) for f in one.__struct_fields__}, "items": one.items * 2})
    assert scoring.compare(twice, one, maximize=True) is None


@given(st.floats(-1, 1), st.floats(0, 1), st.booleans())
def test_beyond_noise_means_that_zero_is_outside(middle, width, maximize):
    low, high = middle - width, middle + width
    shape = {"challenger": "a", "against": "b", "split": "test", "items": 9, "maximize": maximize}
    comparison = Comparison(difference=middle, low=low, high=high, **shape)
    assert comparison.beyond == (not low <= 0.0 <= high)
    assert ("beyond" in comparison.verdict) == comparison.beyond


spans = st.lists(
    st.builds(
        lambda a, b: Span(activity="training", start=min(a, b), end=max(a, b), label=""),
        st.integers(0, 100),
        st.integers(0, 100),
    )
)


@given(spans)
def test_covered_seconds_are_those_that_any_span_fills(found):
    filled = {second for span in found for second in range(int(span.start), int(span.end))}
    assert covered(found) == len(filled)


def test_time_is_shared_out_and_a_later_opening_is_no_part_of_the_run(make_run):
    run = make_run().whole()
    time = time_use(run.records)
    used = seconds_by_activity(time.spans)
    assert used["training"] == pytest.approx(0.6 * (30 + 60 + 3 * 120))
    assert used["judging"] == pytest.approx(2 * 20 + 3 * 40)
    assert used["planning"] == pytest.approx(6)
    assert time.idle + covered(time.spans) == pytest.approx(time.wall)
    run.test(n3t0=0.2)
    run.now += 10**6
    assert time_use(run.records) == time


def test_pauses_and_absences_are_not_idle(make_run):
    run = make_run()
    run.base()
    run.add(ev.RunPaused(by="me"), after=10)
    run.add(ev.RunResumed(by="me"), after=100)
    run.add(ev.Adopted(idle_seconds=50), after=50)
    run.add(ev.Launched(trial="n0t0", node="n0"))
    run.add(ev.Interrupted(trial="n0t0", node="n0", cause="killed"), after=7)
    time = time_use(run.records)
    used = seconds_by_activity(time.spans)
    assert (used["paused"], used["away"], used["lost"]) == (100, 50, 7)
    assert time.idle == pytest.approx(10 + 1)
    assert time.device_busy == pytest.approx(30 + 7)


@given(numbers, numbers, st.integers(2, 12))
def test_ticks_are_few_round_and_inside(a, b, most):
    low, high = sorted((a, b))
    ticks = svg.Scale(low, high, 0, 100).ticks(most)
    slack = (high - low) * 1e-6 + 1e-9
    assert len(ticks) <= most + 1
    assert all(low - slack <= t <= high + slack for t in ticks)


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True)))
def test_a_padded_range_holds_every_finite_value(values):
    low, high = svg.padded([v for v in values if abs(v) < 1e300 or not math.isfinite(v)])
    assert low < high
    assert all(low <= v <= high for v in values if math.isfinite(v) and abs(v) < 1e300)


@given(st.integers(0, 5000), st.integers(2, 500))
def test_thinning_keeps_the_ends(count, most):
    kept = svg.thinned(count, most)
    assert len(kept) <= most and kept == sorted(set(kept))
    if count:
        assert kept[0] == 0 and kept[-1] == count - 1


@pytest.mark.parametrize(
    ("seconds", "said"), [(3.14, "3.1 s"), (71.4, "71 s"), (860, "14 min 20 s"), (7500, "2 h 05 min")]
)
def test_durations_are_said_as_people_do(seconds, said):
    assert words.duration(seconds) == said


def test_lists_and_counts():
    assert [words.listed(x) for x in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]
    assert [words.count(n, "row") for n in (0, 1, 2000)] == ["0 rows", "1 row", "2,000 rows"]
