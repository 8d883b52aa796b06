"""The fold: states, flags, time; a failure of the machine is nobody's idea that failed."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from engine.search import events as ev
from engine.search.fold import apply, fold
from engine.search.policies import choose
from engine.search.tree import ROOT
from tests import story


def test_a_node_walks_through_its_states() -> None:
    events = story.node("n1", "n0", 0.7, 0.8)
    states = [story.tree(story.base(), events[: i + 1]).nodes["n1"].state for i in range(len(events))]
    assert states == ["planned", "queued", "queued", "running", "running", "running", "done", "done"]


def test_done_needs_a_score() -> None:
    tree = story.tree(
        story.base(), story.node("n1", "n0"), ev.Failed(node="n1", trial="n1t0", kind="idea", cause="diverged")
    )
    assert tree.nodes["n1"].state == "failed"
    assert tree.score("n1") is None


def test_a_node_scores_its_best_trial_in_the_metrics_direction() -> None:
    events = story.node("n1", "n0", 0.7, 0.9, 0.8)
    assert story.tree(story.base(), events).score("n1").value == 0.9  # type: ignore[union-attr]
    assert story.tree(story.base(), events, maximize=False).score("n1").value == 0.7  # type: ignore[union-attr]


def test_a_machine_failure_queues_the_trial_again() -> None:
    launched = [ev.NodeAdded(node="n1", parent="n0"), ev.Planned(node="n1", plan=story.plan())]
    launched += [ev.DataReady(node="n1", rows=9), ev.Launched(trial="n1t0", node="n1")]
    failed = ev.Failed(node="n1", trial="n1t0", kind="machine", cause="driver gone")
    tree = story.tree(story.base(), launched, failed)
    assert tree.nodes["n1"].trials["n1t0"].state == "queued"
    assert tree.nodes["n1"].state == "queued"
    assert tree.machine_causes == ["driver gone"]
    assert story.tree(story.base(), launched, failed, story.scored("n1t0", 0.6)).machine_causes == []


def test_flags_hold_for_the_subtree_and_keep_the_state() -> None:
    tree = story.tree(
        story.base(),
        story.node("n1", "n0", 0.7),
        story.node("n2", "n1", 0.9),
        ev.FlagSet(node="n1", flag="pruned", on=True, by="me"),
    )
    assert tree.flagged("n2", "pruned")
    assert tree.nodes["n2"].state == "done"
    assert tree.best_trial().id == "n0t0"  # type: ignore[union-attr]
    restored = apply(tree, story.records(ev.FlagSet(node="n1", flag="pruned", on=False, by="me"))[0])
    assert restored.best_trial().id == "n2t0"  # type: ignore[union-attr]


def test_pauses_and_absent_engines_do_not_count_as_elapsed() -> None:
    records = story.records(
        story.created(),
        ev.Launched(trial="n0t0", node="n0"),
        ev.RunPaused(by="me"),
        ev.RunResumed(by="me"),
        ev.Adopted(idle_seconds=3.0),
        step=10.0,
    )
    assert fold(records).elapsed(now=1040.0) == 30.0 - 10.0 - 3.0
    assert fold(records[:3]).elapsed(now=9999.0) == 10.0


@given(st.integers(0, 40))
def test_a_restart_at_any_event_chooses_the_same_node(cut: int) -> None:
    history = story.records(
        story.created(),
        story.base(),
        story.node("n1", "n0", 0.7, direction="baseline"),
        story.node("n2", "n0", 0.75, 0.8),
        story.node("n3", "n0", 0.72),
        story.node("n4", "n2", 0.85),
    )
    whole = fold(history)
    encoded = [msgspec.json.decode(msgspec.json.encode(r), type=ev.Record) for r in history]
    again = fold(encoded[:cut])
    for record in encoded[cut:]:
        again = apply(again, record)
    assert choose(again) == choose(whole)
    assert again == whole


def test_paths_and_subtrees() -> None:
    tree = story.tree(
        story.base(), story.node("n1", "n0", 0.7), story.node("n2", "n1", 0.8), story.node("n3", "n0", 0.6)
    )
    assert tree.path("n2") == [ROOT, "n1", "n2"]
    assert list(tree.subtree(ROOT)) == ["n0", "n1", "n2", "n3"]
