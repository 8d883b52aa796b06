"""Acting on several marked nodes at once: one question, a command for each, and what could not be done is said."""

from __future__ import annotations

import msgspec
import pytest

from engine.control import protocol as p
from engine.search import events as ev
from engine.workspace import Workspace
from trex_tui import actions, bulk
from trex_tui.actions import AskAll, Refusal
from trex_tui.model.store import Link, Store

from . import script
from .fake_engine import FakeEngine
from .person import looking, misplaced
from .test_steering import go_to, sent


@pytest.fixture
def store() -> Store:
    made = Store()
    made.records(script.search().records)
    made.connection(Link("live"), 0.0)
    return made


def asked(store: Store, name: str, *marked: str) -> AskAll:
    decision = bulk.decide(store, "r1", name, marked)
    assert isinstance(decision, AskAll), decision
    return decision


def test_a_branch_goes_with_the_marked_node_above_it(store: Store) -> None:
    ask = asked(store, "prune", "n5", "n1", "n4")
    assert [command.node for command in ask.commands] == ["n1", "n4"]
    assert ask.question == "Prune 2 nodes?"
    assert ask.refused == ("n5 goes with n4",)
    said = ask.explain()
    assert "4 nodes with 7 trials" in said and "n6t0 is running in it" in said and "one by one" in said


def test_what_is_so_already_is_left_out_rather_than_turned_round(store: Store) -> None:
    ask = asked(store, "prune", "n3", "n1")
    assert [(c.node, c.on) for c in ask.commands if isinstance(c, p.SetFlag)] == [("n1", True)]
    assert ask.refused == ("n3 is pruned already",)
    back = asked(store, "prune", "n3")
    assert back.question == "Restore 1 node?"


def test_the_key_that_pauses_the_run_pauses_the_marked_branches(store: Store) -> None:
    ask = asked(store, "pause_run", "n1", "n2")
    assert [(c.node, c.flag) for c in ask.commands if isinstance(c, p.SetFlag)] == [("n1", "paused"), ("n2", "paused")]


def test_pins_name_the_trial_that_would_be_on_show(store: Store) -> None:
    ask = asked(store, "pin", "n4", "n6", "n0")
    assert [c.trial for c in ask.commands if isinstance(c, p.SetFlag)] == ["n4t1", "n6t0"]
    assert "n0 has no adapter" in ask.refused[0]


def test_nothing_possible_is_one_refusal(store: Store) -> None:
    decision = bulk.decide(store, "r1", "retry", ("n1", "n2"))
    assert isinstance(decision, Refusal) and "nothing in n1" in decision.text and "nothing in n2" in decision.text


@pytest.mark.parametrize("name", sorted(set(actions.STEERING) - set(bulk.BULK)))
def test_the_rest_goes_for_one_node_at_a_time(store: Store, name: str) -> None:
    decision = bulk.decide(store, "r1", name, ("n1", "n2"))
    assert isinstance(decision, Refusal) and "one node at a time" in decision.text


async def test_somebody_elses_news_stops_only_what_it_meets(store: Store) -> None:
    ask = asked(store, "pin", "n1", "n5")
    store.records(
        [ev.Record(seq=999, time=0.0, run="r1", event=ev.FlagSet(node="n1", flag="paused", on=True, by="bob"))]
    )
    commands: list[p.Command] = []

    async def send(command: p.Command) -> p.Reply:
        commands.append(command)
        return p.Reply(id=0, ok=True, text="done")

    said, warning = await bulk.send_all(ask, lambda run: store.runs[run].tree, send)
    assert [command.node for command in commands if isinstance(command, p.SetFlag)] == ["n5"]
    assert warning and "1 command carried out" in said and "n1t0: meanwhile bob paused n1" in said


async def test_prunes_two_marked_branches_with_one_question_and_takes_one_back(
    workspace: Workspace, running: script.Script
) -> None:
    async with FakeEngine(workspace, running.records) as engine, looking(workspace) as one:
        await go_to(one, "n1")
        await one.press("space")
        await go_to(one, "n5")
        await one.press("space", "x")
        await one.sees("Prune 2 nodes?", "Prune: n1, n5.", "u takes them back one by one")
        assert misplaced(one.app) == []
        await one.press("y")
        await one.sees("2 commands carried out; u takes them back one by one")
        flag = p.SetFlag(id=0, run="r1", node="n1", flag="pruned", on=True)
        assert sent(engine) == [flag, msgspec.structs.replace(flag, node="n5")]
        await one.until(lambda: "pruned" in one.app.store.runs["r1"].tree.nodes["n5"].flags)
        await one.press("u")
        await one.sees("pruned n5. Undone, n5 is restored")
