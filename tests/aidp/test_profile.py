"""Rows as a whole, against plain counting."""

from __future__ import annotations

import tracemalloc
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from engine.aidp.profile import ANSWERS, BUCKETS, EXAMPLES, LONGEST, Profile, lengths, profile

Rows = list[dict[str, str]]
TEXT = st.text(alphabet="ab 中\n", max_size=9)
ROWS = st.lists(st.fixed_dictionaries({"prompt": TEXT, "answer": st.sampled_from(["yes", "no", ""])}), max_size=40)


@given(ROWS)
def test_counts_are_those_of_counting(rows: Rows) -> None:
    found = profile(rows)
    answers = Counter(row["answer"] for row in rows)
    assert (found.rows, found.different_answers, dict(found.answers)) == (len(rows), len(answers), dict(answers))
    assert found.empty == sum(not r["prompt"].strip() or not r["answer"].strip() for r in rows)
    prompts = [" ".join(r["prompt"].casefold().split()) for r in rows]
    assert found.duplicates == len(prompts) - len(set(prompts))
    assert sum(found.characters.histogram) == len(rows)
    assert [(e.prompt, e.answer) for e in found.examples] == [(r["prompt"], r["answer"]) for r in rows[:EXAMPLES]]


@given(st.lists(st.integers(0, 5000), min_size=1))
def test_lengths_are_those_of_sorting(found: list[int]) -> None:
    spread = lengths(found)
    ordered = sorted(found)
    assert (spread.least, spread.most) == (ordered[0], ordered[-1])
    assert sum(length <= spread.median for length in found) * 2 >= len(found)
    assert sum(length < spread.median for length in found) * 2 <= len(found)
    assert spread.least <= spread.median <= spread.p95 <= spread.p99 <= spread.most
    assert len(spread.histogram) == BUCKETS and sum(spread.histogram) == len(found)


def test_one_prompt_with_two_answers_is_a_conflict() -> None:
    rows = [{"prompt": p, "answer": a} for p, a in [("x", "yes"), (" X\n", "no"), ("x", "yes"), ("y", "no")]]
    found = profile(rows)
    assert (found.duplicates, found.conflicting) == (2, 1)


def test_free_texts_and_nothing_at_all() -> None:
    found = profile({"prompt": "p" * 9999, "answer": f"answer {n} " * 99} for n in range(99))
    assert len(found.answers) == ANSWERS and found.different_answers == 99
    assert len(found.examples[0].prompt) == LONGEST
    assert profile([]) == Profile(
        rows=0, empty=0, duplicates=0, conflicting=0, answers=(), different_answers=0,
        characters=lengths([]), words=lengths([]), answer_characters=lengths([]), examples=(),
    )  # fmt: skip


def test_memory_does_not_grow_with_the_texts() -> None:
    rows = ({"prompt": f"{n} " + "word " * 100, "answer": f"answer {n} " * 50} for n in range(5_000))
    tracemalloc.start()
    try:
        assert profile(rows).rows == 5_000
        assert tracemalloc.get_traced_memory()[1] < 5_000 * 800
    finally:
        tracemalloc.stop()
