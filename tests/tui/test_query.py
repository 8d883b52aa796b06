"""The filter's language: what is written comes back, and whatever is written, only its own error is raised."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trex_tui.model.match import test_of as meaning
from trex_tui.model.query import (
    DEEPEST,
    FIGURES,
    LONGEST,
    OPERATORS,
    WORDS,
    All,
    Any,
    Figure,
    Not,
    Query,
    QueryError,
    Text,
    Word,
    parse,
    unparse,
)
from trex_tui.model.store import RunView

from . import script

words = st.sampled_from([(name, value) for name, known in WORDS.items() for value in known or ("ana", "person")])
plain = st.text(st.characters(exclude_characters='"', exclude_categories=["Cs"]), min_size=1, max_size=12)
numbers = st.floats(min_value=-1e9, max_value=1e9)
leaves = st.one_of(
    st.builds(Text, plain),
    st.builds(Figure, st.sampled_from(FIGURES), st.sampled_from(OPERATORS), numbers),
    words.map(lambda pair: Word(*pair)),
)


def grown(inner: st.SearchStrategy[Query]) -> st.SearchStrategy[Query]:
    parts = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(st.builds(Not, inner), st.builds(All, parts), st.builds(Any, parts))


queries = st.recursive(leaves, grown, max_leaves=6)


@given(queries)
def test_what_is_written_of_a_query_reads_as_the_same_query(query: Query) -> None:
    text = unparse(query)
    if len(text) <= LONGEST:
        assert parse(text) == query


@given(st.text(max_size=LONGEST + 20) | st.text('ab:<>=!()" NOTAR.1e-', max_size=60))
def test_whatever_is_typed_only_its_own_error_is_raised(text: str) -> None:
    try:
        query = parse(text)
    except QueryError as error:
        assert "\n" not in str(error) and len(str(error)) > 8
        return
    assert parse(unparse(query)) == query if len(unparse(query)) <= LONGEST else True


@pytest.fixture(scope="module")
def view() -> RunView:
    view = RunView()
    for record in script.search().records:
        view.take(record)
    return view


def passing(view: RunView, query: Query | str) -> set[str]:
    test = meaning(parse(query) if isinstance(query, str) else query)
    return {name for name, node in view.tree.nodes.items() if test(view, node)}


@settings(max_examples=60, deadline=None)
@given(queries, queries)
def test_and_or_not_are_what_logic_says(one: Query, two: Query) -> None:
    view = RunView()
    for record in script.search().records:
        view.take(record)
    everything = set(view.tree.nodes)
    assert passing(view, Not(one)) == everything - passing(view, one)
    assert passing(view, All((one, two))) == passing(view, one) & passing(view, two)
    assert passing(view, Any((one, two))) == passing(view, one) | passing(view, two)
    assert passing(view, All()) == everything


@pytest.mark.parametrize(
    ("text", "nodes"),
    [
        ("score>0.86", "n2 n4 n5"),
        ("score>0.86 score<0.865", "n2"),
        ("score=0.877", "n4"),
        ("gain>=0.01 NOT n1", "n2 n3 n4"),
        ("gain<0", "n5"),
        ("state:failed", ""),
        ("state:run", "n6"),
        ("state:pruned", "n3"),
        ("state:done", "n0 n1 n2 n3 n4 n5"),  # the pruned one is done as well
        ("direction:refine", "n3 n5"),
        ("lr>1e-3", "n4"),
        ("learning_rate>1e-3", "n4"),
        ("rank=64", "n4 n6"),
        ("rank!=16", "n4 n6"),
        ("rows>300 trials>1", "n2 n4 n6"),
        ("data<1900", "n3 n5"),
        ("has:insight", "n1 n2 n4"),
        ("has:note", "n3"),
        ("has:failure", "n4"),
        ("is:best", "n4"),
        ("is:pruned OR is:best", "n3 n4"),
        ("is:leaf", "n1 n3 n5 n6"),
        ("by:researcher", "n2 n4 n5"),
        ("by:baseline", "n1"),
        ("ironic", "n1"),
        ('"a rate of 0.002"', "n4"),
        ("dedup_exact -zzz", ""),
        ("dedup_exact", "n3 n5"),
        ("n4", "n4"),
        ("n4t1", "n4"),
        ("depth>=2", "n4 n5 n6"),
        ("(n1 OR n2) AND NOT has:plan", ""),
        ("n1 or n2", "n1 n2"),
        ("", "n0 n1 n2 n3 n4 n5 n6"),
    ],
)
def test_each_term_finds_what_it_names(view: RunView, text: str, nodes: str) -> None:
    assert passing(view, text) == set(nodes.split())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("scor>0.6", "there is no `scor`; did you mean score?"),
        ("score>", "score> needs a number; such as score>0.6"),
        ("score>nan", "score> needs a number"),
        ("state:gone", "there is no state:gone; did you mean done?"),
        ("state>done", "state is a word and cannot be compared; write state:planned"),
        ("is:", "is: needs a word"),
        ("(score>0.6", "a bracket is not closed; end it with )"),
        ("score>0.6)", "a bracket is closed that was not opened"),
        ("score>0.6 OR", "something must stand behind OR"),
        ("NOT", "something must stand behind NOT"),
        ('"open', 'a quote is not closed; end it with "'),
        ('""', "there is nothing between the quotes"),
        ("(" * (DEEPEST + 1) + "n1", f"more than {DEEPEST} brackets inside each other"),
        ("x" * (LONGEST + 1), f"the filter may have {LONGEST} characters"),
    ],
)
def test_an_error_is_one_sentence_that_helps(text: str, said: str) -> None:
    with pytest.raises(QueryError) as error:
        parse(text)
    assert str(error.value).startswith(said)


def test_where_less_is_better_a_higher_score_is_a_loss() -> None:
    first, *others = script.search().records
    lower = RunView()
    lower.take(msgspec.structs.replace(first, event=msgspec.structs.replace(first.event, maximize=False)))
    for record in others:
        lower.take(record)
    assert passing(lower, "gain<0") == {"n1", "n2", "n3", "n4", "n5"}
    assert passing(lower, "gain>0") == set()
