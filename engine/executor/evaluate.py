"""Judging: the one evaluator, for the base model and for every trial.

By label likelihood (the label whose tokens have the highest log-probability after the prompt) or by greedy
generation. Not the metrics (`engine.ftbench.metrics`). The model is used, never changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from transformers import GenerationConfig, StoppingCriteria, StoppingCriteriaList

from engine.errors import BadInput
from engine.executor.batches import by_length, last_positions, padded
from engine.executor.job import Item
from engine.executor.loading import fit_attention
from engine.executor.render import Tokens, answer_tokens, end_token, pad_token, prompt_tokens
from engine.ftbench import metrics
from engine.task import Evaluation, Format, label_texts

Progress = Callable[[int], None]  # told how many rows are judged; may raise to stop


class _Prompt(NamedTuple):
    row: Mapping[str, Any]
    ids: Tokens


def judge(
    model: Any,
    tokenizer: Any,
    rows: Sequence[Mapping[str, Any]],
    form: Format,
    evaluation: Evaluation,
    metric: str,
    progress: Progress,
) -> list[Item]:
    """One item per row, in the rows' order. Raises BadInput where the split does not fit the task."""
    labels = {text: answer_tokens(text, tokenizer) for text in label_texts(evaluation, form).values()}
    by_likelihood = evaluation.mode == "label_likelihood"
    longest_answer = max(map(len, labels.values())) if by_likelihood else evaluation.max_new_tokens
    room = int(getattr(model.config, "max_position_embeddings", 0) or 2**20) - longest_answer
    prompts = [_Prompt(row, prompt_tokens(row, form, tokenizer, room)[0]) for row in rows]
    fit_attention(model, max(len(prompt.ids) for prompt in prompts) + longest_answer)
    model.eval()
    with torch.inference_mode():
        if by_likelihood:
            return _by_likelihood(model, tokenizer, prompts, labels, evaluation.batch_size, metric, progress)
        return _by_generation(model, tokenizer, prompts, evaluation, metric, progress)


def _by_likelihood(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[_Prompt],
    labels: Mapping[str, Tokens],
    batch: int,
    metric: str,
    progress: Progress,
) -> list[Item]:
    for prompt in prompts:
        if str(prompt.row["answer"]) not in labels:
            raise BadInput(
                f"row {prompt.row['id']}: the answer {str(prompt.row['answer'])[:60]!r} is none of the labels",
                hint=f"labels: {', '.join(map(repr, labels))}",
            )
    scores = label_scores(
        model, [prompt.ids for prompt in prompts], list(labels.values()), pad_token(tokenizer), batch, progress
    )
    return [
        _item(prompt.row, max(zip(own, labels, strict=True), key=lambda pair: pair[0])[1], metric, tuple(own))
        for prompt, own in zip(prompts, scores, strict=True)
    ]


