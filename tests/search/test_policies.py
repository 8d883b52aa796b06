"""Policies: UCT's arithmetic against an independent way, and what flags and failures do to it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadInput
from engine.search import events as ev
from engine.search.policies import POLICIES, ROOT_ROUNDS, choose, node_rewards, tally, terms_of
from engine.search.tree import Tree
from tests import story


def grown(parents: list[int], scores: list[float], **setup: object) -> Tree:
    """A tree with node i+1 below node parents[i] % (i+1)."""
    events = [
        story.node(f"n{i + 1}", f"n{p % (i + 1)}", s) for i, (p, s) in enumerate(zip(parents, scores, strict=True))
    ]
    return story.tree(story.base(), *events, **setup)


TREES = st.lists(st.tuples(st.integers(0, 50), st.floats(0, 1)), min_size=1, max_size=12)


@given(TREES)
def test_uct_equals_its_formula(shape: list[tuple[int, float]]) -> None:
    tree = grown([p for p, _ in shape], [s for _, s in shape])
    own = node_rewards(tree)
    for term in terms_of(tree):
        below = list(tree.subtree(term.node))
        above = list(tree.subtree(tree.nodes[term.node].parent))
        mean = sum(own[n] for n in below) / len(below)
        expected = mean + 1.4 * math.sqrt(math.log(len(above)) / len(below))
        assert term.total == pytest.approx(expected)
        assert term.visits == len(below)


@given(TREES)
def test_the_first_rounds_are_children_of_the_root(shape: list[tuple[int, float]]) -> None:
    choice = choose(grown([p for p, _ in shape], [s for _, s in shape]))
    if len(shape) < ROOT_ROUNDS:
        assert choice.parent == "n0"
    assert choice.direction is None


def test_the_first_round_is_the_baseline() -> None:
    choice = choose(story.tree(story.base()))
    assert (choice.parent, choice.direction) == ("n0", "baseline")


@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_paused_and_pruned_nodes_are_never_chosen(policy: str) -> None:
    tree = story.tree(
        story.base(),
        story.node("n1", "n0", 0.9),
        story.node("n2", "n1", 0.95),
        story.node("n3", "n0", 0.6),
        story.node("n4", "n3", 0.65),
        ev.FlagSet(node="n1", flag="pruned", on=True, by="me"),
        ev.FlagSet(node="n4", flag="paused", on=True, by="me"),
        policy=policy,
    )
    assert {t.node for t in terms_of(tree)} == {"n0", "n3"}
    assert choose(tree).parent in {"n0", "n3"}


def test_a_pruned_subtree_counts_no_more() -> None:
    with_it = story.tree(story.base(), story.node("n1", "n0", 0.9), story.node("n2", "n0", 0.7))
    pruned = story.tree(
        story.base(),
        story.node("n1", "n0", 0.9),
        story.node("n2", "n0", 0.7),
        ev.FlagSet(node="n1", flag="pruned", on=True, by="me"),
    )
    assert tally(with_it)["n0"].visits == 3
    assert tally(pruned)["n0"].visits == 2


def test_a_failed_node_is_a_visit_without_reward_and_is_not_chosen() -> None:
    tree = story.tree(
        story.base(),
        story.node("n1", "n0", 0.7),
        ev.NodeAdded(node="n2", parent="n1"),
        ev.Failed(node="n2", kind="idea", cause="no rows left"),
    )
    assert tally(tree)["n2"].visits == 1
    assert tally(tree)["n2"].total == 0
    assert "n2" not in {t.node for t in terms_of(tree)}


def test_a_planned_node_counts_a_visit_with_its_parents_mean() -> None:
    before = story.tree(story.base(), story.node("n1", "n0", 0.7), story.node("n2", "n1", 0.8))
    after = story.tree(
        story.base(), story.node("n1", "n0", 0.7), story.node("n2", "n1", 0.8), ev.NodeAdded(node="n3", parent="n1")
    )
    assert tally(after)["n3"].visits == 1
    assert tally(after)["n3"].mean == pytest.approx(tally(before)["n1"].mean)
    assert tally(after)["n1"].mean == pytest.approx(tally(before)["n1"].mean)
    assert tally(after)["n1"].visits == tally(before)["n1"].visits + 1


def test_policies_differ_where_they_should() -> None:
    events = (story.base(), story.node("n1", "n0", 0.6), story.node("n2", "n1", 0.9), story.node("n3", "n0", 0.7))
    assert {name: choose(story.tree(*events, policy=name)).parent for name in ("gbfs", "ses", "random")} == {
        "gbfs": "n2",
        "ses": "n3",
        "random": "n0",
    }


def test_gbfs_follows_the_metrics_direction() -> None:
    events = (story.base(), story.node("n1", "n0", 0.6), story.node("n2", "n1", 0.9), story.node("n3", "n0", 0.2))
    assert choose(story.tree(*events, policy="gbfs", maximize=False)).parent == "n3"


def test_nothing_to_grow_is_said() -> None:
    tree = story.tree(story.base(), ev.FlagSet(node="n0", flag="paused", on=True, by="me"))
    with pytest.raises(BadInput, match="resume or restore"):
        choose(tree)
