"""What a key would do: a message, a question, a form, or the reason why not. No screen and no engine."""

from __future__ import annotations

import pytest

from engine.control import protocol as p
from engine.search import events as ev
from trex_tui import actions, consequences
from trex_tui.actions import Ask, Open, Refusal, Selection
from trex_tui.model.store import Link, Store

from . import script

BY = actions.person()


@pytest.fixture
def out() -> script.Script:
    return script.search()


LIVE = Link("live")


def store_of(out: script.Script, link: Link = LIVE) -> Store:
    store = Store()
    store.records(out.records)
    store.connection(link, 0.0)
    return store


def at(node: str = "n0", trial: str = "") -> Selection:
    return Selection("r1", node, trial)


def test_every_command_says_what_was_on_screen(out: script.Script) -> None:
    store = store_of(out)
    seen = out.records[-1].seq
    flag = p.SetFlag(id=0, run="r1", node="n6", trial="n6t0", flag="paused", on=True, by=BY, seen=seen)
    assert actions.pause_trial(store, at("n6", "n6t0")) == flag
    assert actions.retry(store, at("n4", "n4t1")) == p.Retry(id=0, run="r1", node="n4", by=BY, seen=seen)
    undo = actions.undo(store, at("n1"))
    assert isinstance(undo, Ask) and undo.command == p.Undo(id=0, run="r1", by=BY, seen=seen)


def test_the_branch_keys_never_name_the_trial_on_show(out: script.Script) -> None:
    store = store_of(out)
    for decision in (actions.pause_branch(store, at("n4", "n4t1")), actions.pause_run(store, at("n4", "n4t1"))):
        assert isinstance(decision, p.SetFlag) and decision.trial == ""
    asked = actions.prune(store, at("n4", "n4t1"))
    assert isinstance(asked, Ask) and isinstance(asked.command, p.SetFlag) and asked.command.trial == ""


@pytest.mark.parametrize("key", ["pause_branch", "pause_trial"])
def test_pausing_the_base_model_pauses_the_search(out: script.Script, key: str) -> None:
    decision = actions.STEERING[key](store_of(out), at("n0", "n0t0"))
    assert isinstance(decision, p.SetFlag) and (decision.node, decision.trial) == ("n0", "")


@pytest.mark.parametrize(
    ("key", "where", "why"),
    [
        ("pause_trial", at("n1", "n1t0"), "n1t0 has ended (done)"),
        ("pause_trial", at("n7", ""), "n7 has no trial yet"),
        ("prune", at("n0"), "n0 is the base model"),
        ("pin", at("n0", "n0t0"), "n0 has no adapter"),
        ("pin", at("n7", ""), "n7 has no adapter"),
        ("retry", at("n1", "n1t0"), "nothing in n1 has failed"),
        ("fork", at("n3", "n3t0"), "n3 is pruned; restore it first"),
        ("edit", at("n3", "n3t0"), "n3 is pruned; restore it first"),
        ("export", at("n0", "n0t0"), "n0 is the base model, which has no adapter"),
        ("export", at("n4", "n4t0"), "n4t0 has no adapter (failed)"),
        ("chat", at("n6", "n6t1"), "n6t1 has no adapter (queued); on n0 this key talks to the base model"),
        ("chat", at("n7", ""), "n7 has no trial yet"),
        ("fork", at("n7", ""), "n7 has no plan yet; fork n1, or wait"),
    ],
)
def test_reasons_why_not(out: script.Script, key: str, where: Selection, why: str) -> None:
    out.say(ev.NodeAdded(node="n7", parent="n1"))
    decision = actions.STEERING[key](store_of(out), where)
    assert isinstance(decision, Refusal) and why in decision.text


def test_a_retry_of_a_pruned_branch_is_refused(out: script.Script) -> None:
    out.say(ev.FlagSet(node="n2", flag="pruned", on=True, by="ana"))
    decision = actions.retry(store_of(out), at("n4"))
    assert decision == Refusal("n4 is pruned; restore it first")


def test_nothing_new_is_tried_once_the_champion_is_chosen(out: script.Script) -> None:
    out.say(ev.ChampionChosen(trial="n4t1", reason="the best"))
    store = store_of(out)
    for key in ("fork", "hint", "budget", "retry", "stop"):
        assert actions.STEERING[key](store, at("n4", "n4t1")) == Refusal(actions.CLOSING), key
    assert isinstance(actions.pause_run(store, at()), p.SetFlag)


def test_after_the_end_adapters_can_be_kept_and_cleaned_and_nothing_else(out: script.Script) -> None:
    script.ending(out)
    store = store_of(out)
    open_still = {
        key for key, decide in actions.STEERING.items() if decide(store, at("n4", "n4t1")) != Refusal(actions.ENDED)
    }
    assert open_still == {"pin", "clean", "report", "export", "chat"}


