"""Steering commands against a real engine object and journal: accepted ones are events, refused ones change nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from engine import jobs, steering
from engine.control import protocol as p
from engine.errors import BadInput
from engine.files import write_json
from engine.journal import Journal
from engine.plan import TrialConfig
from engine.search import events as ev
from engine.search.tree import Tree
from engine.service import Engine
from engine.task import Budget, Data, Evaluation, Format, Task
from engine.workspace import Workspace
from tests import story

RUN = "demo-1"
TASK = Task(
    name="demo",
    brief="b",
    format=Format(prompt="{text}"),
    evaluation=Evaluation(mode="label_likelihood", labels=("a", "b")),
    data=Data(file="rows.csv"),
    budget=Budget(examples_per_trial=2000),
)


class Desk:
    """An engine with one run, and somebody who gives it commands."""

    def __init__(self, folder: Path, *events: ev.AnyEvent | list[ev.AnyEvent]) -> None:
        self.workspace = Workspace(folder / "home").create()
        journal = Journal.open(self.workspace.journal)
        for record in story.records(story.created(), story.base(), *events):
            journal.append(RUN, record.event)
        write_json(self.workspace.run(RUN) / "task.json", TASK)
        self.engine = Engine(self.workspace, journal)

    @property
    def tree(self) -> Tree:
        return self.engine.trees[RUN]

    def say(self, kind: type, **values: object) -> str:
        return steering.carry_out(self.engine, kind(id=1, run=RUN, by="me", **values)).text

    def refused(self, kind: type, **values: object) -> str:
        before = self.engine.journal.last_seq
        with pytest.raises(BadInput) as caught:
            self.say(kind, **values)
        assert self.engine.journal.last_seq == before
        return str(caught.value)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path, story.node("n1", "n0", 0.8, 0.7, direction="baseline"), story.node("n2", "n1", 0.6))
    yield made
    made.engine.journal.close()


def test_a_fork_is_the_best_trial_with_the_edits(desk: Desk) -> None:
    text = desk.say(p.Fork, node="n1", changes={"training.learning_rate": "0.002", "recipe.seed": "7"})
    node = desk.tree.nodes["n3"]
    assert "n3 is a fork of n1" in text
    assert node.plan is not None
    best = desk.tree.trial("n1t0").config
    assert node.plan.trials == (msgspec.structs.replace(best, learning_rate=0.002),)
    assert (node.plan.recipe.seed, node.plan.source, node.parent) == (7, "person", "n1")


def test_a_fork_of_one_trial_and_of_the_base_model(desk: Desk) -> None:
    desk.say(p.Fork, node="n1", trial="n1t1", changes={"training.lora_rank": "4"})
    second = desk.tree.trial("n1t1").config
    assert desk.tree.nodes["n3"].plan.trials == (msgspec.structs.replace(second, lora_rank=4),)  # type: ignore[union-attr]
    desk.say(p.Fork, node="n0", changes={"training.lora_rank": "8"})
    assert desk.tree.nodes["n4"].plan.trials == (msgspec.structs.replace(TASK.baseline, lora_rank=8),)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "n1t0 is this very trial already"),
        ({"training.learning_rte": "1"}, "did you mean `learning_rate`"),
        ({"training.learning_rate": "7"}, "field `training.learning_rate`: must be at most 1.0"),
        ({"training.rows": "100000"}, "2,000 examples"),
        ({"nonsense": "1"}, "nonsense"),
        ({"training.learning_rate.x": "1"}, "leads into no table"),
        ({"recipe.operators": '[{op="rm"}]'}, "rm"),
    ],
)
def test_a_fork_that_makes_no_sense(desk: Desk, changes: dict[str, str], words: str) -> None:
    assert words in desk.refused(p.Fork, node="n1", changes=changes)


def test_a_fork_with_a_whole_plan_is_the_persons(desk: Desk) -> None:
    plan = story.plan(TrialConfig(learning_rate=1e-2), TrialConfig(learning_rate=2e-2))
    desk.say(p.Fork, node="n2", plan=plan)
    made = desk.tree.nodes["n3"].plan
    assert made is not None
    assert (made.trials, made.source) == (plan.trials, "person")


def test_hints_are_numbered_once_and_withdrawn(desk: Desk) -> None:
    desk.say(p.GiveHint, text="more  rows\n please")
    desk.say(p.WithdrawHint, hint="h1")
    desk.say(p.GiveHint, text="less", node="n1")
    assert {h.hint: h.text for h in desk.tree.hints.values()} == {"h2": "less"}
    assert "h2" in desk.refused(p.WithdrawHint, hint="h1")
    assert "very hint" in desk.refused(p.GiveHint, text="less", node="n1")


def test_flags_of_trials(desk: Desk) -> None:
    desk.say(p.Fork, node="n1", changes={"training.lora_rank": "4"})
    assert "paused" in desk.say(p.SetFlag, node="n3", trial="n3t0", flag="paused", on=True)
    assert "already" in desk.refused(p.SetFlag, node="n3", trial="n3t0", flag="paused", on=True)
    assert "prune n3" in desk.refused(p.SetFlag, node="n3", trial="n3t0", flag="pruned", on=True)
    assert "nothing to pause" in desk.refused(p.SetFlag, node="n1", trial="n1t0", flag="paused", on=True)
    desk.say(p.SetFlag, node="n1", trial="n1t0", flag="pinned", on=True)
    assert desk.tree.holds("n1t0", "pinned")
    assert "n3t0" in desk.refused(p.SetFlag, node="n3", trial="n3t9", flag="paused", on=True)


def test_two_people_at_once(desk: Desk) -> None:
    seen = desk.tree.last_seq
    desk.say(p.SetFlag, node="n1", flag="pruned", on=True, seen=seen)
    words = desk.refused(p.SetFlag, node="n2", flag="paused", on=True, seen=seen)
    assert "meanwhile: me pruned n1" in words
    assert "meanwhile" in desk.refused(p.Undo, seen=seen)
    desk.say(p.SetFlag, node="n2", flag="paused", on=True, seen=desk.tree.last_seq)


def test_a_budget_is_checked_against_what_is_used(desk: Desk) -> None:
    assert "20 rounds" in desk.say(p.SetBudget, rounds=20)
    assert "until" in desk.say(p.SetBudget, wall="until 07:00")
    assert desk.tree.limits.wall_seconds == 0.0
    assert "2 rounds were begun" in desk.refused(p.SetBudget, rounds=1)
    assert "3 trials were started" in desk.refused(p.SetBudget, trials=2)
    assert "no time of day" in desk.refused(p.SetBudget, wall="until 25:00")
    assert "disk space" in desk.refused(p.SetBudget, disk="many")
    assert "just that already" in desk.refused(p.SetBudget, rounds=20)
    assert "no limit was given" in desk.refused(p.SetBudget)
    desk.say(p.SetBudget, wall="none", device="6h", disk="1GB")
    limits = desk.tree.limits
    assert (limits.until, limits.device_seconds, limits.disk_bytes) == (0.0, 21600.0, 10**9)


def test_undo_takes_back_one_after_the_other(desk: Desk) -> None:
    desk.say(p.SetBudget, rounds=20)
    desk.say(p.SetFlag, node="n1", flag="pruned", on=True)
    assert "me pruned n1" in desk.say(p.Undo)
    assert "changed the budget" in desk.say(p.Undo)
    assert desk.tree.limits == desk.tree.setup.limits
    assert "nothing" in desk.refused(p.Undo)


def test_retry_of_what_failed(tmp_path: Path) -> None:
    failed = [
        ev.NodeAdded(node="n1", parent="n0"),
        ev.Planned(node="n1", plan=story.plan(TrialConfig(), TrialConfig(lora_rank=4))),
        ev.DataReady(node="n1", rows=9),
        ev.Launched(trial="n1t0", node="n1"),
        ev.Failed(trial="n1t0", node="n1", kind="idea", cause="diverged"),
        ev.Launched(trial="n1t1", node="n1"),
        story.scored("n1t1", 0.6),
    ]
    desk = Desk(tmp_path, failed)
    assert "nothing to try again" in desk.refused(p.Retry, node="n1", trial="n1t1")
    assert "n1t0 will be tried again" in desk.say(p.Retry, node="n1")
    assert desk.tree.trial("n1t0").state == "queued"
    assert "queued" not in desk.tree.trial("n1t1").state


def test_collecting_removes_what_the_preview_showed_and_nothing_else(desk: Desk) -> None:
    for trial in ("n1t0", "n2t0"):
        folder = desk.workspace.trial(RUN, trial)
        for name in ("adapter", "checkpoint-5"):
            (folder / name).mkdir(parents=True)
            (folder / name / "weights.safetensors").write_bytes(b"x" * 1000)
        (folder / "result.json").write_text("{}")
    assert "n2t0 is needed" in desk.refused(p.Collect, trials=("n2t0",))
    for number in range(3, 8):  # enough better ones that n2t0 can no longer win
        for event in story.node(f"n{number}", "n0", 0.9):
            desk.engine.record(RUN, event)
    desk.say(p.SetFlag, node="n1", trial="n1t0", flag="pinned", on=True)
    assert "n1t0 is needed" in desk.refused(p.Collect, trials=("n2t0", "n1t0"))
    desk.say(p.Collect, trials=("n2t0",))
    assert sorted(path.name for path in desk.workspace.trial(RUN, "n2t0").iterdir()) == ["result.json"]
    assert (desk.workspace.trial(RUN, "n1t0") / "adapter").is_dir()
    assert desk.tree.trial("n2t0").collected
    assert "needed, or has nothing" in desk.refused(p.Collect, trials=("n2t0",))


def test_a_run_that_has_ended_takes_no_command_but_a_pin(desk: Desk) -> None:
    desk.engine.record(RUN, ev.RunEnded(state="done", reason="all rounds"))
    asked: list[tuple[type, dict[str, object]]] = [
        (p.SetFlag, {"node": "n1", "flag": "paused", "on": True}),
        (p.Fork, {"node": "n1", "changes": {"training.lora_rank": "4"}}),
        (p.GiveHint, {"text": "x"}),
        (p.Retry, {"node": "n1"}),
        (p.SetBudget, {"rounds": 99}),
        (p.StopRun, {}),
    ]
    for kind, values in asked:
        assert "has ended" in desk.refused(kind, **values), kind
    desk.say(p.SetFlag, node="n1", flag="pinned", on=True)


def test_an_engine_lost_for_a_night_costs_no_budget(tmp_path: Path) -> None:
    """The power went while a trial ran: from its last sign of life on, nobody worked."""
    desk = Desk(tmp_path, [ev.NodeAdded(node="n1", parent="n0"), ev.Planned(node="n1", plan=story.plan())])
    desk.engine.record(RUN, ev.Launched(trial="n1t0", node="n1"))
    folder = desk.workspace.trial(RUN, "n1t0")
    folder.mkdir(parents=True)
    (folder / jobs.LOCK).touch()
    started = desk.tree.last_time
    later = Engine(desk.workspace, desk.engine.journal)
    later.trees[RUN].last_time = started - 8 * 3600
    later._adopt(RUN)
    adopted = later.trees[RUN]
    assert 8 * 3600 - 5 < adopted.idle_seconds < 8 * 3600 + 60
    asyncio.run(later.minds.close())


def test_the_number_of_a_hint_is_never_used_again(desk: Desk) -> None:
    desk.say(p.GiveHint, text="one")
    desk.say(p.GiveHint, text="two")
    desk.say(p.Undo)
    assert "h3" in desk.say(p.GiveHint, text="three\u202e\x1b[2J")
    assert desk.tree.hints["h3"].text == "three\\u202e\\x1b[2J"


def test_a_branch_is_not_pruned_under_a_champion_that_is_chosen(desk: Desk) -> None:
    desk.engine.record(RUN, ev.ChampionChosen(trial="n1t0", reason="best"))
    assert "champion (n1t0) is chosen" in desk.refused(p.SetFlag, node="n1", flag="pruned", on=True)
    assert "tries nothing new" in desk.refused(p.GiveHint, text="late")


def test_a_fork_takes_no_name_that_a_lost_node_has(desk: Desk) -> None:
    write_json(desk.workspace.node(RUN, "n3") / "node.json", {})
    assert "taken up again" in desk.refused(p.Fork, node="n1", changes={"training.lora_rank": "4"})


def test_time_goes_on_after_a_clock_that_ran_ahead(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.engine.clock = desk.engine.journal.clock = lambda: time.time() + 365 * 86400  # type: ignore[assignment]
    desk.engine.record(RUN, ev.Noted(text="the clock ran ahead"))
    later = Engine(desk.workspace, desk.engine.journal)
    first = later.now()
    assert first >= desk.tree.last_time
    time.sleep(0.05)
    assert later.now() - first >= 0.05, "or no budget of time would ever be used up"
    steering.carry_out(later, p.SetBudget(id=1, run=RUN, wall="until 07:00"))
    left = later.trees[RUN].limits.until - later.now()
    assert 0 < left <= 86400
