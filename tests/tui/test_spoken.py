"""The command line's grammar, without a screen: what a line means, how it is completed, what is wrong with it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.control import protocol as p
from engine.errors import BadInput
from engine.search import events as ev
from trex_tui import spoken
from trex_tui.actions import Ask, AskAll, Decision, Open, Refusal, Selection
from trex_tui.model.store import Link, Store

from . import script

NAMES = ("prune", "pause", "help", "quit", "goto", "theme", "hint", "budget", "restore", "fork")


@pytest.fixture(scope="module")
def store() -> Store:
    found = Store()
    found.records(script.search().records)
    found.connection(Link("live"), 0.0)
    return found


def said(store: Store, line: str, node: str = "n2") -> Decision:
    return spoken.steer(spoken.read(line, spoken.STEERS), store, Selection("r1", node, f"{node}t0"))


def test_a_line_is_a_name_and_words() -> None:
    assert spoken.read(":prune  n4 ", NAMES) == ("prune", ("n4",), "n4")
    assert spoken.read('hint n4 "more rows"', NAMES) == ("hint", ("n4", "more rows"), 'n4 "more rows"')
    assert spoken.read("hint it's flat", NAMES).words == ("it's", "flat")


def test_the_beginning_of_a_name_is_enough_where_it_is_the_only_one() -> None:
    assert spoken.read("pr n4", NAMES).name == "prune"
    with pytest.raises(BadInput, match="no command `p`"):
        spoken.read("p", NAMES)


@pytest.mark.parametrize(("wrong", "right"), [("prnue n4", "prune"), ("gto", "goto"), ("helpp", "help")])
def test_an_unknown_name_is_told_the_nearest(wrong: str, right: str) -> None:
    with pytest.raises(BadInput, match=f"did you mean `{right}`"):
        spoken.read(wrong, NAMES)


def test_completion_offers_names_and_then_words() -> None:
    words = {"goto": ["n1", "n10", "n2"]}
    assert spoken.complete("p", NAMES, lambda _: ()) == ["pause", "prune"]
    assert spoken.complete("goto n1", NAMES, lambda name: words[name]) == ["goto n1", "goto n10"]
    assert spoken.complete("goto n1 n2", NAMES, lambda name: words[name]) == ["goto n1 n2"]


@given(st.lists(st.text(max_size=8), max_size=5))
def test_what_is_shared_begins_every_line(lines: list[str]) -> None:
    assert all(line.startswith(spoken.shared(lines)) for line in lines)


@given(st.text(max_size=60))
def test_any_line_is_an_order_or_one_sentence(line: str) -> None:
    try:
        order = spoken.read(line, NAMES)
    except BadInput as problem:
        assert "\n" not in str(problem)
    else:
        assert order.name in NAMES


def test_prune_asks_and_restore_sends(store: Store) -> None:
    asked = said(store, "prune n4")
    assert isinstance(asked, Ask) and isinstance(asked.command, p.SetFlag)
    assert (asked.command.node, asked.command.flag, asked.command.on) == ("n4", "pruned", True)
    back = said(store, "restore n3")
    assert isinstance(back, p.SetFlag) and (back.node, back.on) == ("n3", False)


def test_a_trial_is_paused_by_its_name(store: Store) -> None:
    found = said(store, "pause n6t0")
    assert isinstance(found, p.SetFlag) and (found.node, found.trial, found.flag, found.on) == (
        "n6",
        "n6t0",
        "paused",
        True,
    )


def test_what_is_so_already_is_said(store: Store) -> None:
    assert said(store, "resume n4") == Refusal("n4 is not paused")
    assert said(store, "prune n3") == Refusal("n3 is pruned already")


def test_several_nodes_are_one_question(store: Store) -> None:
    found = said(store, "prune n4 n2 n1")
    assert isinstance(found, AskAll) and {command.node for command in found.commands} == {"n2", "n1"}


def test_a_hint_is_for_the_run_or_for_a_branch(store: Store) -> None:
    whole, branch = said(store, "hint shorter rows, it's ironic"), said(store, 'hint n4 "keep the rate"')
    assert isinstance(whole, p.GiveHint) and (whole.node, whole.text) == ("n0", "shorter rows, it's ironic")
    assert isinstance(branch, p.GiveHint) and (branch.node, branch.text) == ("n4", "keep the rate")


@pytest.mark.parametrize("line", ["budget wall=10h rounds=20", "budget --wall 10h --rounds 20"])
def test_a_budget_is_said_as_on_the_command_line(store: Store, line: str) -> None:
    found = said(store, line)
    assert isinstance(found, p.SetBudget) and (found.wall, found.rounds, found.trials) == ("10h", 20, None)


def test_a_budget_until_a_time_of_day(store: Store) -> None:
    found = said(store, "budget wall=until 07:00")
    assert isinstance(found, p.SetBudget) and found.wall == "until 07:00"


def test_a_fork_with_changes_is_sent_and_one_without_opens_the_form(store: Store) -> None:
    found = said(store, "fork n4 training.lora_rank=8 training.schedule=cosine")
    assert isinstance(found, p.Fork)
    assert found.node == "n4" and found.changes == {"training.lora_rank": "8", "training.schedule": '"cosine"'}
    assert isinstance(said(store, "fork n4"), Open)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("prune n44", "no node `n44` in r1; nodes: n0 to n6"),
        ("pause n4t9", "its trials: n4t0, n4t1, n4t2"),
        ("budget wal=10h", "did you mean `wall`"),
        ("budget rounds=many", "`many` is no number of rounds"),
        ("budget rounds=0", "rounds"),
        ("budget 10h", "is no limit"),
        ("fork n4 faster", "`faster` changes nothing"),
        ("edit n4 n5", "one node at a time"),
    ],
)
def test_words_that_mean_nothing_are_told_so_in_one_sentence(store: Store, line: str, told: str) -> None:
    with pytest.raises(BadInput) as caught:
        said(store, line)
    assert told in str(caught.value) and "\n" not in str(caught.value)


def test_nothing_is_said_to_an_engine_that_is_gone_or_when_one_only_looks(store: Store) -> None:
    away = Store()
    away.records(script.search().records)
    away.connection(Link("down", "the engine is not running"), 0.0)
    assert said(away, "hint more") == Refusal("the engine is not running")
    away.connection(Link("live"), 0.0)
    away.read_only = "only looking"
    assert {said(away, line) for line in ("hint more", "prune n4", "budget rounds=9")} == {Refusal("only looking")}


def test_a_run_that_has_ended_takes_no_orders() -> None:
    over = Store()
    out = script.search()
    out.say(ev.RunEnded(state="done", reason="done"))
    over.records(out.records)
    over.connection(Link("live"), 0.0)
    assert isinstance(said(over, "prune n4"), Refusal)
