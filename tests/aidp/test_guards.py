"""Guards answer one question, find what overlaps, and carry no text."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.aidp import guards
from engine.errors import MachineFailure

HELD = "the quick brown fox jumps over the lazy dog near the river bank today"
FRAME = "Read this carefully and say whether the customer is happy with us: {} Verdict:"
WORDS = st.lists(st.sampled_from(["alpha", "beta", "gamma", "delta", "epsilon"]), min_size=1, max_size=20)


def made(*texts: str) -> guards.Guards:
    return guards.build((FRAME.format(text), (text,)) for text in texts)


def test_a_planted_copy_is_found_whatever_surrounds_it() -> None:
    guard = made(HELD).at(8)
    assert guard.overlaps({"prompt": f"Preface. {HELD.upper()}! And more."})
    assert guard.overlaps({"prompt": "jumps over the lazy dog near the river"})
    assert not guard.overlaps({"prompt": "jumps over the lazy dog near the ocean"})


def test_a_short_text_is_found_when_the_prompts_are_equal() -> None:
    guard = made("so so").at(13)
    assert guard.overlaps({"prompt": "So  SO"})
    assert guard.overlaps({"prompt": FRAME.format("so so")})
    assert not guard.overlaps({"prompt": "so so film"})


def test_the_task_s_own_wording_is_no_overlap() -> None:
    assert not made(HELD).at(8).overlaps({"prompt": FRAME.format("an entirely different text")})


def test_a_phrase_that_many_held_out_rows_share_is_no_overlap() -> None:
    phrase = "answer the following question with one word or number please"
    rows = [f"{phrase} {number}" for number in range(guards.SHARED_BY + 1)]
    assert not made(*rows).at(8).overlaps({"prompt": f"{phrase} something else"})
    assert made(*rows[:-1]).at(8).overlaps({"prompt": f"{phrase} something else"})


def test_an_instruction_written_into_the_column_hides_no_copy_and_makes_none() -> None:
    frame = "Is the sentiment of this text positive or negative? Answer with one word. Text: {}"
    rows = [frame.format(f"{word} {HELD} {number}") for number, word in enumerate("abcdefghijklmn")]
    guard = guards.build(
        (row, (row,)) for row in [*rows[:1], *(frame.format(f"{n} other words") for n in range(20))]
    ).at(8)
    assert guard.overlaps({"prompt": rows[5]})
    assert not guard.overlaps({"prompt": frame.format("a quite different beginning of a text")})


def test_a_long_row_needs_more_than_one_run_in_common() -> None:
    held = " ".join(f"word{n}" for n in range(300))
    guard = made(held).at(8)
    assert not guard.overlaps({"prompt": "before " + " ".join(f"word{n}" for n in range(20)) + " after"})
    assert guard.overlaps({"prompt": "before " + " ".join(f"word{n}" for n in range(60)) + " after"})


def test_ngram_zero_compares_whole_prompts_only() -> None:
    guard = made(HELD).at(0)
    assert guard.overlaps({"prompt": HELD})
    assert not guard.overlaps({"prompt": f"Preface. {HELD}"})


@given(held=WORDS, row=WORDS)
def test_overlap_is_what_a_plain_search_says(held: list[str], row: list[str]) -> None:
    runs = {tuple(held[at : at + 6]) for at in range(len(held) - 5)}
    shared = runs & {tuple(row[at : at + 6]) for at in range(len(row) - 5)}
    expected = held == row or len(shared) >= max(1, math.ceil(len(runs) / 10))
    guard = guards.build([(" ".join(held), (" ".join(held),))]).at(6)
    assert guard.overlaps({"prompt": " ".join(row)}) == expected


def test_saved_guards_hold_no_text_and_come_back_equal(tmp_path: Path) -> None:
    path = tmp_path / "guards.json"
    guards.save(made(HELD), path)
    assert guards.load(path) == made(HELD)
    assert not [word for word in HELD.split() if len(word) > 4 and word.encode() in path.read_bytes()]


@pytest.mark.parametrize("damage", [b"", b"{}", b'{"version": 9, "prompts": "", "ngrams": {}}'])
def test_damaged_guards_stop_the_run(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "guards.json"
    path.write_bytes(damage)
    with pytest.raises(MachineFailure, match="guards"):
        guards.load(path)
