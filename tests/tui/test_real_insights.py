"""What a person does to insights, with a real engine that plans with what stands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engine.aidp.job import SAMPLES
from engine.aidp.samples import Samples
from engine.journal import Journal
from engine.search import events as ev
from engine.strict import from_json
from tests import story
from tests.place import Place, until
from trex_tui.screens.insights import InsightsScreen

from . import person
from .person import LARGE, looking, misplaced

GONE, EDITED, PINNED = "letters-1:n1", "letters-1:n2", "letters-1:n3"
LEARNED = {
    GONE: "learning_rate raised: accuracy better by four points, with lora_rank lowered",
    EDITED: "learning_rate raised: accuracy worse by two points",
    PINNED: "A boat on the river.",
}
WORDS = "learning_rate lowered: accuracy better, in my own words"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A search of the task has ended long ago, with three insights."""
    monkeypatch.setattr(person, "PATIENCE", 90.0)
    here = Place(tmp_path)
    with closing(Journal.open(here.workspace.journal)) as journal:
        for record in story.records(story.created(task="letters"), story.base()):
            journal.append("letters-1", record.event)
        for insight, text in LEARNED.items():
            node = insight.split(":")[1]
            learned = ev.Learned(insight=insight, node=node, text=text, supports=(insight,), task="letters")
            for event in (*story.node(node, "n0", 0.6), learned):
                journal.append("letters-1", event)
        journal.append("letters-1", ev.RunEnded(state="done", reason="all rounds"))
    here.trex("engine", "start")
    yield here
    here.trex("engine", "stop", check=False)


def second(place: Place) -> Any:
    """The first node of the search whose plan is given insights: the baseline needs none."""
    return place.tree("letters-2").nodes.get("n2")


async def test_the_next_plan_is_given_what_a_person_has_left(place: Place) -> None:
    async with looking(place.workspace, LARGE) as one:
        await one.until(lambda: one.app.live.link.kind == "live")
        await one.press("i")
        assert isinstance(one.app.screen, InsightsScreen)
        await one.sees("3 insights", *LEARNED)
        await one.press("asterisk")
        await one.sees("▪ pinned")
        await one.press("j", "e", "ctrl+u", *WORDS, "enter")
        await one.sees(f"{EDITED} is given in the new words")
        await one.press("j", "x", "y")
        await one.sees(f"{GONE} is deleted", "× deleted")
        assert misplaced(one.app) == []
    changes = [e for e in place.events() if isinstance(e, ev.InsightChanged)]
    assert [(e.insight, e.text, e.pinned, e.deleted) for e in changes] == [
        (PINNED, "", True, False),
        (EDITED, WORDS, False, False),
        (GONE, "", False, True),
    ]

    place.trex("engine", "stop")  # what people have said outlives the engine
    place.trex("run", str(place.task), "--detach", "--set", "baseline.rows=16")
    until(lambda: second(place) is not None and second(place).plan)
    first, *rest = second(place).plan.insights_given
    assert first == PINNED, "given first, though it is like nothing the plan could be about"
    assert EDITED in rest and GONE not in rest

    listed = place.trex("insights").stdout
    assert f"{EDITED} [edited]  {WORDS}" in listed and f"{GONE} [deleted]" in listed
    place.trex("insights", "restore", GONE)
    refused = place.trex("insights", "restore", GONE, check=False)
    assert refused.returncode == 2 and "stands like that already" in refused.stderr
    place.trex("undo", "letters-1")
    assert place.tree("letters-1").insight_changes[GONE].deleted

    told = place.workspace.node("letters-2", "n1") / SAMPLES
    steps = from_json(told.read_bytes(), Samples, source=str(told)).steps
    assert [step.operator for step in steps] == ["dedup_exact", "shuffle", "decontaminate"]
