"""From rows to tokens, and to batches."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadInput, IdeaFailure
from engine.executor.batches import Collator, by_length, padded, training_order
from engine.executor.render import IGNORED, examples, prompt_tokens, render
from engine.task import Format
from tests.executor.conftest import ENVIRONMENT, FORMAT, questions

ROW = {"id": "a", "prompt": "good film question:", "answer": " yes"}
CHAT = Format(prompt="{prompt}", system="Answer.", template="chat")


def test_exactly_the_answer_and_the_end_are_supervised(tokenizer: Any) -> None:
    for form in (FORMAT, CHAT, Format(prompt="{prompt}", system="Answer.")):
        row = examples([ROW], form, tokenizer, 200).rows[0]
        supervised = [token for token, label in zip(row.ids, row.labels, strict=True) if label != IGNORED]
        assert supervised[-1] == tokenizer.eos_token_id
        assert tokenizer.decode(supervised[:-1]) == " yes"
        assert tokenizer.decode(row.ids[: -row.supervised]) == render(ROW, form, tokenizer)


def test_a_long_prompt_loses_its_left_end_and_never_the_answer(tokenizer: Any) -> None:
    made = examples([ROW], FORMAT, tokenizer, 8)
    row = made.rows[0]
    assert len(row.ids) == 8 and made.cut == 1 and made.dropped == 0
    assert tokenizer.decode(row.ids).endswith("question: yes<end>"[-12:])


def test_rows_whose_answer_does_not_fit_are_left_out_and_counted(tokenizer: Any) -> None:
    made = examples([ROW, {**ROW, "answer": " no" * 50}], FORMAT, tokenizer, 16)
    assert (len(made.rows), made.dropped) == (1, 1)
    with pytest.raises(IdeaFailure, match="no training row fits"):
        examples([{**ROW, "answer": " no" * 50}], FORMAT, tokenizer, 16)


def test_a_chat_template_that_is_not_there_is_told(tokenizer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenizer, "chat_template", None)
    with pytest.raises(BadInput, match="no chat template"):
        render(ROW, CHAT, tokenizer)


def test_judging_and_training_see_the_same_prompt(tokenizer: Any) -> None:
    row = examples([ROW], CHAT, tokenizer, 200).rows[0]
    assert prompt_tokens(ROW, CHAT, tokenizer, 200) == (row.ids[: -row.supervised], False)


def test_the_preview_marks_the_supervised_tokens(model_dir: Path) -> None:
    request = {"format": {"prompt": "{prompt}"}, "max_length": 64, "rows": [ROW, {**ROW, "answer": " no" * 90}]}
    command = [sys.executable, "-P", "-m", "engine.executor.preview", str(model_dir)]
    done = subprocess.run(command, input=json.dumps(request).encode(), env=ENVIRONMENT, capture_output=True, check=True)
    answer = json.loads(done.stdout)
    marked = "".join(text for text, supervised in answer["rows"][0] if supervised)
    assert marked == " yes<end>" and answer["rows"][1] == [] and answer["truncated"] == 1


def test_a_preview_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-m", "engine.executor.preview", str(tmp_path)]
    request = b'{"format": {"prompt": "{x}"}, "max_length": 64, "rows": []}'
    done = subprocess.run(command, input=request, env=ENVIRONMENT, capture_output=True, check=False)
    assert done.returncode == 2 and b"base model is missing" in done.stderr and b"Traceback" not in done.stderr


lengths = st.lists(st.integers(1, 60), min_size=1, max_size=80)


@given(lengths, st.integers(1, 9), st.integers(1, 4), st.integers(0, 99))
def test_the_order_takes_every_row_once_in_each_pass(sizes: list[int], batch: int, passes: int, seed: int) -> None:
    order = training_order(sizes, count=passes * len(sizes), batch=batch, seed=seed)
    assert sorted(order) == sorted(list(range(len(sizes))) * passes)
    assert order == training_order(sizes, count=passes * len(sizes), batch=batch, seed=seed)


@given(lengths, st.integers(1, 9), st.integers(0, 99))
def test_the_longest_whole_batch_comes_first(sizes: list[int], batch: int, seed: int) -> None:
    order = training_order(sizes, count=len(sizes), batch=batch, seed=seed)
    whole = [order[i : i + batch] for i in range(0, len(order) - batch + 1, batch)]
    if whole:
        assert max(sizes[row] for row in whole[0]) == max(sizes[row] for rows in whole for row in rows)


def test_rows_of_like_length_share_a_batch_and_the_order_is_not_sorted() -> None:
    sizes = [n % 50 + 1 for n in range(800)]
    order = training_order(sizes, count=800, batch=8, seed=0)
    chunks = [[sizes[row] for row in order[i : i + 8]] for i in range(0, 800, 8)]
    assert sum(max(chunk) - min(chunk) for chunk in chunks) / len(chunks) < 5
    assert [chunk[0] for chunk in chunks] != sorted(chunk[0] for chunk in chunks)


@given(lengths, st.integers(1, 9))
def test_judging_takes_every_row_once_longest_first(sizes: list[int], batch: int) -> None:
    chunks = by_length(sizes, batch)
    flat = [row for chunk in chunks for row in chunk]
    assert sorted(flat) == list(range(len(sizes)))
    assert [sizes[row] for row in flat] == sorted(sizes, reverse=True)


def test_padding_is_on_the_left_and_masked() -> None:
    batch = padded([[5, 6, 7], [8]], pad=0)
    assert batch["input_ids"].tolist() == [[5, 6, 7], [0, 0, 8]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [0, 0, 1]]
    assert batch["position_ids"].tolist() == [[0, 1, 2], [0, 0, 0]]
    collated = Collator(0)([{"input_ids": [5, 6, 7], "supervised": 2}, {"input_ids": [8, 9], "supervised": 1}])
    assert collated["labels"].tolist() == [[IGNORED, 6, 7], [IGNORED, IGNORED, 9]]


def test_questions_differ_in_length(tokenizer: Any) -> None:
    assert len({len(row.ids) for row in examples(questions(6), FORMAT, tokenizer, 64).rows}) > 1
