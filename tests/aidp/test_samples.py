"""Examples of what operators did: bounded, with reasons, the same every time, and nothing of held-out rows."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.aidp import Pipeline, guards
from engine.aidp.notes import LONGEST, MOST, WITHHELD
from engine.aidp.recipe import (
    AnyOperator,
    BalanceLabels,
    Convert,
    Decontaminate,
    DedupExact,
    FilterField,
    FilterLength,
    Load,
    Mix,
    Recipe,
    SampleRandom,
    SampleStratified,
    Shuffle,
)
from engine.aidp.samples import Sampler, Samples, StepSamples
from engine.files import write_jsonl

Rows = list[dict[str, str]]
ROWS: Rows = [
    {"id": f"r{n}", "prompt": f"row {n} " + "word " * n, "answer": "yes" if n % 3 else "no"} for n in range(30)
]


def steps(*operators: AnyOperator, rows: Rows = ROWS, **more: object) -> list[StepSamples]:
    sampler = Sampler()
    Pipeline(Recipe(operators=operators, seed=5), **more).run(rows, watch=sampler)  # type: ignore[arg-type]
    return list(sampler.samples.steps)


def test_a_duplicate_names_the_row_that_stays() -> None:
    twice = [*ROWS, {"id": "again", "prompt": "ROW 2  word word", "answer": "no"}]
    step = steps(DedupExact(), rows=twice)[0]
    (sample,) = step.samples
    assert (sample.kind, sample.id, sample.why) == ("dropped", "again", "the same prompt as r2")
    assert sample.before and sample.before.prompt == "ROW 2  word word" and step.dropped == 1


def test_a_length_says_how_far_it_is_out() -> None:
    step = steps(FilterLength(min_words=4, max_words=20))[0]
    assert [sample.why for sample in step.samples][:3] == [
        "2 words, fewer than 4",
        "3 words, fewer than 4",
        "21 words, more than 20",
    ]
    assert step.dropped == 2 + 11 and len(step.samples) == MOST


def test_what_overlaps_a_held_out_row_is_counted_and_not_shown() -> None:
    held = guards.build([(ROWS[4]["prompt"], (ROWS[4]["prompt"],))])
    step = steps(guards=held)[-1]
    (sample,) = step.samples
    assert (step.operator, sample.id, sample.before, sample.why) == ("decontaminate", "r4", None, WITHHELD)


def test_what_is_drawn_repeated_or_only_moved() -> None:
    _, drawn, moved = steps(SampleRandom(rows=10), Shuffle())
    assert (drawn.dropped, len(drawn.samples), {s.why for s in drawn.samples}) == (20, MOST, {"not drawn"})
    assert (moved.dropped, moved.added, moved.samples) == (0, 0, ())
    up = steps(BalanceLabels(method="up"))[1]
    assert (up.dropped, up.added) == (0, 10)
    assert all(s.kind == "added" and s.after and s.after.answer == "no" for s in up.samples)


def test_files_that_come_in_are_told_from_what_was_there(tmp_path: Path) -> None:
    raw = [{"instruction": f"say {n}", "output": str(n)} for n in range(5)] + [{"instruction": "", "output": "x"}]
    write_jsonl(tmp_path / "more.jsonl", raw)
    loaded, converted, _ = steps(Load(path="more.jsonl"), Convert(layout="alpaca"), root=tmp_path)
    assert (loaded.dropped, loaded.added, len(loaded.samples)) == (30, 6, MOST)
    assert {s.why for s in loaded.samples} == {"more.jsonl takes the place of all rows", "from more.jsonl"}
    lost, change, *_ = converted.samples
    assert change.before and change.before.prompt == "instruction: say 0\noutput: 0"
    assert change.after and (change.after.prompt, change.after.answer) == ("say 0", "0")
    assert (lost.kind, lost.id, lost.why) == ("dropped", "more.jsonl:6", "the prompt is empty")
    mixed = steps(Mix(path="more.jsonl", share=0.1, layout="alpaca"), root=tmp_path)[0]
    assert (mixed.dropped, mixed.added) == (0, 3) and mixed.samples[0].why == "from more.jsonl"


def test_a_held_out_row_that_comes_in_is_not_shown_on_its_way(tmp_path: Path) -> None:
    secret = "a sentence that only the sealed test split should ever contain"
    write_jsonl(tmp_path / "more.jsonl", [{"text": secret, "label": "x"}, {"text": "one of ours", "label": "y"}])
    around = {"root": tmp_path, "guards": guards.build([(secret, (secret,))])}
    for operators in ((Load(path="more.jsonl"),), (Mix(path="more.jsonl", share=0.2),)):
        told = str(steps(*operators, **around))
        assert "one of ours" in told and "sealed" not in told


@pytest.mark.parametrize("secret", ["good film", "the film is good"])
def test_a_short_held_out_row_is_shown_nowhere_on_its_way(tmp_path: Path, secret: str) -> None:
    """Not in a column of a raw row, not in the reason why a row goes, not in an answer."""
    texts = [(secret, "x"), ("one of ours", secret), ("another of ours", "y"), ("a third", "x")]
    write_jsonl(tmp_path / "more.jsonl", [{"text": text, "label": label} for text, label in texts])
    around = {"root": tmp_path, "guards": guards.build([(secret, (secret,))])}
    own = FilterField(column="text", values=("one of ours", "another of ours"))
    told = str(steps(Load(path="more.jsonl"), own, Convert(layout="classification"), **around))
    assert "another of ours" in told and secret not in told


def test_long_texts_are_cut() -> None:
    rows = [{"id": "x" * 999, "prompt": "y" * 9999, "answer": "z"}, {"id": "b", "prompt": "b", "answer": "z"}]
    (sample,) = steps(SampleRandom(rows=1), rows=rows)[1].samples
    assert sample.before and len(sample.before.prompt) <= LONGEST + 4 and len(sample.id) <= LONGEST + 4


def test_watching_changes_no_row() -> None:
    operators = (DedupExact(), FilterLength(min_words=3), SampleStratified(rows=12), Shuffle(), Decontaminate())
    plain = Pipeline(Recipe(operators=operators, seed=5)).run(ROWS).rows.to_list()
    assert Pipeline(Recipe(operators=operators, seed=5)).run(ROWS, watch=Sampler()).rows.to_list() == plain


TEXT = st.lists(st.sampled_from(["good", "bad", "film"]), min_size=1, max_size=5).map(" ".join)
ANY = st.lists(
    st.fixed_dictionaries({"prompt": TEXT, "answer": st.sampled_from(["yes", "no"])}), min_size=1, max_size=30
).map(lambda rows: [{"id": str(at), **row} for at, row in enumerate(rows)])
KEEPING = st.sampled_from(
    [
        DedupExact(),
        BalanceLabels(),
        BalanceLabels(method="up"),
        SampleRandom(rows=7),
        SampleStratified(rows=7),
        Shuffle(),
    ]
)


@settings(max_examples=30, deadline=None)
@given(ANY, st.lists(KEEPING, max_size=3))
def test_counts_agree_with_the_report_and_the_file_can_be_read_again(rows: Rows, chosen: list[AnyOperator]) -> None:
    sampler = Sampler()
    output = Pipeline(Recipe(operators=tuple(chosen), seed=2)).run(rows, watch=sampler)
    told = [(s.operator, s.dropped, s.added) for s in sampler.samples.steps]
    assert told == [(s.operator, s.dropped, s.added) for s in output.steps]
    assert msgspec.json.decode(msgspec.json.encode(sampler.samples), type=Samples) == sampler.samples
