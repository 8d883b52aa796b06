"""What is known of insights, from trees alone: how they stand, evidence, use, gains, words."""

from __future__ import annotations

import pytest

from engine.search import events as ev
from engine.search.fold import fold
from engine.search.tree import Tree
from tests import story
from trex_tui.model.knowledge import ORDERS, Lesson, gains, lessons, marks, matching


def learned(name: str, text: str = "more rows helped", **more: object) -> ev.Learned:
    return ev.Learned(insight=f"demo-1:{name}", node=name, text=text, task="demo", **more)  # type: ignore[arg-type]


def given(
    name: str, parent: str, score: float | None, *insights: str, named: tuple[str, ...] = ()
) -> list[ev.AnyEvent]:
    """A round whose plan was given these insights; without a score it still waits."""
    events = story.node(name, parent, score if score is not None else 0.5)
    planned = next(e for e in events if isinstance(e, ev.Planned))
    plan = planned.plan.__class__(
        **{
            **{f: getattr(planned.plan, f) for f in planned.plan.__struct_fields__},
            "insights_given": insights,
            "insights_named": named,
        }
    )
    changed = [ev.Planned(node=name, plan=plan) if e is planned else e for e in events]
    return changed if score is not None else changed[:3]


def found(*events: ev.AnyEvent | list[ev.AnyEvent], **setup: object) -> dict[str, Lesson]:
    tree = story.tree(story.base(), story.node("n1", "n0", 0.7, direction="baseline"), *events, **setup)
    return {lesson.insight.insight: lesson for lesson in lessons({"demo-1": tree})}


def test_an_insight_stands_as_people_have_left_it() -> None:
    change = ev.InsightChanged(insight="demo-1:n1", by="ana", text="my words", pinned=True)
    lesson = found([learned("n1"), change])["demo-1:n1"]
    assert (lesson.insight.text, lesson.insight.original, lesson.insight.by) == ("my words", "more rows helped", "ana")
    assert marks(lesson.insight) == ("edited", "pinned")
    again = found([learned("n1"), change, learned("n1", "learned anew")])["demo-1:n1"]
    assert (again.insight.text, again.insight.original) == ("my words", "learned anew"), "the person's word holds"


def test_evidence_names_nodes_with_their_scores_and_what_they_gained() -> None:
    second = story.node("n2", "n1", 0.6)
    lesson = found(second, [learned("n2", supports=("demo-1:n2", "n1"), contradicts=("gone-7:n3",))])["demo-1:n2"]
    (mine, other), (gone,) = lesson.supports, lesson.contradicts
    assert (mine.node, mine.score.value if mine.score else None) == ("n2", 0.6)
    assert mine.gain == pytest.approx(-0.1)
    assert (other.run, other.node) == ("demo-1", "n1")
    assert (gone.run, gone.node, gone.score) == ("gone-7", "n3", None)


def test_what_plans_made_of_it_is_counted_and_averaged() -> None:
    name = "demo-1:n1"
    lesson = found(
        [learned("n1")],
        given("n2", "n1", 0.8, name, named=(name,)),
        given("n3", "n0", 0.65, name, named=(name,)),
        given("n4", "n2", 0.9, name),
        given("n5", "n2", None, name, named=(name,)),
    )[name]
    assert [(use.node, use.named) for use in lesson.uses] == [("n2", True), ("n3", True), ("n4", False), ("n5", True)]
    assert lesson.named == 3
    assert lesson.gain == pytest.approx((0.1 - 0.05) / 2), "n3 against the baseline; n5 has no score yet"


def test_lower_is_better_turns_gains_round() -> None:
    tree = story.tree(story.base(0.9), story.node("n1", "n0", 0.7, direction="baseline"), maximize=False)
    assert gains(tree)["n1"] == pytest.approx(0.2)


def test_insights_of_other_runs_are_used_here() -> None:
    other = fold(
        story.records(story.created(), story.base(), given("n1", "n0", 0.8, "demo-1:n1", named=("demo-1:n1",)))
    )
    mine = story.tree(story.base(), story.node("n1", "n0", 0.7), [learned("n1")])
    (lesson,) = lessons({"demo-1": mine, "later-1": other})
    assert [(use.run, use.node) for use in lesson.uses] == [("later-1", "n1")]


def test_every_word_must_stand_somewhere() -> None:
    all_of = list(
        found(story.node("n2", "n0", 0.6), [learned("n1"), learned("n2", "Rank 64 hurt", source="rule")]).values()
    )
    assert [x.insight.node for x in matching(all_of, "RANK hurt")] == ["n2"]
    assert [x.insight.node for x in matching(all_of, "rule demo-1")] == ["n2"]
    assert matching(all_of, "rank rows") == []
    assert len(matching(all_of, "  ")) == 2


def test_orders() -> None:
    name = "demo-1:n1"
    tree = story.tree(
        story.base(),
        story.node("n1", "n0", 0.7, direction="baseline"),
        [learned("n1")],
        given("n2", "n1", 0.8, name, named=(name,)),
        [learned("n2")],
    )
    newest = lessons({"demo-1": tree})
    assert [x.insight.node for x in newest] == ["n2", "n1"]
    for order in ("most named", "best gain"):
        assert [x.insight.node for x in sorted(newest, key=ORDERS[order])] == ["n1", "n2"]


def test_a_run_that_has_not_begun_is_no_trouble() -> None:
    assert lessons({"empty": Tree()}) == []