@pytest.mark.parametrize("link", [Link("down", "no engine is running"), Link("replay"), Link("connecting")])
def test_without_an_engine_nothing_can_be_steered(out: script.Script, link: Link) -> None:
    store = store_of(out, link)
    here = set() if link.kind == "replay" else {"report", "export", "chat"}  # the files are on this machine
    works = {key for key, do in actions.STEERING.items() if not isinstance(do(store, at("n4", "n4t1")), Refusal)}
    assert works == here


def test_without_a_run_nothing_can_be_steered() -> None:
    assert {decide(Store(), Selection("")) for decide in actions.STEERING.values()} == {Refusal(actions.NO_RUN)}


def test_forms_are_opened_on_what_is_selected(out: script.Script) -> None:
    store = store_of(out)
    for key in ("fork", "edit", "hint", "budget", "clean", "export", "report", "chat"):
        assert actions.STEERING[key](store, at("n4", "n4t1")) == Open(key, at("n4", "n4t1"))  # type: ignore[arg-type]


def test_a_pin_of_the_whole_branch_is_not_lifted_by_the_trials_key(out: script.Script) -> None:
    out.say(ev.FlagSet(node="n2", flag="pinned", on=True, by="ana"))
    decision = actions.pin(store_of(out), at("n4", "n4t1"))
    assert isinstance(decision, Refusal) and "`trex unpin r1 n4`" in decision.text


def test_pruning_says_what_it_takes_away(out: script.Script) -> None:
    text = consequences.pruning(out.tree, "n1")
    assert text.startswith("n1 with 1 trial will not be chosen, counted or made champion.")
    assert "0.803" in text and "x on the same node restores it" in text
    assert "running" not in text
    running = consequences.pruning(out.tree, "n6")
    assert "n6t0 is running in it and is ended now; restored, it goes on from its last checkpoint" in running


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (ev.FlagSet(node="n0", flag="paused", on=True, by="ana"), "ana paused the run. Undone, the search goes on."),
        (ev.FlagSet(node="n4", flag="pruned", on=True, by="ana"), "ana pruned n4. Undone, n4 is restored."),
        (ev.FlagSet(node="n3", flag="pruned", on=False, by="ana"), "ana restored n3. Undone, n3 is pruned again."),
        (
            ev.FlagSet(node="n6", trial="n6t0", flag="pinned", on=True, by="ana"),
            "ana pinned n6t0. Undone, n6t0 is not pinned any more.",
        ),
        (ev.HintGiven(hint="h1", node="n0", text="x", by="ana"), "Undone, h1 holds no more."),
        (
            ev.BudgetChanged(limits=ev.Limits(rounds=9), by="ana"),
            "Undone, the run may spend 6 rounds, 15 min, as before.",
        ),
        (
            ev.Forked(node="n7", source="n1", plan=script.plan("adjust_training", "x"), by="ana"),
            "ana forked n1 as n7. Undone, n7 is pruned",
        ),
    ],
)
def test_undo_says_what_was_done_and_what_follows(out: script.Script, event: ev.AnyEvent, said: str) -> None:
    out.say(event)
    asked = actions.undo(store_of(out), at())
    assert isinstance(asked, Ask) and said in asked.explain()


def test_there_may_be_nothing_to_take_back() -> None:
    out = script.Script()
    out.say(script.created())
    assert actions.undo(store_of(out), at()) == Refusal("nobody has done anything here that could be taken back")


def test_the_base_model_can_be_talked_to(out: script.Script) -> None:
    assert actions.chat(store_of(out), at("n0", "n0t0")) == Open("chat", at("n0", "n0t0"))


def test_what_was_cleaned_away_is_neither_exported_nor_talked_to(out: script.Script) -> None:
    out.say(ev.Collected(trials=("n3t0",), bytes=1, by="ana"))
    for key in ("export", "chat"):
        decision = actions.STEERING[key](store_of(out), at("n3", "n3t0"))
        assert isinstance(decision, Refusal) and "only training again brings it back" in decision.text


def test_a_stop_is_not_taken_back_and_that_is_said(out: script.Script) -> None:
    out.say(ev.StopAsked(by="bob"))
    asked = actions.undo(store_of(out), at())
    assert isinstance(asked, Ask) and asked.explain().endswith(
        "ana pruned n3. Undone, n3 is restored. bob has ended the search; that stays so."
    )
    fresh = script.Script()
    fresh.say(script.created())
    fresh.say(ev.StopAsked(by="bob"))
    refused = actions.undo(store_of(fresh), at())
    assert refused == Refusal("bob has ended the search, which cannot be taken back")
