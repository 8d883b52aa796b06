"""Lines of logs as they are shown: safe, readable, and not said over and over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trex_tui.model.log_text import clock_of, last_state, repeats, supersedes, visible
from trex_tui.model.store import Line, LogLines


@given(st.binary(max_size=200))
def test_whatever_the_bytes_nothing_of_them_steers_the_terminal(raw: bytes) -> None:
    assert visible(raw).isprintable()


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"\x1b[1;31mred\x1b[0m \x1b]0;title\x07after", "red after"),
        (b"a\tb", "a       b"),
        (b"bell \x07 and delete \x7f", "bell ␇ and delete ␡"),
        (b"caf\xc3\xa9 \xff", "café �"),
        ("wide\u3000blank and \u202eturned".encode(), "wide blank and \\u202eturned"),
        (b"10%\r20%\r\n".rstrip(b"\n"), "10%␍20%"),
    ],
)
def test_what_is_hidden_in_a_line_is_shown(raw: bytes, shown: str) -> None:
    assert visible(raw) == shown


def test_a_line_has_one_clock() -> None:
    assert clock_of("00:14:57.123 step 1/32: loss 7") == ("00:14:57", "step 1/32: loss 7")
    assert clock_of("2026-11-22 00:14:45,255 ERROR x") == ("00:14:45", "ERROR x")
    assert clock_of("step 1/32") == ("", "step 1/32")


def test_a_line_that_was_rewritten_says_its_last_state() -> None:
    assert last_state("fetching data  10%\rfetching data 100%\r") == "fetching data 100%"
    assert last_state("\r") == ""


def said(*texts: str) -> list[str]:
    log = LogLines()
    for number, text in enumerate(texts):
        log.say(Line(float(number), "n1t0", text))
    return [f"{line.text} x{line.times}" for line in log.lines if isinstance(line, Line)]


def test_progress_stays_one_line_and_steps_stay_many() -> None:
    assert said("fetching data  10%", "fetching data  55% of 3 MiB", "fetching data 100% of 3 MiB", "done") == [
        "fetching data 100% of 3 MiB x1",
        "done x1",
    ]
    assert len(said("step 1/32: loss 7.1", "step 2/32: loss 6.9")) == 2
    assert (
        len(said("a: 10%|#  | 1/10 [00:01<?, ?it/s]", "a: 20%|## | 2/10 [00:01<00:07, 1.1it/s]", "b: 10%|# | 1/9 ["))
        == 2
    )


def test_what_is_said_over_and_over_is_counted() -> None:
    again = ("00:00:01 llama_decode: failed to decode, ret = 1", "00:00:02 get_embeddings: no context")
    assert said("begin", *again, *again, *again) == [
        "begin x1",
        "00:00:01 llama_decode: failed to decode, ret = 1 x3",
        "00:00:02 get_embeddings: no context x3",
    ]
    assert repeats("00:00:01 x", "11:11:11.5 x") and not repeats("x", "y")
    assert not supersedes("loss 1", "loss 2")


def test_another_trial_says_the_same_for_itself() -> None:
    log = LogLines()
    for trial in ("n1t0", "n1t1"):
        log.say(Line(0.0, trial, "loading"))
    assert len(log.lines) == 2
