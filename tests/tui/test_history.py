"""The past is what the store knew then, in whatever order it is looked at."""

from __future__ import annotations

from functools import cache
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.search import events as ev
from trex_tui.model import history
from trex_tui.model.history import History
from trex_tui.model.outline import Outline
from trex_tui.model.query import parse
from trex_tui.model.rows import Order
from trex_tui.model.store import RunView, Store
from trex_tui.model.timeline import Timeline

from . import script
from .test_outline import FILTERS, Growing, check


@cache
def records() -> tuple[ev.Record, ...]:
    """Two runs at once, in which people do all they can, and an engine takes over; events in turn."""
    first = script.search()
    plan = script.plan("adjust_training", "a person's own", script.BASELINE, source="person")
    deeds: list[ev.AnyEvent] = [
        ev.Forked(node="n7", source="n2", plan=plan, by="ana"),
        ev.Launched(trial="n7t0", node="n7"),
        ev.Adopted(idle_seconds=61),
        ev.FlagSet(node="n4", trial="n4t1", flag="pinned", on=True, by="ana"),
        ev.FlagSet(node="n0", flag="paused", on=True, by="ben"),
        ev.FlagSet(node="n4", flag="pruned", on=True, by="ana"),
        ev.Retried(node="n4", trial="n4t0", by="ana"),
        ev.HintGiven(hint="h1", node="n1", text="lower rates", by="ana"),
        ev.HintWithdrawn(hint="h1", node="n1", text="lower rates", by="ana"),
        ev.Failed(node="n7", trial="n7t0", kind="machine", cause="the driver is gone"),
        ev.Interrupted(trial="n6t0", node="n6", cause="killed", died=True),
        ev.InsightChanged(insight="r1:n2", text="in other words", by="ana"),
        ev.FlagSet(node="n4", flag="pruned", on=False, by="ana"),
        ev.Collected(trials=("n1t0", "n2t0"), bytes=5, by="ana"),
        ev.BudgetChanged(limits=ev.Limits(rounds=9), by="ana"),
        ev.StopAsked(by="ana"),
    ]
    for deed in deeds:
        first.say(deed)
    script.ending(first)
    second = script.Script("r2")
    second.say(script.created())
    second.judge("n0t0", 0.6)
    second.grow("n1", "n0", script.plan("baseline", "its own", source="baseline"))
    second.judge("n1t0", 0.7)
    mixed = list(chain.from_iterable(zip(first.records, second.records, strict=False)))
    mixed += first.records[len(second.records) :]
    return tuple(ev.Record(seq=n, time=float(n), run=r.run, event=r.event) for n, r in enumerate(mixed, 1))


def told(store: Store) -> dict[str, object]:
    """Everything that a store has folded."""
    return {
        name: (view.tree, view.order, view.log, view.best, [view.inherited(node) for node in view.order])
        for name, view in store.runs.items()
    }


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, len(records())), min_size=1, max_size=25), st.integers(2, 40), st.integers(1, 20))
def test_any_moment_is_as_a_store_that_was_told_so_much(moments: list[int], spacing: int, near: int) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(history, "SPACING", spacing)
        patched.setattr(history, "NEAR", near)
        past = History(records())
        for count in moments:
            past.show(count)
            fresh = Store()
            fresh.records(records()[:count])
            assert told(past.store) == told(fresh)
            assert past.store.last_seq == fresh.last_seq


def test_step_by_step_to_the_beginning_and_on_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "SPACING", 16)
    monkeypatch.setattr(history, "NEAR", 4)
    past, fresh, whole = History(records()), Store(), len(records())
    for count in (*range(whole, -1, -1), *range(whole + 1)):
        past.show(count)
    fresh.records(records())
    assert told(past.store) == told(fresh)


def test_the_past_can_grow_at_its_end() -> None:
    past, fresh = History(records()[:30]), Store()
    past.show(20)
    past.extend(records()[30:])
    past.show(len(records()))
    fresh.records(records())
    assert told(past.store) == told(fresh) and past.last_seq == fresh.last_seq


def test_the_live_store_is_not_touched_by_going_back() -> None:
    live, untouched = Store(), Store()
    for store in (live, untouched):
        store.records(records())
    past = History(line for view in live.runs.values() for line in view.log.lines if isinstance(line, ev.Record))
    past.records.sort(key=lambda record: record.seq)
    for count in (90, 10, 60, 3):
        past.show(count)
    assert told(live) == told(untouched)


def test_the_timeline_marks_nodes_improvements_and_failures() -> None:
    line = Timeline("r1", records())
    events = [record.event for record in records() if record.run == "r1"]
    assert len(line) == len(events)
    assert [events[at - 1].node for at in line.nodes] == ["n1", "n2", "n3", "n4", "n5", "n6", "n7"]  # type: ignore[union-attr]
    assert [events[at - 1].trial for at in line.better] == ["n1t0", "n2t0", "n2t1", "n4t1"]  # type: ignore[union-attr]
    assert [events[at - 1].trial for at in line.failures] == ["n4t0", "n7t0"]  # type: ignore[union-attr]


def test_the_timeline_finds_moments_and_nodes() -> None:
    line = Timeline("r1", records())
    assert line.at(-1e9) == 1 and line.at(1e12) == len(line)
    assert line.at(line.times[4]) == 5 and line.at(line.times[4] - 0.01) == 4
    assert line.node_before(line.nodes[2]) == line.nodes[1] and line.node_after(line.nodes[2]) == line.nodes[3]
    assert line.node_before(line.nodes[0]) == 1 and line.node_after(len(line)) == len(line)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.booleans())
def test_an_improvement_is_a_score_that_none_before_had_reached(scores: list[float], maximize: bool) -> None:
    import msgspec

    made: list[ev.AnyEvent] = [msgspec.structs.replace(script.created(), maximize=maximize)]
    for score in scores:
        made.append(msgspec.structs.replace(script.finished("n1t0", 0.5), score=score))
    line = Timeline("r", [ev.Record(seq=n, time=float(n), run="r", event=event) for n, event in enumerate(made, 1)])
    best = max if maximize else min
    improved = [n for n in range(1, len(scores)) if best(scores[: n + 1]) != best(scores[:n])]
    assert line.better == [n + 2 for n in improved]


class Then(Growing):
    """What `check` asks of a run: here the moment on show."""

    def __init__(self, past: History, run: str) -> None:
        self.store, self._run = past.store, run

    @property
    def view(self) -> RunView:
        return self.store.runs[self._run]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(1, len(records())), st.integers(0, 9)), min_size=2, max_size=30),
    st.sampled_from(("came", "best", "newest")),
    st.booleans(),
)
def test_the_tree_on_screen_is_that_of_the_moment(moments: list[tuple[int, int]], order: Order, hiding: bool) -> None:
    past, outline = History(records()), Outline()
    outline.sort(order)
    outline.hide_pruned(hiding)
    for count, number in moments:
        before = past.count
        past.show(count)
        past.store.moved("r1", records()[min(before, count) : max(before, count)])
        _, touched = past.store.take_dirty()
        outline.pull(past.store, past.store.runs["r1"], [node for run, node in touched if run == "r1"])
        check(Then(past, "r1"), outline)
        if number == 0 and len(outline.rows):
            outline.rows.cursor = count % len(outline.rows)
            outline.rows.fold()
        elif number < 4:
            outline.sift(parse(FILTERS[number % len(FILTERS)]))
