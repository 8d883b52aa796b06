"""Where a jump goes is where the engine would go."""

from __future__ import annotations

import pytest

from engine.plan import TrialConfig
from engine.search import decide as d
from engine.search import events as ev
from trex_tui.model.jumps import Nowhere, target, waiting
from trex_tui.model.store import RunView, Store

from . import script


def grown(*more: ev.AnyEvent) -> RunView:
    """The scripted search after its running trial has ended, and what follows."""
    store, out = Store(), script.search()
    for event in (script.finished("n6t0", 0.85), *more):
        out.say(event)
    store.records(out.records)
    return store.runs[script.RUN]


MINE = ev.Forked(node="n7", source="n1", plan=script.plan("refine_data", "mine"), by="ana", first=True)
CASES: dict[str, tuple[ev.AnyEvent, ...]] = {
    "the second trial": (),
    "a fork that goes first": (MINE,),
    "what was interrupted goes before it": (
        ev.Launched(trial="n6t1", node="n6"),
        ev.Interrupted(trial="n6t1", node="n6", cause="power"),
        MINE,
    ),
    "a node without a plan": (script.finished("n6t1", 0.8), ev.NodeAdded(node="n7", parent="n1")),
    "not what is paused": (ev.FlagSet(node="n6", flag="paused", on=True, by="ana"), MINE),
    "not what is pruned": (ev.FlagSet(node="n4", flag="pruned", on=True, by="ana"), MINE),
    "not a trial that is paused": (ev.FlagSet(node="n6", trial="n6t1", flag="paused", on=True, by="ana"), MINE),
}


@pytest.mark.parametrize("more", CASES.values(), ids=CASES.keys())
def test_what_comes_next_is_what_the_engine_would_do(more: tuple[ev.AnyEvent, ...]) -> None:
    view = grown(*more)
    command = d.decide(view.tree, view.tree.last_time, TrialConfig())
    assert isinstance(command, (d.Judge, d.MakePlan, d.PrepareData, d.Diagnose))
    node = command.trial.split("t")[0] if isinstance(command, d.Judge) else command.node
    if not isinstance(command, d.Diagnose):
        assert waiting(view)[0] == node


def test_goes_round_among_several() -> None:
    view = grown(MINE)
    assert [target(view, "next", here) for here in ("n0", "n7", "n6")] == ["n7", "n6", "n7"]


def test_says_why_there_is_no_best() -> None:
    store, out = Store(), script.Script()
    out.say(script.created())
    store.records(out.records)
    for goal, said in (
        ("best", "there is no best yet"),
        ("running", "nothing runs now"),
        ("next", "nothing is queued"),
    ):
        found = target(store.runs[script.RUN], goal, "n0")  # type: ignore[arg-type]
        assert isinstance(found, Nowhere) and found.startswith(said)
