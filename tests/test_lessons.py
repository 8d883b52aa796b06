"""What people make of insights, through the engine: events of the run that learned them, and what plans are given."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import steering
from engine.control import protocol as p
from engine.errors import BadInput
from engine.insights.plain import PlainIndex
from engine.journal import Journal
from engine.mind import ResearchMind
from engine.report.history import insights
from engine.search import events as ev
from engine.search.fold import apply
from engine.search.tree import Tree
from engine.service import Engine
from engine.workspace import Workspace
from tests import story
from tests.researcher.scene import task

EARLIER, NOW = "demo-1", "demo-2"
RATE = "learning_rate=0.0003 raised: accuracy better by four points, with lora_rank lowered"
SHORT = "recipe with filter_length and shuffle: accuracy worse, two points lost"
BOAT = "A boat on the river."


class Desk:
    """An engine with a run that has ended and one at work; three insights of the first, one of the second."""

    def __init__(self, folder: Path) -> None:
        self.workspace = Workspace(folder / "home").create()
        journal = Journal.open(self.workspace.journal)
        for run, texts in ((EARLIER, (RATE, SHORT, BOAT)), (NOW, (f"{RATE} again",))):
            for record in story.records(story.created(rounds=9), story.base()):
                journal.append(run, record.event)
            for number, text in enumerate(texts, 1):
                name = f"n{number}"
                for event in story.node(name, "n0", 0.6):
                    journal.append(run, event)
                journal.append(run, ev.Learned(insight=f"{run}:{name}", node=name, text=text, task="demo"))
        journal.append(EARLIER, ev.RunEnded(state="done", reason="all rounds"))
        self.engine = Engine(self.workspace, journal)

    def say(self, insight: str, **values: object) -> str:
        command = p.ChangeInsight(id=1, insight=insight, by="me", **values)  # type: ignore[arg-type]
        return steering.carry_out(self.engine, command).text

    def refused(self, insight: str, **values: object) -> str:
        before = self.engine.journal.last_seq
        with pytest.raises(BadInput) as caught:
            self.say(insight, **values)
        assert self.engine.journal.last_seq == before
        return str(caught.value)

    async def given(self, memory: ev.Memory = "task", count: int = 4) -> list[str]:
        """What the next plan of the run at work would be given."""
        mind = ResearchMind(PlainIndex(), None, self.engine.journal.insights)  # type: ignore[arg-type]

        class Now:
            name, task = NOW, task()
            tree: Tree = self.engine.trees[NOW]

        Now.tree.created = story.created(memory=memory)
        return [known.text for known in await mind.known(Now)][:count]  # type: ignore[arg-type]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.engine.journal.close()


def test_a_change_is_an_event_of_the_run_that_learned_it_though_it_has_ended(desk: Desk) -> None:
    assert desk.say("demo-1:n1", pinned=True) == "demo-1:n1 is pinned: plans are given it first of all"
    *_, last = desk.engine.journal.records()
    assert last.run == EARLIER
    assert last.event == ev.InsightChanged(insight="demo-1:n1", by="me", pinned=True)


def test_parts_that_are_not_named_stay_as_they_are(desk: Desk) -> None:
    desk.say("demo-1:n1", text="  my\n words ")
    desk.say("demo-1:n1", pinned=True)
    change = desk.engine.trees[EARLIER].insight_changes["demo-1:n1"]
    assert (change.text, change.pinned) == ("my words", True)
    assert desk.say("demo-1:n1", text="") == "demo-1:n1 is given again as it was learned"
    change = desk.engine.trees[EARLIER].insight_changes["demo-1:n1"]
    assert (change.text, change.pinned) == ("", True)


def test_what_would_change_nothing_is_refused(desk: Desk) -> None:
    assert "no insight `demo-1:n9`" in desk.refused("demo-1:n9", pinned=True)
    assert "like that already" in desk.refused("demo-1:n1")
    assert "like that already" in desk.refused("demo-1:n1", pinned=False)
    assert "like that already" in desk.refused("demo-1:n1", text=RATE)
    assert "is deleted" in (desk.say("demo-1:n1", deleted=True))
    assert "restore demo-1:n1" in desk.refused("demo-1:n1", text="x")
    assert "restore demo-1:n1" in desk.refused("demo-1:n1", deleted=True)
    assert "there again" in desk.say("demo-1:n1", deleted=False)


def test_somebody_else_was_faster(desk: Desk) -> None:
    seen = desk.engine.journal.last_seq
    desk.say("demo-1:n1", text="mine", seen=seen)
    assert "meanwhile: me edited insight demo-1:n1: mine" in desk.refused("demo-1:n1", deleted=True, seen=seen)
    desk.say("demo-1:n2", deleted=True, seen=seen)


def test_undo_of_one_insight_and_of_the_run(desk: Desk) -> None:
    desk.say("demo-1:n1", deleted=True)
    desk.say("demo-1:n2", pinned=True)

    def undo(insight: str = "") -> str:
        return steering.carry_out(desk.engine, p.Undo(id=1, run=EARLIER, insight=insight, by="you")).text

    assert undo("demo-1:n1") == "taken back: me deleted insight demo-1:n1"
    assert undo() == "taken back: me pinned insight demo-1:n2"
    with pytest.raises(BadInput, match="nothing in demo-1:n2 can be taken back"):
        undo("demo-1:n2")
    assert all(not (i.deleted or i.pinned) for i in desk.engine.journal.insights(deleted=True))


async def test_the_next_plan_is_given_what_stands_now(desk: Desk) -> None:
    assert set(await desk.given()) == {RATE, SHORT, f"{RATE} again"}
    desk.say("demo-1:n1", deleted=True)
    desk.say("demo-2:n1", deleted=True)
    desk.say("demo-1:n2", text="recipe with filter_length: my own words")
    assert await desk.given() == ["recipe with filter_length: my own words"]
    desk.say("demo-1:n3", pinned=True)
    assert await desk.given() == [BOAT, "recipe with filter_length: my own words"], "pinned first, though it is unlike"
    steering.carry_out(desk.engine, p.Undo(id=1, run=EARLIER, insight="demo-1:n1", by="you"))
    assert await desk.given() == [BOAT, RATE, "recipe with filter_length: my own words"]


@pytest.mark.parametrize("memory", ["run", "task", "all"])
async def test_what_is_deleted_is_never_given_again_whatever_the_scope_of_memory(desk: Desk, memory: ev.Memory) -> None:
    desk.say("demo-1:n3", pinned=True)
    assert (BOAT in await desk.given(memory)) == (memory != "run"), "a pinned one too stays in its scope"
    desk.say("demo-1:n3", deleted=True)
    desk.say("demo-2:n1", deleted=True)
    given = await desk.given(memory)
    assert BOAT not in given and f"{RATE} again" not in given


async def test_a_restart_forgets_none_of_it(desk: Desk) -> None:
    desk.say("demo-1:n1", deleted=True)
    desk.say("demo-1:n3", text="a ship", pinned=True)
    before = await desk.given()
    desk.engine.journal.close()
    journal = Journal.open(desk.workspace.journal)
    desk.engine = Engine(desk.workspace, journal)
    assert await desk.given() == before == ["a ship", SHORT, f"{RATE} again"]
    assert [i.insight for i in journal.insights()] == ["demo-1:n2", "demo-1:n3", "demo-2:n1"]


async def test_what_is_learned_again_under_its_old_name_stays_deleted(desk: Desk) -> None:
    desk.say("demo-2:n1", deleted=True)
    desk.engine.record(NOW, ev.Learned(insight="demo-2:n1", node="n1", text=f"{RATE} once more", task="demo"))
    assert f"{RATE} once more" not in await desk.given()


def test_the_report_says_what_people_have_made_of_it(desk: Desk) -> None:
    desk.say("demo-1:n1", text="mine", pinned=True)
    desk.say("demo-1:n2", deleted=True)
    said = {insight.id: insight.text for insight in insights(desk.engine.trees[EARLIER], {})}
    assert said["demo-1:n1"] == "mine (edited and pinned by me)"
    assert said["demo-1:n2"] == f"{SHORT} (deleted by me)"
    assert said["demo-1:n3"] == BOAT


def test_a_change_of_what_nobody_learned_does_not_fit(desk: Desk) -> None:
    tree = desk.engine.trees[NOW]
    change = ev.InsightChanged(insight="demo-1:n1", by="me")
    with pytest.raises(Exception, match="does not fit"):
        apply(tree, ev.Record(seq=99, time=1.0, run=NOW, event=change))
