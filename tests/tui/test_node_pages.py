"""What a person reads of a node, page by page."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest

from engine.aidp.job import DataReport
from engine.aidp.job import Step as Done
from engine.aidp.recipe import BalanceLabels, DedupExact, Recipe
from engine.executor.job import State, Step
from engine.files import write_json
from engine.search import events as ev
from engine.workspace import Workspace
from trex_tui.client import watcher
from trex_tui.model import folders
from trex_tui.model.store import Store
from trex_tui.model.telemetry import Chunk, Offsets, TrialView, read
from trex_tui.pages import asked, cases, files, flips, recipe, why
from trex_tui.pages.page import Subject
from trex_tui.widgets.tab_line import TABS, tab_at, tab_line

from . import script
from .fake_engine import FakeEngine
from .person import LARGE, SMALL, Person, looking, misplaced

PHONE = (40, 20)


def subject(workspace: Workspace, out: script.Script, node: str, trial: str = "", **more: object) -> Subject:
    """A node as the pages see it, with the directories of all its relatives read."""
    store = Store()
    store.records(out.records)
    for name in (trial, "n0t0", "n2t1", "n4t1"):
        if name:
            split = workspace.home / "tasks" / "movie_sentiment" / "validation.jsonl"
            chunk = read(workspace.trial(out.run, name), Offsets(), split)
            store.telemetry(out.run, name, chunk, 0.0)
    for name in (node, trial):
        folder = workspace.trial(out.run, name) if "t" in name else workspace.node(out.run, name)
        store.folder(out.run, name, folders.look(folder))
    return Subject(store, out.run, node, trial, 80, **more)  # type: ignore[arg-type]


def test_reads_what_reward_would_have_changed_the_choice(workspace: Workspace, running: script.Script) -> None:
    said = why.page(subject(workspace, running, "n6")).plain
    assert "n5 would have been chosen with a mean reward above 0.857 (it had 0.750)" in said
    assert "n4 would not have been chosen with a mean reward below 0.768" in said
    assert "n2: no reward would have been enough" in why.page(subject(workspace, running, "n5")).plain


def test_is_told_of_no_such_reward_where_the_first_rounds_have_no_choice(
    workspace: Workspace, running: script.Script
) -> None:
    said = why.page(subject(workspace, running, "n2")).plain
    assert "the first 3 rounds grow from the base model" in said
    assert "would have been chosen" not in said


def test_reads_the_rows_before_and_after_each_operator(workspace: Workspace, running: script.Script) -> None:
    said = recipe.page(subject(workspace, running, "n3", "n3t0")).plain
    rows = [line.split() for line in said.splitlines() if line[:1].isdigit()]
    assert ["1", "dedup_exact", "2,003", "1,982", "-21"] in rows
    assert ["2", "filter_length", "1,982", "1,877", "-105"] in rows
    assert "n3t0: 256 rows, once" in said


def test_an_operator_that_may_have_added_rows_hides_what_was_there_before(
    workspace: Workspace, running: script.Script
) -> None:
    grown = Recipe(operators=(DedupExact(), BalanceLabels(method="up")))
    running.grow("n7", "n1", script.plan("refine_data", "more of the rare ones", recipe=grown))
    rows = recipe.rows(grown, running.tree.nodes["n7"], None)
    assert [(row.before, row.after) for row in rows] == [(None, None), (None, 1982), (1982, 1979)]


def test_the_data_process_has_the_last_word_on_rows(workspace: Workspace, running: script.Script) -> None:
    steps = (
        Done(operator="dedup_exact", rows_in=9, rows_out=7, dropped=2),
        Done(operator="mix", rows_in=7, rows_out=20, added=13),
    )
    node = workspace.node(running.run, "n3")
    write_json(node / "report.json", DataReport(rows=20, sha256="0", steps=steps, seconds=1.0, answers={" yes": 20}))
    said = recipe.page(subject(workspace, running, "n3")).plain
    assert "+13" in said and "yes 20" in said


def test_reads_which_rows_flipped_against_parent_and_base(workspace: Workspace, finished: script.Script) -> None:
    about = subject(workspace, finished, "n5", "n5t0")
    said = flips.page(about).plain
    assert "n5t0 against n4t1" in said and "n5t0 against n0t0" in said
    assert "sign test over" in said and "Review: " in said
    assert said.count("became right") == 2


def test_reads_no_flips_before_the_score_stands_in_the_journal(workspace: Workspace, finished: script.Script) -> None:
    early = script.Script()
    early.records = [r for r in finished.records if not (isinstance(r.event, ev.Finished) and r.event.trial == "n5t0")][
        :80
    ]
    about = subject(workspace, early, "n5", "n5t0")
    assert about.course is not None and about.course.result is not None  # it lies on the disk
    for page in (flips.page, cases.page):
        assert "Review: " not in page(about).plain
        assert "when it has been judged" in page(about).plain


def test_sees_a_trial_as_it_was_at_a_moment(tmp_path: Path) -> None:
    script.directory(tmp_path, "n1t0", 0.8)
    view = TrialView()
    view.take(read(tmp_path, Offsets()))
    early = view.until(script.START + 10.5, judged=False)
    assert (early.at, len(early.loss), early.times[-1]) == (list(range(1, 11)), 10, script.START + 10)
    assert early.result is None and early.state is not None and early.state.step == 10
    assert view.until(script.START - 1, judged=False).state is None
    assert view.until(script.START + 1e6, judged=True).result is view.result is not None


def test_a_log_ends_at_the_moment_and_knows_midnight() -> None:
    start = time.mktime((2026, 3, 1, 23, 59, 0, 0, 0, -1))
    view = TrialView(times=[start], at=[1], loss=[1.0], learning_rate=[0.0], grad_norm=[0.0])
    view.lines = ["23:59:01 one", "no time", "00:00:30 two", "00:02:00 three"]
    assert view.until(start + 100, judged=False).lines == ["23:59:01 one", "no time", "00:00:30 two"]


def test_steps_that_were_run_again_are_not_drawn_twice() -> None:
    view = TrialView()
    for first, last in ((1, 8), (6, 9)):  # it was killed at 8, and went on from the checkpoint at 5
        lines = [script.step_line("n1t0", n, 64) for n in range(first, last + 1)]
        view.take(chunk_of(lines))
    assert view.at == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert len(view.loss) == len(view.times) == 9


def chunk_of(lines: list[str]) -> Chunk:
    return Chunk(offsets=Offsets(), steps=tuple(msgspec.json.decode(line, type=Step) for line in lines))


def test_a_reused_score_of_the_base_is_read_where_it_was_earned(workspace: Workspace, running: script.Script) -> None:
    second = script.Script("r2", first_seq=1000)
    second.say(script.created())
    second.say(ev.Launched(trial="n0t0", node="n0"))
    done = script.finished("n0t0", 0.56)
    second.say(ev.Finished(**{f: getattr(done, f) for f in done.__struct_fields__} | {"reused": True}))
    store = Store()
    store.records([*running.records, *second.records])
    assert store.origin("r2", "n0t0") == "r1"
    assert store.origin("r1", "n0t0") == "" and store.origin("r2", "n9t0") == ""
    script.directory(workspace.trial("r1", "n0t0"), "n0t0", 0.56)
    chunk = read(workspace.trial("r2", "n0t0"), Offsets(), None, workspace.trial("r1", "n0t0"))
    assert chunk.result is not None and chunk.result.trial == "n0t0"


def test_reads_prompt_and_raw_answer_of_each_call(workspace: Workspace, running: script.Script) -> None:
    long = "You are given\n" + "many rows\n" * 200 + "the end of the prompt"
    tokens = {"seconds": 4.0, "prompt_tokens": 900, "answer_tokens": 80}
    call = {"call": "n4/plan/3", "node": "n4", "purpose": "plan", "attempt": 3, "model": "m", "prompt": long}
    running.say(ev.Asked(answer='{"broken": ', refused="not JSON", **call, **tokens))  # type: ignore[arg-type]
    cut = asked.page(subject(workspace, running, "n4")).plain
    assert "refused: not JSON" in cut and '{"broken": ' in cut and "900 tokens read, 80 written, 20 tokens/s" in cut
    assert "the end of the prompt" not in cut and "z shows all" in cut
    assert "the end of the prompt" in asked.page(subject(workspace, running, "n4", whole=True)).plain
    assert "Nobody was asked" in asked.page(subject(workspace, running, "n1")).plain


@pytest.mark.parametrize("width", [38, 58, 78, 140])
@pytest.mark.parametrize("tab", TABS)
def test_the_line_of_tabs_fits_and_names_the_open_one(tab: str, width: int) -> None:
    line = tab_line(tab, width).plain
    assert len(line) <= width
    assert f"[{(TABS.index(tab) + 1) % 10} {tab}]" in line
    assert [c for c in line if c.isdigit()] == list("1234567890")
    assert [tab_at(tab, width, line.index(c)) for c in "1234567890"] == list(TABS)
    assert tab_at(tab, width, len(line)) == ""


async def test_turns_to_a_tab_with_the_mouse(workspace: Workspace, finished: script.Script) -> None:
    async with FakeEngine(workspace, finished.records), looking(workspace, LARGE) as one:
        await one.pilot.click("#tabs", offset=(tab_line("why", 80).plain.index("5 cases"), 0))
        await one.sees("[5 cases]", "validation rows wrong")


async def test_forgets_what_has_not_been_looked_at_for_long(
    workspace: Workspace, finished: script.Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "KEPT", 2)
    store, shown = Store(), [frozenset({("r1", name)}) for name in ("n1t0", "n2t0", "n2t1", "n1t0")]
    store.records(finished.records)
    looking_at = iter(shown)
    reader = watcher.Watcher(store, workspace, lambda: next(looking_at))
    for _ in shown[:3]:
        await reader.once()
    assert list(store.trials) == [("r1", "n2t0"), ("r1", "n2t1")]
    await reader.once()
    assert len(store.trials["r1", "n1t0"].at) == 64 and store.trials["r1", "n1t0"].result is not None


async def test_copies_the_path_of_a_file(workspace: Workspace, finished: script.Script) -> None:
    async with FakeEngine(workspace, finished.records), looking(workspace, LARGE) as one:
        await one.press("9", "tab")
        await one.sees("› log.txt", "result.json", "score and judged validation rows")
        await one.press("j", "enter")
        await one.sees("copied: ")
        assert one.app.clipboard == str(workspace.trial(script.RUN, "n5t0") / "metrics.jsonl")


async def test_sees_the_files_of_a_node(workspace: Workspace, running: script.Script) -> None:
    (workspace.node(script.RUN, "n4")).mkdir(parents=True)
    (workspace.node(script.RUN, "n4") / "data.jsonl").write_text("{}\n" * 1000)
    about = subject(workspace, running, "n4", "n4t1")
    assert [entry.name for entry in files.entries(about)][:1] == ["data.jsonl"]
    assert "the rows that the recipe made" in files.page(about).plain


async def test_shows_all_of_a_long_text_and_cuts_it_again(workspace: Workspace, finished: script.Script) -> None:
    async with FakeEngine(workspace, finished.records), looking(workspace, LARGE) as one:
        await one.press("6", "tab")
        await one.finds("G", "more became right; z shows all")
        await one.press("z")
        await one.until(lambda: "z shows all" not in one.screen)
        await one.press("z")
        await one.finds("G", "z shows all")


async def test_reads_the_paired_difference_when_it_has_been_reckoned(
    workspace: Workspace, finished: script.Script
) -> None:
    async with FakeEngine(workspace, finished.records), looking(workspace, LARGE) as one:
        await one.press("6")
        await one.sees("accuracy: -0.007 [")


async def test_watches_the_judging_go_on(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace, LARGE) as one:
        await one.press("4")
        await one.sees("judged after the training", "n0    0.560")
        now = State(phase="evaluating", step=64, steps=64, judged=120, items=300)
        write_json(workspace.trial(script.RUN, "n6t0") / "state.json", now)
        await one.sees("120 of 300 rows judged")


async def test_goes_back_before_a_node_and_every_page_holds(workspace: Workspace, finished: script.Script) -> None:
    async with FakeEngine(workspace, finished.records), looking(workspace, SMALL) as one:
        for key in "1469":
            await one.press("end", "G", key, "{", "{")
            await one.pilot.resize_terminal(90, 30)  # drawn again, of a node that may not be there any more
            await one.pilot.resize_terminal(*SMALL)
            await one.sees("the past")


async def test_reads_every_page_on_a_phone(workspace: Workspace, finished: script.Script) -> None:
    async with FakeEngine(workspace, finished.records), looking(workspace, PHONE) as one:
        for key in "1234567890":
            await one.press(key)
            await _no_line_is_cut(one)
            assert misplaced(one.app) == []


async def _no_line_is_cut(one: Person) -> None:
    await one.pilot.pause()
    assert all(len(line) <= PHONE[0] for line in one.screen.splitlines())


async def test_on_a_small_terminal_the_curves_scroll(workspace: Workspace, finished: script.Script) -> None:
    async with FakeEngine(workspace, finished.records), looking(workspace, SMALL) as one:
        await one.press("4")
        await one.sees("loss", "gradient norm")
        await one.press("G")
        await one.sees("validation", "n5t0  0.870")
