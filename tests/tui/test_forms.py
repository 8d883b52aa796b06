"""Forms and what they make of the answers, without a screen: fork, hint, budget, clean."""

from __future__ import annotations

import math
import tomllib
from datetime import datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import amounts
from engine.control import protocol as p
from engine.errors import BadInput
from engine.search import events as ev
from engine.search.steering import collectable
from engine.search.tree import Tree
from engine.workspace import Workspace
from trex_tui.forms import toml
from trex_tui.forms.budget import BudgetSheet
from trex_tui.forms.fork import ForkSheet, Known
from trex_tui.forms.hint import HintSheet
from trex_tui.forms.new_run import NewRunSheet
from trex_tui.forms.sheet import Sheet
from trex_tui.model import garbage, spending

from . import script

NOW = script.START + 300


@pytest.fixture
def tree() -> Tree:
    return script.search().tree


def values(sheet: Sheet, **edits: str) -> dict[str, str]:
    return {row.name: row.value for row in sheet.rows} | {name.replace("__", "."): text for name, text in edits.items()}


def fork(tree: Tree, node: str = "n4", trial: str = "n4t1") -> ForkSheet:
    return ForkSheet("r1", lambda: tree, node, trial, "ana", lambda: NOW, lambda: Known(50_000, 1_700_000_000))


def test_a_fork_shows_configuration_and_recipe_of_its_source(tree: Tree) -> None:
    shown = values(fork(tree, "n5", "n5t0"))
    assert (shown["training.learning_rate"], shown["training.epochs"]) == ("0.0005", "2")
    assert shown["training.schedule"] == "linear"
    assert shown["recipe.seed"] == "11"
    assert '{op = "filter_length", min_words = 4' in shown["recipe.operators"]


def test_a_fork_sends_only_what_means_something_else(tree: Tree) -> None:
    sheet = fork(tree)
    edited = values(sheet, training__learning_rate="5e-4", training__schedule="cosine", training__epochs=" 3 ")
    command = sheet.command(edited)
    assert command.changes == {"training.schedule": '"cosine"', "training.epochs": "3"}
    assert (command.node, command.trial, command.first) == ("n4", "n4t1", True)
    assert sheet.command(edited | {"when": "later"}).first is False


def test_a_fork_marks_what_differs_and_prices_it(tree: Tree) -> None:
    sheet = fork(tree)
    remarks = sheet.remarks(values(sheet, training__epochs="1"))
    assert remarks.marked == {"training.epochs"}
    assert remarks.notes == {"training.epochs": "was 2", "when": "before what waits"}
    assert remarks.below.startswith("about ") and "are left for new trials" in remarks.below
    dear = sheet.remarks(values(sheet, training__epochs="900"))
    assert dear.below.startswith("! no time left for it")
    sheet.prepare()
    dear = sheet.remarks(values(sheet, training__epochs="900"))
    assert dear.below == "! it trains on more than the task's 50,000 examples a trial; lower rows or epochs"


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ({}, "nothing is changed yet"),
        ({"training__learning_rate": "fast"}, "training.learning_rate: `fast` is no value; write a number"),
        ({"training__learning_rate": "7"}, "`training.learning_rate`"),
        ({"training__schedule": "cosin"}, "write one of constant, linear, cosine"),
        ({"training__epochs": "1\nx = 2"}, "training.epochs"),
        ({"recipe__operators": '[{op = "shufle"}]'}, "shufle"),
        ({"recipe__operators": "shuffle"}, 'write [{op = "shuffle"}], say'),
        ({"training__epochs": "3", "when": "soon"}, "none of now, later, suggest"),
    ],
)
def test_wrong_values_of_a_fork_get_one_sentence(tree: Tree, edit: dict[str, str], said: str) -> None:
    sheet = fork(tree)
    with pytest.raises(BadInput) as problem:
        sheet.command(values(sheet, **edit))
    assert said in str(problem.value) and "--set" not in str(problem.value)


def test_a_fork_of_the_base_model_begins_with_the_baseline(tree: Tree) -> None:
    assert values(fork(tree, "n0", "n0t0"))["training.rows"] == "256"


def test_a_fork_before_there_is_a_baseline_is_refused() -> None:
    out = script.Script()
    out.say(script.created())
    with pytest.raises(BadInput, match="the baseline is not planned yet"):
        fork(out.tree, "n0", "n0t0")


plain = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), inner),
    max_leaves=8,
)


@given(plain)
def test_values_survive_their_line_of_toml(value: object) -> None:
    text = toml.text(value)
    assert "\n" not in text
    assert toml.value(text) == value


@given(st.text(max_size=20))
def test_only_bare_words_are_put_in_quotes(text: str) -> None:
    quoted = toml.quoted(text)
    assert quoted == text or tomllib.loads(f"x = {quoted}")["x"] == text


@pytest.mark.parametrize("given", ["true", "inf", "1e-4", "[1, 2]", '"x"'])
def test_what_toml_knows_is_left_as_it_is(given: str) -> None:
    assert toml.quoted(given) == given


def hints(tree: Tree, node: str) -> HintSheet:
    return HintSheet("r1", lambda: tree, node, "ana")


