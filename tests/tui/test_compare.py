"""Comparing: what a person asks for, what is held against what, and what is not."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadInput
from engine.executor.job import Item, Result
from engine.journal import Journal
from engine.search import events as ev
from engine.workspace import Workspace
from trex_tui.cli import main
from trex_tui.model import compare as cmp
from trex_tui.model.flips import flips, sign_test, unlike
from trex_tui.model.store import Store

from . import script
from .fake_engine import FakeEngine
from .person import LARGE, MIDDLE, SMALL, looking, misplaced

PHONE = (40, 20)
PLAN = """
direction = "adjust_training"
hypothesis = "A lower rate."
[recipe]
operators = [{op = "dedup_exact"}, {op = "shuffle"}]
[[trials]]
learning_rate = 1e-4
"""


def other_run(**changes: object) -> list[ev.Record]:
    """A second search, of the same task unless changed."""
    out = script.Script("r2", first_seq=1000)
    out.say(msgspec.structs.replace(script.created(), **changes))
    out.judge("n0t0", 0.560, 30)
    out.grow("n1", "n0", script.plan("baseline", "Again.", source="baseline"))
    out.judge("n1t0", 0.810)
    return out.records


def store_of(*records: list[ev.Record]) -> Store:
    store = Store()
    for some in records:
        store.records(some)
    return store


def result(wrong: set[int], rows: int = 40, split: str = "validation") -> Result:
    items = tuple(script.item(i, i in wrong) for i in range(rows))
    return Result(trial="n1t0", split=split, metric="accuracy", score=0.0, low=0.0, high=0.0, items=items)


@given(st.sets(st.integers(0, 39)), st.sets(st.integers(0, 39)))
def test_every_row_is_counted_once(ours: set[int], theirs: set[int]) -> None:
    found = flips(result(ours), result(theirs))
    assert {int(flip.ours.id[1:]) for flip in found.right} == theirs - ours
    assert {int(flip.ours.id[1:]) for flip in found.wrong} == ours - theirs
    assert len(found.right) + len(found.wrong) + found.both_right + found.both_wrong == 40


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_sign_test_is_a_probability_and_treats_both_sides_alike(one: int, other: int) -> None:
    chance = sign_test(one, other)
    assert 0 < chance <= 1 and chance == sign_test(other, one)
    if one > other:
        assert sign_test(one + 1, other) < sign_test(one, other) or chance == 1


def test_the_sign_test_gives_known_values() -> None:
    assert sign_test(0, 0) == 1.0
    assert sign_test(5, 0) == 2 / 32
    assert sign_test(9, 1) == 22 / 1024
    assert sign_test(3000, 2000) < 1e-40


def test_rows_of_other_splits_or_other_rows_are_not_compared() -> None:
    assert "another split" in unlike(result({1}, split="test"), result({1}, split="test"))
    assert "different rows" in unlike(result({1}), result({1}, rows=39))
    twice = msgspec.structs.replace(result({1}), items=(Item(id="v000", gold="x", answer="x", correct=1.0),) * 40)
    assert "different rows" in unlike(result({1}), twice)
    with pytest.raises(ValueError, match="another split"):
        flips(result({1}, split="confirm"), result({1}))


def test_understands_names_of_nodes_trials_and_runs(running: script.Script) -> None:
    store = store_of(running.records, other_run())
    assert cmp.address("n3", store, "r1") == ("r1", "n3", "")
    assert cmp.address("r2:n1t0", store, "r1") == ("r2", "n1", "n1t0")
    for word in ("n99", "r9:n1", "n1t7", "../n1", "n3; rm", "", "n4t"):
        with pytest.raises(BadInput):
            cmp.address(word, store, "r1")


def test_lists_what_differs_first(running: script.Script) -> None:
    store = store_of(running.records)
    sides = cmp.resolve(store, [cmp.address("n2t0", store, "r1"), cmp.address("n4t1", store, "r1")])
    lines = cmp.configuration(sides)
    assert [line.name for line in lines if line.differs] == ["learning_rate", "epochs"]
    assert [line.differs for line in lines[:2]] == [True, True]
    recipe = {line.name: line for line in cmp.recipes(sides)}
    assert not recipe["shuffle"].differs


def test_what_only_one_side_can_have_is_no_difference(running: script.Script) -> None:
    store = store_of(running.records)
    base, node = cmp.resolve(store, [cmp.address("n0", store, "r1"), cmp.address("n3", store, "r1")])
    assert not any(line.differs for line in cmp.configuration([base, node]))
    lines = {line.name: line for line in cmp.recipes([node, cmp.resolve(store, [cmp.address("n2", store, "r1")])[0]])}
    assert lines["filter_length"].values == ("min_words=4", "-") and lines["filter_length"].differs


def test_the_seconds_of_a_trial_are_those_of_its_last_attempt(running: script.Script) -> None:
    sides = cmp.resolve(store_of(running.records), [cmp.Address("r1", "n2"), cmp.Address("r1", "n4")])
    took = {line.name: line.values for line in cmp.cost(sides)}
    assert took["last attempt"] == ("1 min 11 s", "1 min 38 s") and "in all" not in took


def test_scores_of_other_tasks_or_rows_are_not_compared(running: script.Script) -> None:
    def reason(**changes: object) -> str:
        store = store_of(running.records, other_run(**changes))
        return cmp.why_not_scores(*cmp.resolve(store, [cmp.Address("r1", "n4"), cmp.Address("r2", "n1")]))

    assert reason() == ""
    assert reason(manifest="another") == "different validation rows"
    assert reason(task="tweets") == "different tasks (movie_sentiment, tweets)"
    assert reason(metric="macro_f1") == "different metrics (accuracy, macro_f1)"


async def test_compares_a_node_with_its_parent_and_steps_out(workspace: Workspace, finished: script.Script) -> None:
    async with FakeEngine(workspace, finished.records), looking(workspace, LARGE) as one:
        await one.press("c")
        await one.sees("compare  n4t1, n5t0", "b against a: -0.007 [", "Configuration", "* dedup_exact", "loss  a n4t1")
        await one.press("G")
        await one.sees("right now: gold ", "Review: ", "more became right; z shows all")
        assert misplaced(one.app) == []
        await one.press("escape")
        await one.until(lambda: one.app.screen is one.search)


async def test_adds_another_run_and_a_plan_and_takes_one_out(
    workspace: Workspace, finished: script.Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan.toml").write_text(PLAN)
    records = [*finished.records, *other_run()]
    async with FakeEngine(workspace, records), looking(workspace, LARGE, run="r1") as one:
        await one.press("c", "tab", *"r2:n1", "enter")
        await one.sees("compare  r1:n4t1, r1:n5t0, r2:n1t0")
        await one.press(*"plan.toml", "enter")
        await one.sees("d plan.toml", "0.0001", "a plan has no score yet")
        await one.press(*"n1", "enter")
        await one.sees("at most 4 can stand side by side")
        await one.press(*"-b", "enter")
        await one.sees("compare  r1:n4t1, r2:n1t0, plan.toml")
        await one.press(*"n77", "enter")
        await one.sees("no node `n77` in r1")
        await one.press("escape", "escape")
        await one.until(lambda: one.app.screen is one.search)


async def test_compares_the_marked_nodes(workspace: Workspace, finished: script.Script) -> None:
    async with FakeEngine(workspace, finished.records), looking(workspace, LARGE) as one:
        await one.press("g", "j", "space", "j", "space", "j", "space", "c")
        await one.sees("compare  n1t0, n2t1, n4t1", "b against a: +", "c against b: +")


async def test_is_told_that_the_base_model_has_no_parent(workspace: Workspace, finished: script.Script) -> None:
    async with FakeEngine(workspace, finished.records), looking(workspace, SMALL) as one:
        await one.press("g", "c")
        await one.sees("the base model has no parent")
        assert one.app.screen is one.search


async def test_a_comparison_follows_what_happens(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records) as engine, looking(workspace, LARGE) as one:
        await one.press("c")
        await one.sees("b n6t0  adjust_training, running", "n6t0 has no score yet")
        await engine.publish(script.finished("n6t0", 0.853))
        await one.sees("b n6t0  0.853", "b n6t0  adjust_training, done")


@pytest.mark.parametrize("size", [PHONE, SMALL, MIDDLE, LARGE], ids=["40x20", "80x24", "120x40", "200x60"])
async def test_a_comparison_fits_every_screen(
    workspace: Workspace, finished: script.Script, size: tuple[int, int]
) -> None:
    async with FakeEngine(workspace, finished.records), looking(workspace, size) as one:
        await one.press("c")
        await one.sees("compare", "Scores")
        for key in ("G", "z", "g"):
            await one.press(key)
            assert misplaced(one.app) == []
            assert all(len(line) <= size[0] for line in one.screen.splitlines())


@pytest.fixture
def journalled(workspace: Workspace, finished: script.Script) -> Workspace:
    journal = Journal.open(workspace.journal)
    for record in [*finished.records, *other_run()]:
        journal.append(record.run, record.event)
    journal.close()
    return workspace


def test_compares_on_the_command_line(
    journalled: Workspace, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "plan.toml").write_text(PLAN)
    home = ["--workspace", str(journalled.home), "compare"]
    assert main([*home, "r1:n4", "r1:n5", "r2:n1", str(tmp_path / "plan.toml")]) == 0
    out = capsys.readouterr().out
    assert "a r1:n4t1" in out and "b against a: -0.007 [" in out and "d against a: scores are not comparable" in out
    assert main([*home, "r1:n4", "r1:n5", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    (pair,) = facts["pairs"]
    assert len(pair["wrong"]) - len(pair["right"]) == 2 and pair["difference"]["value"] == pytest.approx(-2 / 300)
    assert [side["trial"] for side in facts["sides"]] == ["n4t1", "n5t0"]


def test_the_champion_is_named_with_its_scores(journalled: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    home = ["--workspace", str(journalled.home)]
    assert main([*home, "show", "r1"]) == 0
    assert re.search(r"champion: n5t0: confirm 0.873 \[[\d., ]+\]\n", capsys.readouterr().out)
    assert main([*home, "show", "r1", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["champion"], facts["champion_scores"]["confirm"]["value"]) == ("n5t0", 0.873)
    assert facts["champion_scores"]["test"] is None


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["r1:n4"], "1 named"),
        (["n4", "n5"], "names no run"),
        (["r1:n4", "r3:n1"], "no run `r3`"),
        (["r1:n4", "no.toml"], "no.toml"),
    ],
)
def test_is_told_what_is_wrong_with_a_name(
    journalled: Workspace, capsys: pytest.CaptureFixture[str], names: list[str], said: str
) -> None:
    assert main(["--workspace", str(journalled.home), "compare", *names]) == 2
    assert said in capsys.readouterr().err
