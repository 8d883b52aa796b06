"""From a row to tokens: one rendering for training, evaluation and the preview of `trex task check`.

The prompt and the answer are tokenised apart and joined, so what is supervised is exact: every token of the answer
and the end-of-sequence token, nothing of the prompt. Not the filling of `{fields}` (`engine.taskdata`): a row arrives
with its `prompt` and `answer` as text. Loads no model; needs a tokenizer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from engine.errors import BadInput, IdeaFailure
from engine.task import Format

IGNORED = -100  # label of a token that is not supervised

Tokens = list[int]


class Example(NamedTuple):
    """One training row: `ids` = prompt + answer + end of sequence; the last `supervised` of them carry the loss."""

    ids: Tokens
    supervised: int

    @property
    def labels(self) -> Tokens:
        """`ids` with the prompt masked."""
        prompt = len(self.ids) - self.supervised
        return [IGNORED] * prompt + self.ids[prompt:]


class Examples(NamedTuple):
    """Training rows, and what became of those that were too long."""

    rows: list[Example]
    cut: int  # prompts shortened from the left
    dropped: int  # rows whose answer alone does not fit


def render(row: Mapping[str, Any], form: Format, tokenizer: Any) -> str:
    """The text before the answer: system text and prompt, plain or in the model's chat template. Raises BadInput."""
    prompt = str(row["prompt"])
    if form.template == "plain":
        return f"{form.system}\n\n{prompt}" if form.system else prompt
    if not getattr(tokenizer, "chat_template", None):
        raise BadInput(
            "the base model has no chat template", where="[format] template", hint='write template = "plain"'
        )
    turns = [{"role": "system", "content": form.system}] if form.system else []
    turns.append({"role": "user", "content": prompt})
    return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))


def prompt_tokens(row: Mapping[str, Any], form: Format, tokenizer: Any, room: int) -> tuple[Tokens, bool]:
    """At most `room` tokens of the rendered prompt, and whether it was cut. What goes is the left end, after the
    beginning-of-sequence token: the question is usually at the end."""
    ids = _encode(tokenizer, render(row, form, tokenizer))
    head = [tokenizer.bos_token_id] if form.template == "plain" and _adds_bos(tokenizer) else []
    if len(head) + len(ids) <= room:
        return head + ids, False
    return head + ids[len(ids) - max(0, room - len(head)) :], True


def answer_tokens(answer: str, tokenizer: Any) -> Tokens:
    """The answer's own tokens, without end of sequence: the same in training and in judging."""
    return _encode(tokenizer, answer)


def examples(rows: Iterable[Mapping[str, Any]], form: Format, tokenizer: Any, max_length: int) -> Examples:
    """Training rows of at most `max_length` tokens. Raises IdeaFailure where none is left."""
    made: list[Example] = []
    cut = dropped = 0
    for row in rows:
        tail = [*answer_tokens(str(row["answer"]), tokenizer), end_token(tokenizer)]
        room = max_length - len(tail)
        if room < 2:
            dropped += 1
            continue
        prompt, shortened = prompt_tokens(row, form, tokenizer, room)
        cut += shortened
        made.append(Example(prompt + tail, len(tail)))
    if not made:
        raise IdeaFailure(
            f"no training row fits: each answer alone needs more than {max_length} tokens, or there is no row"
        )
    return Examples(made, cut, dropped)


class Preview(msgspec.Struct, frozen=True):
    """Per row, the text of each token and whether it is supervised; `truncated`: rows cut or dropped for length."""

    rows: list[list[tuple[str, bool]]]
    truncated: int


def preview(rows: Iterable[Mapping[str, Any]], form: Format, tokenizer: Any, max_length: int) -> Preview:
    """What training would see of each row. A row that does not fit at all shows no token."""
    shown: list[list[tuple[str, bool]]] = []
    truncated = 0
    for row in rows:
        try:
            made = examples([row], form, tokenizer, max_length)
        except IdeaFailure:
            shown.append([])
            truncated += 1
            continue
        example = made.rows[0]
        marked = zip(example.ids, example.labels, strict=True)
        shown.append([(tokenizer.decode([token]), label != IGNORED) for token, label in marked])
        truncated += made.cut
    return Preview(shown, truncated)


def end_token(tokenizer: Any) -> int:
    """The token that ends an answer. Raises BadInput where the tokenizer has none."""
    if tokenizer.eos_token_id is None:
        raise BadInput("the base model's tokenizer has no end-of-sequence token", hint="choose another base model")
    return int(tokenizer.eos_token_id)


def pad_token(tokenizer: Any) -> int:
    """A token to fill batches with; it is always masked, so the end token will do."""
    return int(end_token(tokenizer) if tokenizer.pad_token_id is None else tokenizer.pad_token_id)


def _encode(tokenizer: Any, text: str) -> Tokens:
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def _adds_bos(tokenizer: Any) -> bool:
    """Whether the tokenizer itself would put a beginning-of-sequence token before plain text."""
    return tokenizer.bos_token_id is not None and list(tokenizer("a")["input_ids"][:1]) == [tokenizer.bos_token_id]