def test_a_hint_is_for_the_selected_branch_and_shows_what_holds_there() -> None:
    out = script.search()
    out.say(ev.HintGiven(hint="h1", node="n0", text="short rows", by="bob"))
    out.say(ev.HintGiven(hint="h2", node="n1", text="elsewhere", by="bob"))
    sheet = hints(out.tree, "n4")
    assert "h1 (for the run, by bob): short rows" in sheet.lead
    assert "elsewhere" not in sheet.lead and "1 more for other branches" in sheet.lead
    given = p.GiveHint(id=0, run="r1", text="Lower rates.", node="n4", by="ana")
    assert sheet.command(values(sheet, hint=" Lower rates. ")) == given
    assert sheet.command(values(sheet, withdraw="h2")) == p.WithdrawHint(id=0, run="r1", hint="h2", by="ana")


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ({"hint": "  "}, "the hint is empty"),
        ({"hint": "x", "node": "n77"}, "nodes: n0 to n6"),
        ({"hint": "x", "withdraw": "h1"}, "one thing at a time"),
        ({"withdraw": "h9"}, "hints: h1"),
        ({"hint": "x" * 1001}, "shorten it"),
    ],
)
def test_wrong_hints_get_one_sentence(edit: dict[str, str], said: str) -> None:
    out = script.search()
    out.say(ev.HintGiven(hint="h1", node="n0", text="short rows", by="bob"))
    sheet = hints(out.tree, "n4")
    with pytest.raises(BadInput, match=said):
        sheet.command(values(sheet, **edit))


def budget(tree: Tree) -> BudgetSheet:
    return BudgetSheet("r1", lambda: tree, "ana", lambda: NOW, lambda: 123_000_000)


def test_a_budget_shows_what_may_be_spent_and_what_is(tree: Tree) -> None:
    sheet = budget(tree)
    assert values(sheet) == {"rounds": "6", "trials": "none", "wall": "15m", "device": "none", "disk": "none"}
    notes = sheet.remarks(values(sheet)).notes
    assert (notes["rounds"], notes["trials"], notes["disk"]) == ("6 begun", "9 started", "being measured")
    sheet.prepare()
    assert sheet.remarks(values(sheet)).notes["disk"] == "123.0 MB used"


def test_a_budget_sends_only_what_was_changed(tree: Tree) -> None:
    sheet = budget(tree)
    command = sheet.command(values(sheet, rounds="9", wall="until 07:00"))
    seen = tree.last_seq
    assert command == p.SetBudget(id=0, run="r1", rounds=9, wall="until 07:00", by="ana", seen=seen)
    assert sheet.command(values(sheet, trials="40", device="2h", disk="20GB")).trials == 40
    assert "then: 9 rounds, 15 min" in sheet.remarks(values(sheet, rounds="9")).below


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ({}, "nothing is changed yet"),
        ({"rounds": "0"}, "rounds: `0` is not a whole number from 1"),
        ({"rounds": "none"}, "rounds: `none`"),
        ({"trials": "many"}, "trials: `many`"),
        ({"trials": "²"}, "trials"),
        ({"wall": "until 7"}, "no time of day"),
        ({"device": "long"}, "not a duration"),
        ({"disk": "20 gigs"}, "no amount of disk space"),
    ],
)
def test_wrong_budgets_get_one_sentence(tree: Tree, edit: dict[str, str], said: str) -> None:
    sheet = budget(tree)
    with pytest.raises(BadInput, match=said):
        sheet.command(values(sheet, **edit))


def test_a_new_search_may_end_by_the_clock(tmp_path: Path) -> None:
    sheet = NewRunSheet(None, {}, Workspace(tmp_path))
    assert sheet.command(values(sheet, wall="until 07:00")).wall == "until 07:00"
    with pytest.raises(BadInput, match="no time of day"):
        sheet.command(values(sheet, wall="until dawn"))


@given(st.integers(1, 3650 * 86400) | st.floats(0.001, 1e6))
def test_durations_are_written_as_they_are_read(seconds: float) -> None:
    assert math.isclose(amounts.seconds(spending.amount(seconds)), seconds, rel_tol=1e-6)


@given(st.integers(1, 999_999_999))
def test_sizes_are_written_as_they_are_read(count: int) -> None:
    assert amounts.size(spending.bytes_text(count)) == count


def test_a_run_without_a_limit_of_time_says_so(tree: Tree) -> None:
    tree.limits = msgspec.structs.replace(tree.limits, wall_seconds=0.0)
    assert spending.time_said(tree, NOW) == "4 min 59 s, no limit"  # it waited a second for its first work
    assert {line.share for line in spending.spending(tree, NOW, spending.counts(tree)) if line.name == "wall"} == {0.0}
    seven = datetime.fromtimestamp(NOW).replace(hour=7, minute=0).timestamp() + 86400
    tree.limits = msgspec.structs.replace(tree.limits, until=seven)
    assert spending.time_said(tree, NOW) == "4 min 59 s, until 07:00"


def test_cleaning_names_every_trial_with_files_once_and_says_why_it_stays(tree: Tree) -> None:
    found = garbage.items(tree)
    started = {t.id for n in tree.nodes.values() for t in n.trials.values() if t.config and t.attempts}
    assert sorted(item.trial for item in found) == sorted(started)
    free = {t.id for t in collectable(tree)}
    assert {item.trial for item in found if item.free} == free
    why = {item.trial: item.why for item in found}
    assert (why["n3t0"], why["n1t0"], why["n6t0"]) == ("pruned", "the baseline", "not finished")
    assert "the search needs it" not in why.values()


def test_the_preview_weighs_what_is_on_the_disk(tree: Tree, tmp_path: Path) -> None:
    for trial, size in (("n3t0", 3_000_000), ("n1t0", 2_000_000)):
        (tmp_path / trial / "adapter").mkdir(parents=True)
        (tmp_path / trial / "adapter" / "weights").write_bytes(b"x" * size)
    found = garbage.measured(garbage.items(tree), lambda trial: tmp_path / trial)
    assert garbage.removable(found) == ("n3t0",)
    assert garbage.lines(found) == [
        "n3t0       3.0 MB  pruned",
        "1 trial, 3.0 MB in all",
        "stays: 1 the baseline (2.0 MB)",
    ]
    assert garbage.lines([]) == ["nothing can go"]
