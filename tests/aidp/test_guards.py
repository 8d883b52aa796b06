"""Guards answer one question, find what overlaps, and carry no text."""

from __future__ import annotations

import math
import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.aidp import guards
from engine.aidp.models.embedding import WordEmbedder
from engine.errors import IdeaFailure, MachineFailure

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


def test_a_held_out_text_is_found_in_the_answer_and_across_both() -> None:
    guard = made(HELD).at(8)
    start, end = HELD[: len(HELD) // 2], HELD[len(HELD) // 2 :]
    assert guard.overlaps({"prompt": "Say it again.", "answer": HELD.upper()})
    assert guard.overlaps({"prompt": f"Go on: {start}", "answer": end})
    assert not guard.overlaps({"prompt": "Say it again.", "answer": "something else"})


def test_ngram_zero_compares_whole_prompts_only() -> None:
    guard = made(HELD).at(0)
    assert guard.overlaps({"prompt": HELD})
    assert not guard.overlaps({"prompt": f"Preface. {HELD}"})


@given(held=WORDS, row=WORDS)
def test_overlap_is_what_a_plain_search_says(held: list[str], row: list[str]) -> None:
    runs = {tuple(held[at : at + 6]) for at in range(len(held) - 5)}
    shared = runs & {tuple(row[at : at + 6]) for at in range(len(row) - 5)}
    one, other = Counter(held), Counter(row)
    tells = len(held) >= 5 and len(held) + len("".join(held)) >= 24
    near = tells and (one - other).total() <= 1 and (other - one).total() <= 1
    expected = held == row or len(shared) >= max(1, math.ceil(len(runs) / 10)) or near
    guard = guards.build([(" ".join(held), (" ".join(held),))]).at(6)
    assert guard.overlaps({"prompt": " ".join(row)}) == expected


@pytest.mark.parametrize(
    ("held", "row"),
    [
        ("it does n't work -- at all .", "It doesn't work at all!"),
        ("a 15-year-old 's \u201ccaf\u00e9\u201d", "A 15 year old's 'cafe'"),
        ("but he somehow pulls it off .", "It's so clever you want to hate it. But he somehow pulls it off."),
        ("it's a quiet & tender film", "It&#39;s a quiet &amp; tender film"),
        ("the quiet film is good", "the <b>quiet</b> film<br/> is **good**"),
        ("the quiet film is good", "> the_quiet_film is good"),
        ("the quiet film is good", "th\u0435 qui\u0435t film is g\u043eod"),
        ("a surprisingly tender family drama", "A surprisingly warm family drama."),
        ("fresh , funny , fast !", "Review: Fresh, funny, fast\nSentiment:"),
        ("so what ? who cares ?", "Well: so what? Who cares? Not me."),
        (
            "\u8fd9\u90e8\u7535\u5f71\u5f88\u597d\u770b\u3002",
            "\u89c2\u4f17\uff1a\u8fd9\u90e8\u7535\u5f71 \u5f88\u597d\u770b\uff01",
        ),
    ],
)
def test_a_short_text_is_found_in_another_writing(held: str, row: str) -> None:
    assert made(held).at(8).overlaps({"prompt": row})


@pytest.mark.parametrize(
    ("held", "row"),
    [
        ("a good movie", "This is a good movie with a great cast."),  # common words within a sentence
        ("good movie .", "Well. Good movie."),  # two words stand everywhere
        ("what is 17 + 25 ?", "What is 17 - 25?"),
        ("add the numbers 17 and 25 and then say the sum", "add the numbers 17 and 26 and then say the sum"),
        ("a truly bad film", "a truly good film"),  # one word of four is another text
    ],
)
def test_a_short_text_is_not_found_where_something_else_is_said(held: str, row: str) -> None:
    assert not made(held).at(8).overlaps({"prompt": row})


EDITED = "the quick brown fox jumps over the lazy dog today"


@pytest.mark.parametrize(
    "row",
    [
        "the quick brown cat jumps over the lazy dog today",  # changed
        "the quick brown jumps over the lazy dog today",  # dropped
        "the quick brown fox then jumps over the lazy dog today",  # added
        "today the lazy dog jumps over the quick brown fox",  # moved
        "Review: The quick, brown dog jumps over the lazy dog today.\nSentiment:",
    ],
)
def test_a_light_edit_hides_nothing(row: str) -> None:
    guard = made(EDITED).at(13)
    assert guard.overlaps({"prompt": row})
    assert not guard.overlaps({"prompt": row.replace("brown", "old").replace("lazy", "busy")})


def test_the_same_instruction_around_another_word_is_no_overlap() -> None:
    frame = "name the country in which you would find the city {}"
    held = [frame.format(f"city{letter}") for letter in "abcdefghijklm"]
    assert not made(*held).at(8).overlaps({"prompt": frame.format("elsewhere")})


@given(st.lists(st.text(max_size=40), max_size=8), st.text(max_size=60))
def test_any_text_may_be_asked_about(held: list[str], row: str) -> None:
    found = made(*held)
    for size in (0, *guards.SIZES):
        assert found.at(size).overlaps({"prompt": row}) in (True, False)
        assert all(found.at(size).overlaps({"prompt": text}) for text in held)


def test_guards_of_an_earlier_version_are_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "guards.json"
    path.write_bytes(b'{"version": 1, "prompts": "", "ngrams": {"6": [], "8": [], "13": []}}')
    with pytest.raises(MachineFailure, match="another version") as refused:
        guards.load(path)
    assert "made anew" in refused.value.hint


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


def test_meanings_are_compared_where_the_guards_have_them(tmp_path: Path) -> None:
    embedder = WordEmbedder()
    texts = ["the movie was boring and far too long", "fresh basil goes well with pasta"]
    known = guards.build(((text, (text,)) for text in texts), embedder)
    guards.save(known, tmp_path / "guards.json")
    assert guards.load(tmp_path / "guards.json") == known
    row = {"prompt": "I found this film dull, boring and much too long"}
    assert known.at(8, 0.7, embedder).overlaps(row)
    assert not known.at(8).overlaps(row)
    assert not known.at(8, 0.7, embedder).overlaps({"prompt": "the cook put tomatoes on the bread"})
    assert not known.at(8, 0.7, embedder).overlaps({"prompt": ""})


def test_an_instruction_in_every_row_has_no_meaning() -> None:
    embedder = WordEmbedder()
    colours = [
        *("red", "green", "blue", "white", "black", "brown", "yellow", "orange"),
        *("purple", "pink", "golden", "silver", "grey", "dark", "bright", "pale"),
    ]
    things = ["boat", "carpet", "doctor", "river", "sugar", "engine", "garden", "piano"]
    held = [FRAME.format(f"{colour} {thing}") for colour in colours for thing in things]
    known = guards.build(((text, (text,)) for text in held), embedder)
    assert known.at(13, 0.9, embedder).overlaps({"prompt": FRAME.format("the boat is red")})
    assert not known.at(13, 0.9, embedder).overlaps({"prompt": FRAME.format("justice and democracy")})


def test_without_embeddings_meanings_are_refused() -> None:
    with pytest.raises(IdeaFailure, match="cannot compare meanings"):
        made(HELD).at(8, 0.9, WordEmbedder())


@pytest.mark.parametrize("kind", ["symbols", "orders"])
def test_where_rows_are_made_of_the_same_words_their_order_tells_them_apart(kind: str) -> None:
    rng = random.Random(1)

    def text() -> str:
        if kind == "symbols":
            return " ".join(rng.choice(("alpha", "beta", "gamma")) for _ in range(9))
        return "put in order " + " ".join(rng.sample(("alder", "birch", "cedar", "elm", "maple", "willow", "yew"), 7))

    held, train = [{text() for _ in range(80)} for _ in range(2)]
    guard = guards.build((prompt, (prompt,)) for prompt in held).at(8)
    new = train - held
    assert sum(guard.overlaps({"prompt": prompt}) for prompt in new) <= len(new) // 3
    assert all(guard.overlaps({"prompt": prompt.upper() + "!"}) for prompt in held)
