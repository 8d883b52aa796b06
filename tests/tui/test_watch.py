"""Progress lines of a run without the interface: what is said of pauses, when, and how to go on."""

from __future__ import annotations

import itertools

import pytest

from engine.control import protocol as p
from engine.search import events as ev
from trex_tui.commands.watch import HEARTBEAT, RARELY, Telling

from . import script


class Watching:
    """A telling that has read the past of a run and now hears the engine once a second."""

    def __init__(self, *past: ev.AnyEvent) -> None:
        self.script, self.clock = script.search(), 0.0
        for event in past:
            self.script.say(event)
        self.told = Telling("r1", self.script.records[-1].seq)
        self.lines = [line for record in self.script.records for line in self.told.record(record)]

    def happens(self, event: ev.AnyEvent) -> list[str]:
        self.script.say(event)
        return list(self.told.record(self.script.records[-1]))

    def hears(self, seconds: float, run: str = "r1", activity: str = "training n6t0") -> list[str]:
        """What is said while the engine's pulses go on for so long."""
        pulses = itertools.repeat(p.Pulse(time=self.script.time, run=run, activity=activity), int(seconds))
        found: list[str] = []
        for pulse in pulses:
            self.clock += 1
            found += self.told.pulse(pulse, self.clock)
        return found


def test_the_past_is_told_event_by_event_and_never_as_if_it_were_now() -> None:
    watching = Watching(ev.FlagSet(node="n2", flag="paused", on=True, by="ana"))
    assert len(watching.lines) == len(watching.script.records)
    assert not any("trex resume" in line for line in watching.lines)
    (held,) = watching.hears(5)
    assert "n2 is held until `trex resume r1 n2`" in held


def test_a_persons_pause_is_said_once_with_the_way_on_and_then_rarely() -> None:
    watching = Watching()
    assert "ana paused the run" in watching.happens(ev.FlagSet(node="n0", flag="paused", on=True, by="ana"))[0]
    (first,) = watching.hears(RARELY - 1, run="", activity="idle")
    assert "paused by ana; go on with: trex resume r1" in first
    assert len(watching.hears(2 * RARELY + 2, run="")) == 2
    assert not watching.told.ended
    watching.happens(ev.FlagSet(node="n0", flag="paused", on=False, by="ana"))
    assert "training n6t0" in watching.hears(HEARTBEAT + 2)[0]


def test_a_paused_branch_is_said_with_the_way_on_while_the_rest_goes_on() -> None:
    watching = Watching()
    event, way = watching.happens(ev.FlagSet(node="n2", flag="paused", on=True, by="ana"))
    assert "ana paused n2" in event and "`trex resume r1 n2`" in way
    assert watching.hears(HEARTBEAT - 2) == []


def test_a_run_in_which_everything_is_held_says_so_once() -> None:
    watching = Watching()
    watching.happens(ev.Interrupted(trial="n6t0", node="n6", cause="paused"))
    watching.happens(ev.FlagSet(node="n6", trial="n6t0", flag="paused", on=True, by="ana"))
    watching.hears(1)
    said = watching.hears(60, run="", activity="idle")
    assert len(said) == 1 and "nothing goes on: n6t0 paused; go on with: trex resume r1 n6t0" in said[0]


def test_an_engine_that_works_on_another_run_is_said_once() -> None:
    watching = Watching()
    said = watching.hears(60, run="r9", activity="training n1t0")
    assert len(said) == 1 and "waits: the engine works on r9" in said[0]


def test_a_pause_by_the_engine_ends_the_watching() -> None:
    watching = Watching()
    watching.happens(ev.RunPaused(by="engine", reason="the disk is full"))
    watching.hears(1)
    assert not watching.told.ended, "it still puts things away"
    watching.hears(1, run="", activity="idle")
    assert watching.told.ended and watching.told.tree.reason == "the disk is full"


def test_an_ended_run_ends_the_watching() -> None:
    watching = Watching()
    watching.happens(ev.RunEnded(state="done", reason="all rounds are done"))
    assert watching.told.ended and watching.told.tree.over


def test_other_runs_are_not_told() -> None:
    watching = Watching()
    other = ev.Record(seq=10_000, time=0.0, run="r9", event=ev.Noted(text="x"))
    assert list(watching.told.record(other)) == []


@pytest.mark.parametrize("quiet", [HEARTBEAT + 5])
def test_long_work_is_told_now_and_then(quiet: float) -> None:
    watching = Watching()
    assert len(watching.hears(quiet)) == 1
    assert watching.hears(quiet) == [], "the same words are not repeated"
    assert "judging" in watching.hears(quiet, activity="judging n6t0")[0]
