"""Folding records into what is on screen."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.control.protocol import Pulse
from engine.executor.job import State
from engine.journal import Journal
from engine.search import events as ev
from engine.search.fold import fold
from trex_tui.client.replay import recalled
from trex_tui.model import format as fmt
from trex_tui.model import store as store_module
from trex_tui.model.sentences import sentence, weight
from trex_tui.model.store import LOG_LIMIT, Line, Link, LogLines, Store
from trex_tui.model.telemetry import Chunk, Offsets

from . import script


@pytest.fixture
def records() -> list[ev.Record]:
    out = script.search()
    script.ending(out)
    return out.records


def silent(record: ev.Record) -> ev.Record:
    """Without the words of the Researcher, which are held apart."""
    if not isinstance(record.event, ev.Asked):
        return record
    return msgspec.structs.replace(record, event=msgspec.structs.replace(record.event, prompt="", answer=""))


def test_the_tree_is_the_engines_own_fold(records: list[ev.Record]) -> None:
    store = Store()
    store.records(records)
    assert store.runs["r1"].tree == fold(map(silent, records))
    assert store.runs["r1"].order == ["n0", "n1", "n2", "n3", "n4", "n5", "n6"]
    assert store.last_seq == records[-1].seq


def test_knows_what_runs_and_which_calls_belong_to_a_node(records: list[ev.Record]) -> None:
    store = Store()
    for record in records:
        store.records([record])
        view = store.runs["r1"]
        assert view.running == view.tree.running()
        for name in view.order:
            assert list(view.calls.get(name, ())) == [call for call in view.tree.tape.values() if call.node == name]


def test_old_words_of_the_researcher_are_read_from_the_journal(
    records: list[ev.Record], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(store_module, "WORDS", 1)
    store = Store()
    store.records(records)
    calls = [record for record in records if isinstance(record.event, ev.Asked)]
    old, new = calls[0], calls[-1]
    assert store.words("r1", new.event.call) == ("...", "{}")
    assert store.words("r1", old.event.call) is None
    journal = Journal.open(tmp_path / "journal.db")
    for record in records:
        journal.append(record.run, record.event)
    journal.close()
    store.recall = partial(recalled, tmp_path / "journal.db")
    assert store.words("r1", old.event.call) == ("...", "{}")


def test_records_that_are_known_already_change_nothing(records: list[ev.Record]) -> None:
    store = Store()
    store.records(records)
    store.records(records[-5:])
    assert len(store.runs["r1"].log.lines) == len(records)


def test_the_best_is_kept_as_the_tree_would_find_it(records: list[ev.Record]) -> None:
    store = Store()
    for record in records:
        store.records([record])
        tree = store.runs["r1"].tree
        assert store.runs["r1"].best == tree.best_trial()


def test_says_what_changed_once(records: list[ev.Record]) -> None:
    store = Store()
    store.records(records)
    parts, touched = store.take_dirty()
    assert {"runs", "tree", "log", "status"} <= parts
    assert ("r1", "n4") in touched
    assert store.take_dirty() == (frozenset(), frozenset())


def test_a_record_that_does_not_fit_is_said_and_does_not_break(records: list[ev.Record]) -> None:
    store = Store()
    store.records([ev.Record(seq=1, time=0.0, run="r9", event=ev.Launched(trial="n7t0", node="n7"))])
    assert "record 1 does not fit" in store.unreadable


def test_runs_are_kept_apart_and_the_one_at_work_is_shown_first(records: list[ev.Record]) -> None:
    store = Store()
    other = script.Script("r2", first_seq=records[-1].seq + 1)
    other.say(script.created())
    store.records(records)
    assert store.default_run() == "r1"
    store.records(other.records)
    assert store.default_run() == "r2"
    store.beat(Pulse(time=0.0, run="r1"), 0.0)
    assert store.default_run() == "r1"


def test_silence_counts_only_while_an_engine_should_be_heard() -> None:
    store = Store()
    assert store.silence(1e9) == 0.0
    store.connection(Link("live"), 100.0)
    assert store.silence(104.0) == 0.0
    assert store.silence(140.0) == 40.0
    store.connection(Link("down"), 100.0)
    assert store.silence(140.0) == 0.0


def test_lines_of_a_running_trial_go_to_the_log_but_not_its_past(records: list[ev.Record]) -> None:
    store = Store()
    store.records(script.search().records)
    store.telemetry("r1", "n6t0", Chunk(offsets=Offsets(), first=True, lines=("old",)), 1.0)
    store.telemetry("r1", "n6t0", Chunk(offsets=Offsets(), lines=("new",)), 2.0)
    store.telemetry("r1", "n1t0", Chunk(offsets=Offsets(), lines=("of a trial that has ended",)), 2.0)
    assert [line for line in store.runs["r1"].log.lines if isinstance(line, Line)] == [Line(2.0, "n6t0", "new")]


def test_an_empty_chunk_makes_nothing_dirty() -> None:
    store = Store()
    store.telemetry("r1", "n1t0", Chunk(offsets=Offsets()), 1.0)
    assert store.take_dirty() == (frozenset(), frozenset())
    store.telemetry("r1", "n1t0", Chunk(offsets=Offsets(), state=State(phase="loading")), 1.0)
    assert "telemetry" in store.take_dirty()[0]


def test_the_log_is_bounded_and_counts_what_it_forgot() -> None:
    log = LogLines()
    for number in range(LOG_LIMIT * 2):
        log.append(Line(0.0, "n1t0", str(number)))
    assert len(log.lines) <= LOG_LIMIT * 1.2
    last = log.lines[-1]
    assert isinstance(last, Line) and last.text == str(LOG_LIMIT * 2 - 1)
    assert log.dropped + len(log.lines) == LOG_LIMIT * 2


def test_every_event_has_a_sentence(records: list[ev.Record]) -> None:
    rare: list[ev.AnyEvent] = [
        ev.StopAsked(by="ana"),
        ev.Forked(node="n7", source="n1", plan=script.plan("adjust_training", "a fork of n1"), by="ana"),
        ev.HintGiven(hint="h1", node="n1", text="lower rates", by="ana"),
        ev.HintWithdrawn(hint="h1", node="n0", text="lower rates", by="ana", undoes=9),
        ev.InsightChanged(insight="r1:n1", by="ana", text="lower rates help", pinned=True),
        ev.Retried(node="n1", by="ana"),
        ev.BudgetChanged(limits=ev.Limits(rounds=3, device_seconds=60.0), by="ana"),
        ev.Collected(trials=("n1t0",), bytes=5_000_000, by="engine"),
        ev.Interrupted(trial="n1t0", node="n1", cause="killed"),
        ev.RunPaused(by="engine", reason="the disk is full"),
        ev.RunResumed(by="ana"),
        ev.Adopted(idle_seconds=61),
        ev.TestOpened(trials=("n1t0",), by="report"),
        ev.Tested(trial="n1t0", score=0.8, low=0.7, high=0.9, items=10, result_sha256=""),
    ]
    events = [record.event for record in records] + rare
    assert {type(event) for event in events} == set(get_args(ev.AnyEvent)), "an event without an example"
    for event in events:
        said = sentence(event)
        assert said and type(event).__name__ not in said and "\n" not in said
        assert weight(event) in ("", "bad", "good", "quiet")


@given(st.text(), st.integers(0, 40))
def test_cut_text_never_gets_wider_and_says_that_it_was_cut(text: str, width: int) -> None:
    from rich.cells import cell_len

    text = fmt.clean(text)
    short = fmt.cut(text, width)
    assert cell_len(short) <= width
    assert short == text or width == 0 or short.endswith("…")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (59.4, "59 s"), (60, "1 min"), (430, "7 min 10 s"), (11100, "3 h 05 min"), (187200, "2 d 4 h")],
)
def test_durations(seconds: float, said: str) -> None:
    assert fmt.duration(seconds) == said


@pytest.mark.parametrize("fraction", [-1.0, 0.0, 0.02, 0.5, 0.99, 1.0, 7.0])
def test_bars_keep_their_width(fraction: float) -> None:
    assert len(fmt.bar(fraction, 10)) == 10


def test_a_gain_is_positive_when_better_in_the_metrics_direction() -> None:
    from engine.search.tree import Score

    low, high = Score(0.2, 0.1, 0.3, 9), Score(0.5, 0.4, 0.6, 9)
    assert fmt.gain(high, low, True) == "+0.300"
    assert fmt.gain(high, low, False) == "-0.300"
    assert fmt.gain(None, low, True) == ""


def test_the_model_imports_no_textual_and_the_interface_no_heavy_library() -> None:
    code = (
        "import sys, trex_tui.model.store, trex_tui.model.sentences, trex_tui.model.rows;"
        "assert 'textual' not in sys.modules;"
        "import trex_tui.app, trex_tui.picture;"
        "heavy = {'torch', 'transformers', 'datasets', 'faiss', 'llama_cpp', 'numpy'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_script_of_these_tests_is_a_search_the_policy_would_make() -> None:
    tree = script.search().tree
    for node in tree.nodes.values():
        if node.why and int(node.id[1:]) > 3:
            assert node.parent == max(node.why, key=lambda term: term.total).node
