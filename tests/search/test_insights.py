"""Insights as they stand: what people make of them is folded, is said, meets other people's, and is taken back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.search import events as ev
from engine.search import steering
from engine.search.fold import apply
from engine.search.insights import as_it_stands, standing
from engine.search.tree import Tree
from tests import story

NAME = "demo-1:n1"
LEARNED = ev.Learned(insight=NAME, node="n1", text="more rows helped", task="demo")


def change(text: str = "", *, pinned: bool = False, deleted: bool = False, name: str = NAME) -> ev.InsightChanged:
    return ev.InsightChanged(insight=name, by="me", text=text, pinned=pinned, deleted=deleted)


def tree(*events: ev.AnyEvent) -> Tree:
    return story.tree(story.base(), story.node("n1", "n0", 0.7), LEARNED, *events)


def then(here: Tree, event: ev.AnyEvent) -> Tree:
    return apply(here, ev.Record(seq=here.last_seq + 1, time=here.last_time + 1, run=story.RUN, event=event))


def test_the_journal_and_the_tree_say_the_same() -> None:
    events = [LEARNED, change("mine"), change("mine", pinned=True)]
    here = tree(*events[1:])
    (insight,) = standing(events)
    assert insight == as_it_stands(here.insights[NAME], here.insight_changes[NAME])
    assert (insight.text, insight.original, insight.pinned, insight.by) == ("mine", LEARNED.text, True, "me")


def test_the_node_says_its_insight_as_it_stands() -> None:
    assert tree().nodes["n1"].insight == LEARNED.text
    assert tree(change("mine")).nodes["n1"].insight == "mine"
    assert tree(change(deleted=True)).nodes["n1"].insight == ""
    assert tree(change("mine"), LEARNED).nodes["n1"].insight == "mine"


def test_words_that_are_the_learned_ones_are_no_edit() -> None:
    assert as_it_stands(LEARNED, change(LEARNED.text)) == as_it_stands(LEARNED, None)


def test_undo_takes_back_the_last_change_of_one_insight_and_then_the_one_before() -> None:
    here = tree(change("mine"), change("mine", pinned=True), ev.FlagSet(node="n1", flag="pinned", on=True, by="you"))
    seen = []
    while deed := steering.last_undoable(here, NAME):
        here = then(here, steering.inverse(here, deed, "you"))
        now = as_it_stands(here.insights[NAME], here.insight_changes.get(NAME))
        seen.append((now.text, now.pinned))
    assert seen == [("mine", False), (LEARNED.text, False)]
    assert [type(deed.event) for deed in here.deeds] == [ev.FlagSet], "the other deed stands"


@given(st.lists(st.tuples(st.sampled_from(["", "one", "two"]), st.booleans(), st.booleans()), max_size=8))
def test_undoing_everything_leaves_it_as_it_was_learned(changes: list[tuple[str, bool, bool]]) -> None:
    here = tree(*(change(text, pinned=pinned, deleted=deleted) for text, pinned, deleted in changes))
    while deed := steering.last_undoable(here):
        here = then(here, steering.inverse(here, deed, "me"))
    assert as_it_stands(here.insights[NAME], here.insight_changes.get(NAME)) == as_it_stands(LEARNED, None)


def test_two_people_at_one_insight_meet_and_at_two_they_do_not() -> None:
    other = ev.Learned(insight="demo-1:n2", node="n2", text="y")
    here = story.tree(
        story.base(), story.node("n1", "n0", 0.7), story.node("n2", "n0", 0.7), LEARNED, other, change("mine")
    )
    before = here.last_seq - 1
    assert steering.conflict(here, change("theirs"), before)
    assert steering.conflict(here, change("theirs", name="demo-1:n2"), before) is None
    assert steering.conflict(here, ev.FlagSet(node="n1", flag="paused", on=True, by="you"), before) is None