def label_scores(
    model: Any, prompts: Sequence[Tokens], labels: Sequence[Tokens], pad: int, batch: int, progress: Progress
) -> list[list[float]]:
    """Per prompt, the log-probability of each label after it. One forward pass per prompt where every label is one
    token, else one per prompt and label."""
    if all(len(label) == 1 for label in labels):
        return _first_token_scores(model, prompts, [label[0] for label in labels], pad, batch, progress)
    pairs = [(number, place) for number in range(len(prompts)) for place in range(len(labels))]
    scores = [[0.0] * len(labels) for _ in prompts]
    done = 0
    for chunk in by_length([len(prompts[n]) + len(labels[k]) for n, k in pairs], batch):
        picked = [pairs[i] for i in chunk]
        for (n, k), value in zip(picked, _sums(model, [(prompts[n], labels[k]) for n, k in picked], pad), strict=True):
            scores[n][k] = value
        done += len(chunk)
        progress(done // len(labels))
    return scores


def _first_token_scores(
    model: Any, prompts: Sequence[Tokens], labels: Sequence[int], pad: int, batch: int, progress: Progress
) -> list[list[float]]:
    scores: list[list[float]] = [[] for _ in prompts]
    done = 0
    for chunk in by_length([len(prompt) for prompt in prompts], batch):
        inputs = _on(model, padded([prompts[i] for i in chunk], pad))
        logits = model(**inputs, use_cache=False, logits_to_keep=last_positions(inputs, 1)).logits[:, -1]
        chosen = logits.float().log_softmax(-1)[:, list(labels)].tolist()
        for i, own in zip(chunk, chosen, strict=True):
            scores[i] = own
        done += len(chunk)
        progress(done)
    return scores


def _sums(model: Any, rows: Sequence[tuple[Tokens, Tokens]], pad: int) -> list[float]:
    """Log-probability of each label after its prompt. Padding is on the left: labels end in the last column."""
    last = max(len(label) for _, label in rows)
    inputs = _on(model, padded([prompt + label for prompt, label in rows], pad))
    logits = model(**inputs, use_cache=False, logits_to_keep=last_positions(inputs, last + 1)).logits[:, :-1]
    logs = logits.float().log_softmax(-1)
    sums = []
    for n, (_, label) in enumerate(rows):
        at = torch.arange(last - len(label), last, device=logs.device)
        sums.append(float(logs[n, at, torch.tensor(label, device=logs.device)].sum()))
    return sums


def _by_generation(
    model: Any, tokenizer: Any, prompts: Sequence[_Prompt], evaluation: Evaluation, metric: str, progress: Progress
) -> list[Item]:
    items: dict[int, Item] = {}
    for chunk in by_length([len(prompt.ids) for prompt in prompts], evaluation.batch_size):
        texts = generate(model, tokenizer, [prompts[i].ids for i in chunk], evaluation.max_new_tokens, evaluation.stop)
        items.update({i: _item(prompts[i].row, text, metric) for i, text in zip(chunk, texts, strict=True)})
        progress(len(items))
    return [items[i] for i in range(len(prompts))]


def generate(model: Any, tokenizer: Any, prompts: Sequence[Tokens], new_tokens: int, stop: Sequence[str]) -> list[str]:
    """Greedy continuations, cut before the first stop text, white space at both ends removed."""
    inputs = _on(model, padded(prompts, pad_token(tokenizer)))
    inputs.pop("position_ids")  # `generate` counts them itself from the mask
    width = inputs["input_ids"].shape[1]
    settings = GenerationConfig(
        do_sample=False,
        max_new_tokens=new_tokens,
        eos_token_id=end_token(tokenizer),
        pad_token_id=pad_token(tokenizer),
    )
    criteria = StoppingCriteriaList([_StopText(tokenizer, stop, width)]) if stop else None
    whole = model.generate(**inputs, generation_config=settings, stopping_criteria=criteria)
    texts = tokenizer.batch_decode(whole[:, width:], skip_special_tokens=True)
    return [before_stop(text, stop).strip() for text in texts]


def before_stop(text: str, stop: Sequence[str]) -> str:
    """`text` up to the first stop text after its leading white space."""
    start = len(text) - len(text.lstrip())
    ends = [at for at in (text.find(word, start) for word in stop) if at >= 0]
    return text[: min(ends, default=len(text))]


class _StopText(StoppingCriteria):  # type: ignore[misc]
    """A row is done once its new text, leading white space aside, holds a stop text."""

    def __init__(self, tokenizer: Any, stop: Sequence[str], width: int) -> None:
        self._tokenizer, self._stop, self._width = tokenizer, tuple(stop), width

    def __call__(self, input_ids: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
        texts = self._tokenizer.batch_decode(input_ids[:, self._width :], skip_special_tokens=True)
        done = [before_stop(text, self._stop) != text for text in texts]
        return torch.tensor(done, dtype=torch.bool, device=input_ids.device)


def _item(row: Mapping[str, Any], answer: str, metric: str, scores: tuple[float, ...] = ()) -> Item:
    gold = str(row["answer"])
    return Item(
        id=str(row["id"]), gold=gold, answer=answer, correct=metrics.contribution(metric, gold, answer), scores=scores
    )


def _on(model: Any, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: part.to(model.device) for name, part in batch.items()}
