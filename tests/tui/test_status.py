"""What the header says: what goes on and why, what comes next, the machine; pure, at every width."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.geometry import Size

from engine.control import protocol as p
from engine.search import events as ev
from trex_tui.client.keeper import AGAIN, DOWN, Keeper
from trex_tui.client.machine import MachineWatch, _Power, probe
from trex_tui.model import agenda
from trex_tui.model.machine import Card, Reading, gauges
from trex_tui.model.spending import time_said
from trex_tui.model.store import Link, RunView, Store
from trex_tui.widgets.status import count, height, lines

from . import script


def store_of(out: script.Script, pulse: p.Pulse | None = None) -> Store:
    found = Store()
    found.records(out.records)
    found.connection(Link("live"), out.time)
    found.beat(pulse or p.Pulse(time=out.time, run="r1", holder="n6t0", device="cpu"), out.time)
    return found


def begun() -> script.Script:
    out = script.Script()
    out.say(script.created(), after=0)
    out.judge("n0t0", 0.56, 20)
    return out


def doing(out: script.Script) -> agenda.Doing:
    return agenda.doing(store_of(out).runs["r1"], out.time, lambda _: None)


def test_what_goes_on_is_said_through_a_whole_round() -> None:
    out = begun()
    assert doing(out).what == "the policy chooses where to grow"
    out.say(ev.NodeAdded(node="n1", parent="n0", direction="baseline"))
    assert doing(out) == ("n1's plan is the task's own", "every search begins with the baseline", "")
    out.say(ev.Planned(node="n1", plan=script.plan("baseline", "as by hand", source="baseline")))
    assert doing(out).what == "n1's recipe is run on the rows"
    out.say(ev.DataReady(node="n1", rows=10))
    out.judge("n1t0", 0.8)
    assert doing(out).what == "the Researcher reads n1's results"
    out.learn("n1", "it falls", "more")
    out.say(ev.NodeAdded(node="n2", parent="n0"))
    assert doing(out)[::2] == ("the Researcher writes n2's plan", "the Researcher")


def test_without_a_researcher_a_rule_reads_and_plans_are_sampled() -> None:
    out = script.Script()
    out.say(script.created())
    out.records[0] = ev.Record(
        seq=1, time=script.START, run="r1", event=ev_replaced(out.records[0].event, researcher="none")
    )
    out.judge("n0t0", 0.5)
    out.grow("n1", "n0", script.plan("baseline", "x", source="baseline"))
    out.judge("n1t0", 0.7)
    assert doing(out).what == "the rule reads n1's results"


def ev_replaced(event: ev.AnyEvent, **changes: object) -> ev.AnyEvent:
    import msgspec

    return msgspec.structs.replace(event, **changes)


def test_the_end_of_a_search_is_said_step_by_step() -> None:
    out = script.search()
    out.say(script.finished("n6t0", 0.853))
    out.judge("n6t1", 0.847)
    out.learn("n6", "x", "y")
    out.say(ev.Launched(trial="n4t1", node="n4", split="confirm"))
    assert doing(out)[:2] == ("n4t1 is judged on the confirm split", "rows that nobody has seen pick the champion")
    assert agenda.upcoming(store_of(out).runs["r1"].tree, out.time) == ("the best 2 on unseen rows", "the report")
    out.say(ev.Confirmed(trial="n4t1", score=0.8, low=0.7, high=0.9, items=300, result_sha256=""))
    out.say(ev.ChampionChosen(trial="n4t1", reason="best"))
    coming = agenda.upcoming(store_of(out).runs["r1"].tree, out.time)
    assert coming == ("n0t0 on the test split", "n1t0 on the test split", "n4t1 on the test split", "the report")


def test_what_comes_next_names_the_policys_choice_and_its_figure() -> None:
    out = begun()
    for node in ("n1", "n2", "n3"):
        out.grow(node, "n0", script.plan("baseline" if node == "n1" else "adjust_training", "x", source="baseline"))
        out.judge(f"{node}t0", 0.7 + int(node[1]) / 100)
        out.learn(node, "x", "y")
    coming = agenda.upcoming(store_of(out).runs["r1"].tree, out.time)
    assert coming[0].startswith("n4 below n") and "(uct " in coming[0]


def test_the_choice_that_is_announced_is_the_one_that_is_made() -> None:
    from engine.search.policies import choose

    out = begun()
    for node in ("n1", "n2", "n3", "n4"):
        out.grow(node, "n0" if node != "n4" else "n2", script.plan("adjust_training", node, source="researcher"))
        out.judge(f"{node}t0", 0.7)
        out.learn(node, "x", "y")
    assert agenda.why_next(out.tree).startswith(f"below {choose(out.tree).parent} ")


def test_a_very_large_tree_is_not_walked_for_it() -> None:
    view = RunView()
    view.take(ev.Record(seq=1, time=1.0, run="r1", event=script.created(rounds=1000)))
    for number in range(1, agenda.LARGE + 2):
        node = ev.NodeAdded(node=f"n{number}", parent="n0")
        view.take(ev.Record(seq=number + 1, time=1.0, run="r1", event=node))
    assert agenda.upcoming(view.tree, 2.0) == () and agenda.doing(view, 2.0, lambda _: None).what == ""


def test_the_clock_runs_until_the_report_is_written() -> None:
    out = script.search()
    out.say(ev.ChampionChosen(trial="n4t1", reason="best"))
    chosen, later = out.tree.elapsed(out.time), out.time + 120
    assert out.tree.elapsed(later) == pytest.approx(chosen + 120)
    assert time_said(out.tree, later).startswith("13 min")
    out.say(ev.RunEnded(state="done", reason="x"))
    assert out.tree.elapsed(later + 900) == pytest.approx(out.tree.elapsed(out.time))


@settings(max_examples=60, deadline=None)
@given(st.integers(20, 300), st.integers(8, 100))
def test_no_line_is_wider_than_the_terminal_and_their_number_is_fixed(columns: int, rows: int) -> None:
    out = script.search()
    machine = gauges(Reading(0.9, 2**33, 2**34, Card("H", 2**33, 2**34, 0.5, 200.0, 90.0)), 350.0)
    terminal = Size(columns, rows)
    shown = lines(store_of(out), "r1", out.time, terminal, machine)
    assert len(shown) == height(terminal)
    assert all(line.cell_length <= columns for line in shown)


def test_the_past_says_what_was_being_done_then_and_what_came_next() -> None:
    store = store_of(script.search())
    store.connection(Link("past", "this is how it was; end returns to now"), 0.0)
    shown = [line.plain for line in lines(store, "r1", script.START + 700, Size(200, 60))]
    assert "end returns to now   n6t0 is at work   why below n4" in shown[3]
    assert shown[4].startswith("next n6t1")


def test_a_phone_is_told_the_best_what_runs_and_the_end() -> None:
    out = script.search()
    pulse = p.Pulse(time=out.time, run="r1", holder="n6t0", device="cpu", eta=out.time + 600)
    shown = [line.plain for line in lines(store_of(out, pulse), "r1", out.time, Size(40, 12))]
    assert len(shown) == 3
    assert "0.877 ±0.037" in shown[0] and "n6t0" in shown[1] and "ends about" in shown[2]


def test_the_time_kept_back_is_counted_and_shown() -> None:
    out = script.search()
    kept = count(out.tree, out.time).kept_back
    assert kept > 10
    shown = "\n".join(line.plain for line in lines(store_of(out), "r1", out.time, Size(220, 60)))
    assert "kept for test and report" in shown


def test_gauges_say_what_is_there_and_leave_out_what_is_not() -> None:
    plain = [gauge.said for gauge in gauges(Reading(0.5, 2**32, 2**33))]
    assert plain == ["50%", "4.0 of 8 GiB"]
    card = Card("H", 23 * 2**30, 24 * 2**30, None, 212.0, 90.0)
    named = {gauge.name or gauge.said: gauge for gauge in gauges(Reading(0.5, 2**32, 2**33, card), 350.0)}
    assert list(named) == ["VRAM", "CPU", "RAM", "350 tokens/s", "90 °C", "212 W"]
    assert [name for name, gauge in named.items() if gauge.alarm] == ["VRAM", "90 °C"]
    assert gauges(None) == ()


def test_this_machine_can_be_looked_at() -> None:
    reading = probe()()
    assert 0 <= reading.cpu <= 1 and 0 < reading.memory_used < reading.memory


def test_a_reading_comes_from_a_thread_of_its_own() -> None:
    came, where = threading.Event(), []

    def look() -> Reading:
        where.append(threading.current_thread())
        came.set()
        return Reading(0.1, 1, 2)

    watch = MachineWatch(lambda: look, period=0.01)
    watch.start()
    assert came.wait(10)
    watch.stop()
    assert where[0] is not threading.current_thread() and where[0].daemon


def test_power_is_energy_over_time_and_none_where_it_cannot_be_read(tmp_path: Path) -> None:
    counter = tmp_path / "energy_uj"
    assert _Power(counter).watts() is None
    counter.write_text("1000000")
    power = _Power(counter)
    power._at -= 2.0
    counter.write_text("101000000")
    watts = power.watts()
    assert watts is not None and 40 < watts <= 50
    counter.write_text("5")
    assert power.watts() is None


def test_an_engine_is_started_again_only_where_it_died() -> None:
    live, down, told = Link("live"), Link("down", "x"), Link("down", "x", told=True)

    def tried(*moments: tuple[Link, float]) -> list[bool]:
        keeper = Keeper(lambda: None)
        return [keeper.due(link, now) for link, now in moments]

    assert tried((live, 100), (down, 101), (down, 101 + DOWN)) == [False, False, True]
    assert tried((live, 100), (told, 101), (told, 200)) == [False, False, False]
    assert tried((down, 100), (down, 200)) == [False, False]  # none was there: nobody has missed it
    assert tried((live, 100), (Link("refused"), 101), (Link("refused"), 200)) == [False, False, False]
    once = ((live, 100.0), (down, 101.0), (down, 106.0))
    assert tried(*once, (down, 108), (down, 106 + AGAIN)) == [False, False, True, False, True]
    keeper = Keeper(None)
    assert not any([keeper.due(live, 1), keeper.due(down, 2), keeper.due(down, 100)])
