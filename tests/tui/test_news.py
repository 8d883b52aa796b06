"""What somebody is called for, how a terminal is told, and what a digest says of the time between."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.search import events as ev
from trex_tui.attention import Attention
from trex_tui.model import digest, news, terminal
from trex_tui.model.store import Link, RunView, Store

from . import script

KITTY = {"TERM": "xterm-kitty"}
ITERM = {"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}
PLAIN = {"TERM": "xterm-256color"}


def view_of(out: script.Script) -> RunView:
    found = RunView()
    for record in out.records:
        found.take(record)
    return found


def told(out: script.Script, *events: ev.AnyEvent) -> list[tuple[str, str]]:
    seen = out.records[-1].seq
    for event in events:
        out.say(event)
    return [(item.kind, item.text) for item in news.since("r1", view_of(out), seen)]


def test_a_score_above_all_others_is_news_and_a_lower_one_is_not() -> None:
    assert [kind for kind, _ in told(script.search(), script.finished("n6t0", 0.9))] == ["better"]
    assert told(script.search(), script.finished("n6t0", 0.8)) == []


def test_the_end_a_failure_and_a_pause_of_the_engine_are_news() -> None:
    assert told(script.search(), ev.RunEnded(state="done", reason="x"))[0][0] == "done"
    assert told(script.search(), ev.RunEnded(state="failed", reason="no model"))[0] == (
        "failed",
        "r1 has failed: no model",
    )
    paused = told(script.search(), ev.RunPaused(by="engine", reason="the disk is full"))
    assert paused == [("needs you", "r1 is paused: the disk is full")]
    assert told(script.search(), ev.RunPaused(by="ana")) == []
    assert told(script.search(), ev.Failed(node="n6", kind="idea", cause="no rows"))[0][0] == "failed"
    assert told(script.search(), ev.Failed(node="n6", trial="n6t0", kind="machine", cause="x")) == []


def test_only_what_came_after_is_news() -> None:
    out = script.search()
    script.ending(out)
    assert news.since("r1", view_of(out), out.records[-1].seq) == []
    assert [item.kind for item in news.since("r1", view_of(out), out.records[-2].seq)] == ["done"]


def test_history_is_never_told_and_a_reconnect_tells_what_was_missed() -> None:
    out, said = script.search(), []
    live = Store()
    attention = Attention(live, said.append, KITTY, on=True)
    live.connection(Link("live", last_seq=out.records[-1].seq), 0.0)
    live.records(out.records[:5])
    assert attention.look("r1") == []  # the history has not all come
    live.records(out.records[5:])
    assert attention.look("r1") == []
    live.connection(Link("down"), 0.0)
    out.say(script.finished("n6t0", 0.95))
    live.connection(Link("live", last_seq=out.records[-1].seq), 0.0)
    live.records(out.records[-1:])
    assert [item.kind for item in attention.look("r1")] == ["better"]
    assert attention.look("r1") == []
    assert sum("]99;" in text for text in said) == 1


def test_the_title_is_said_once_for_each_change_and_given_back() -> None:
    out, said = script.search(), []
    live = Store()
    attention = Attention(live, said.append, PLAIN, on=False)
    live.connection(Link("live"), 0.0)
    live.records(out.records)
    attention.look("r1")
    attention.look("r1")
    attention.leave()
    assert said == [terminal.SAVE_TITLE, "\x1b]2;TREX 0.877 ► running movie_sentiment r1\a", terminal.RESTORE_TITLE]


def test_a_terminal_is_called_as_it_understands() -> None:
    assert terminal.notification("done", KITTY) == "\x1b]99;;done\x1b\\"
    assert terminal.notification("done", ITERM) == "\x1b]9;done\a"
    assert terminal.notification("done", PLAIN) == terminal.notification("done", {}) == "\a"
    inside = terminal.notification("done", {"TERM": "tmux-256color", "TMUX": "x", "KITTY_WINDOW_ID": "1"})
    assert inside == "\x1bPtmux;\x1b\x1b]99;;done\x1b\x1b\\\x1b\\\a"
    assert terminal.title("x", {"TERM": "linux"}) == "" and terminal.title("x", {}) == ""


@given(st.text(max_size=400), st.sampled_from([KITTY, ITERM, PLAIN]))
def test_foreign_text_cannot_end_the_sequence(text: str, env: dict[str, str]) -> None:
    for made in (terminal.notification(text, env), terminal.title(text, env)):
        inside = made.removeprefix("\x1b]").removesuffix("\a").removesuffix("\x1b\\")
        assert not set(inside) & {"\x1b", "\a", "\x9c"}
        assert len(made) < 1000


def sections(found: digest.Digest) -> dict[str, list[str]]:
    return {section.title: [line.text for line in section.lines] for section in found.sections}


def since(out: script.Script, event: type[ev.Event], node: str) -> float:
    """Just before an event of a node."""
    times = [r.time for r in out.records if isinstance(r.event, event) and getattr(r.event, "node", "") == node]
    return times[0] - 0.5


def test_a_digest_says_what_was_tried_learned_and_lost_since_then() -> None:
    out = script.search()
    said = sections(digest.digest("r1", view_of(out), since(out, ev.NodeAdded, "n4"), out.time))
    assert [line.split()[0] for line in said["Tried"]] == ["n4", "n5"]
    assert "0.877 ±0.037, +0.014 against n2: Two passes" in said["Tried"][0]
    assert said["Learned"] == ["Keep the rate at or below 0.001."]
    assert said["Failed"] == ["n4t0: the loss diverged at step 14 (17.2) (idea)"]
    assert said["Best so far"] == [
        "best n4t1 0.877 [0.840, 0.914], +0.317 against the base model",
        "it was n2t1 0.863 [0.824, 0.902]: +0.014 since then, within its interval",
    ]
    assert said["Next"][0] == "n6t1"
    assert "Needs you" not in said


def test_a_digest_of_a_quiet_hour_says_that_nothing_is_better() -> None:
    out = script.search()
    said = sections(digest.digest("r1", view_of(out), out.time - 5, out.time))
    assert said["Best so far"][1] == "nothing better since then" and "Tried" not in said


def test_a_digest_says_what_needs_a_person_first() -> None:
    out = script.search()
    out.say(ev.Failed(node="n6", trial="n6t0", kind="machine", cause="the driver is gone"))
    out.say(ev.RunPaused(by="engine", reason="the driver is gone"))
    found = digest.digest("r1", view_of(out), out.time - 10, out.time)
    assert found.sections[0].title == "Needs you"
    assert sections(found)["Needs you"] == [
        "it is paused: the driver is gone; p goes on",
        "the machine failed: the driver is gone",
    ]


def test_the_device_hours_of_a_digest_are_those_of_its_time() -> None:
    out = script.search()
    view, whole = view_of(out), out.time
    records = tuple(out.records)
    assert digest.device_seconds(out.tree, records, 0.0, whole) == pytest.approx(out.tree.device_seconds, rel=0.01)
    half = since(out, ev.NodeAdded, "n4")
    late = tuple(record for record in records if record.time > half)
    assert digest.device_seconds(out.tree, late, half, whole) == pytest.approx(31 + 98 + 80 + 94, rel=0.02)
    middle = next(r.time for r in records if isinstance(r.event, ev.Launched) and r.event.trial == "n5t0") + 40
    rest = tuple(record for record in records if record.time > middle)
    assert digest.device_seconds(out.tree, rest, middle, whole) == pytest.approx(54, abs=2)
    assert digest.digest("r1", view, 0.0, whole).head.endswith("since the beginning")
