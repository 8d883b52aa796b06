"""What would have changed a choice: held against the policy itself."""

from __future__ import annotations

import msgspec
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.search.events import Term
from engine.search.policies import uct
from engine.search.tree import Tree
from trex_tui.model.choice import flips, holds_down_to

values = st.floats(0, 1).map(lambda value: round(value, 6))
LITTLE = 1e-9


@st.composite
def candidates(draw: st.DrawFn) -> list[Term]:
    pairs = draw(st.lists(st.tuples(values, values), min_size=2, max_size=8))
    return [
        Term(node=f"n{i}", total=value + explore, value=value, exploration=explore, visits=1)
        for i, (value, explore) in enumerate(pairs)
    ]


def with_reward(terms: list[Term], node: str, value: float) -> list[Term]:
    change = msgspec.structs.replace
    return [change(t, value=value, total=value + t.exploration) if t.node == node else t for t in terms]


@given(candidates())
def test_above_the_reward_the_policy_takes_the_rival_and_below_it_does_not(terms: list[Term]) -> None:
    chosen = uct(Tree(), terms)
    found = flips(terms, chosen)
    assert {flip.node for flip in found} == {term.node for term in terms} - {chosen}
    for flip in found:
        assert uct(Tree(), with_reward(terms, flip.node, flip.reward + LITTLE)) == flip.node
        assert uct(Tree(), with_reward(terms, flip.node, flip.reward - LITTLE)) == chosen


@given(candidates())
def test_below_its_own_limit_the_chosen_one_loses(terms: list[Term]) -> None:
    chosen = uct(Tree(), terms)
    least = holds_down_to(terms, chosen)
    assert least is not None
    assert uct(Tree(), with_reward(terms, chosen, least + LITTLE)) == chosen
    assert uct(Tree(), with_reward(terms, chosen, least - LITTLE)) != chosen


@given(candidates())
def test_says_nothing_where_something_else_decided(terms: list[Term]) -> None:
    best = max(term.total for term in terms)
    other = next((term.node for term in terms if term.total < best), None)
    assume(other is not None)
    assert other is not None
    assert flips(terms, other) == [] and holds_down_to(terms, other) is None
