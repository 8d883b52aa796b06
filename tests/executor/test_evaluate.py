"""The evaluator against a plain, unbatched reading of the model's logits."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from engine.executor.evaluate import before_stop, generate, judge, label_scores
from engine.executor.render import answer_tokens, pad_token, prompt_tokens
from engine.task import Evaluation
from tests.executor.conftest import FORMAT, questions

TOLERANCE = 0.05  # bfloat16 sums in another order


def silent(_done: int) -> None:
    """No progress wanted."""


def reference(model: Any, prompt: list[int], label: list[int]) -> float:
    """Sum of the label's log-probabilities, one row, no padding, all logits."""
    model.set_attn_implementation("eager")
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([prompt + label])).logits[0].float().log_softmax(-1)
    return float(sum(logits[len(prompt) + n - 1, token] for n, token in enumerate(label)))


@pytest.mark.parametrize("labels", [(" yes", " no"), (" yes", " not at all", " n")])
@pytest.mark.parametrize("batch", [1, 3, 16])
def test_scores_equal_the_reference_for_every_batch_size(
    base: Any, tokenizer: Any, labels: tuple[str, ...], batch: int
) -> None:
    prompts = [prompt_tokens(row, FORMAT, tokenizer, 99)[0] for row in questions(7, words=7)]
    tokens = [answer_tokens(label, tokenizer) for label in labels]
    base.set_attn_implementation("eager")
    with torch.inference_mode():
        scores = label_scores(base, prompts, tokens, pad_token(tokenizer), batch, silent)
    for prompt, own in zip(prompts, scores, strict=True):
        assert own == pytest.approx([reference(base, prompt, label) for label in tokens], abs=TOLERANCE)


def test_items_keep_the_rows_order_and_the_labels_order(base: Any, tokenizer: Any) -> None:
    rows = questions(9, words=7)
    evaluation = Evaluation(mode="label_likelihood", labels=(" no", " yes"), batch_size=4)
    told: list[int] = []
    items = judge(base, tokenizer, rows, FORMAT, evaluation, "accuracy", told.append)
    assert [item.id for item in items] == [row["id"] for row in rows] and told == [4, 8, 9]
    for item, row in zip(items, rows, strict=True):
        assert item.gold == row["answer"] and len(item.scores) == 2
        assert item.answer == evaluation.labels[item.scores.index(max(item.scores))]
        assert item.correct == float(item.answer == item.gold)


def test_generation_is_the_same_alone_and_in_a_batch(base: Any, tokenizer: Any) -> None:
    prompts = [prompt_tokens(row, FORMAT, tokenizer, 99)[0] for row in questions(4)]
    base.set_attn_implementation("eager")
    with torch.inference_mode():
        together = generate(base, tokenizer, prompts, 5, ())
        alone = [generate(base, tokenizer, [prompt], 5, ())[0] for prompt in prompts]
    assert together == alone


def test_generation_ends_at_a_stop_text(base: Any, tokenizer: Any) -> None:
    prompt = prompt_tokens(questions(1)[0], FORMAT, tokenizer, 99)[0]
    with torch.inference_mode():
        free = generate(base, tokenizer, [prompt], 12, ())[0]
        cut = generate(base, tokenizer, [prompt], 12, (free[3],))[0]
    assert cut == free[: free.index(free[3])].strip()


def test_generated_answers_are_judged(base: Any, tokenizer: Any) -> None:
    evaluation = Evaluation(mode="generate", max_new_tokens=4, batch_size=2)
    items = judge(base, tokenizer, questions(5), FORMAT, evaluation, "exact_match", silent)
    assert [item.id for item in items] == [row["id"] for row in questions(5)] and not items[0].scores


@pytest.mark.parametrize(
    ("text", "stop", "kept"),
    [("yes\nand", ["\n"], "yes"), ("\n yes\n", ["\n"], "\n yes"), ("yes", ["\n"], "yes"), ("a;b\n", ["\n", ";"], "a")],
)
def test_text_ends_before_the_first_stop(text: str, stop: list[str], kept: str) -> None:
    assert before_stop(text, stop) == kept
