"""The models of a chat: one base model in 4 bits, with and without its adapter, answering token by token.

Loaded and prompted as trials are judged (`engine.executor.evaluate`), so what is seen here is what was measured. Not
the process around it (`engine.chat.__main__`).
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from safetensors import SafetensorError
from transformers import GenerationConfig, StoppingCriteria, StoppingCriteriaList

from engine.aidp.text import fill, placeholders
from engine.chat.messages import Answered, Ask, Done, End, FromChild, Opening, Piece, Who
from engine.errors import BadInput, MachineFailure
from engine.executor.evaluate import before_stop, label_scores
from engine.executor.loading import fit_attention, load_base, model_sha256
from engine.executor.render import Tokens, answer_tokens, end_token, pad_token, prompt_tokens
from engine.executor.tokens import load_tokenizer
from engine.task import Format, label_texts

WEIGHTS = "adapter_model.safetensors"
SEPARATOR = "|"  # between the columns of a template with several

Say = Callable[[FromChild], None]


class Speaker:
    """`halt`, once set, ends the answer that is being given."""

    def __init__(self, opening: Opening, device: torch.device, halt: threading.Event) -> None:
        """Loads the models. Raises MachineFailure."""
        folder = Path(opening.model_dir)
        self._opening, self._halt = opening, halt
        if (
            opening.adapter and not (Path(opening.adapter) / WEIGHTS).is_file()
        ):  # peft would take a pickled file instead
            raise MachineFailure("the adapter is missing", where=opening.adapter)
        self._tokenizer = load_tokenizer(folder)
        self._model = load_base(folder, model_sha256(folder), Path(opening.cache), device)
        if opening.adapter:
            self._model = _with_adapter(self._model, Path(opening.adapter))
        self._model.eval()

    def answer(self, ask: Ask, say: Say) -> None:
        """The tuned model's answer, then the base model's. Raises BadInput for a prompt that cannot be given."""
        self._halt.clear()
        prompt = self._prompt(ask)
        voices: tuple[Who, ...] = ("tuned", "base") if self._opening.adapter else ("base",)
        for who in voices:
            with self._voice(who), torch.inference_mode():
                say(self._speak(ask, who, prompt, say))
            if self._halt.is_set():
                break
        say(Answered(id=ask.id))

    @contextlib.contextmanager
    def _voice(self, who: Who) -> Iterator[None]:
        if who == "base" and self._opening.adapter:
            with self._model.disable_adapter():
                yield
        else:
            yield

    def _prompt(self, ask: Ask) -> Tokens:
        """The prompt's tokens, cut on the left where the model has no room for it and the answer."""
        form = Format(prompt="{text}") if ask.raw else self._opening.format
        text = ask.text if ask.raw else filled(form.prompt, ask.text)
        longest = int(getattr(self._model.config, "max_position_embeddings", 0) or 2**20)
        if ask.length >= longest:
            raise BadInput(f"the model has room for {longest} tokens in all", hint="ask for a shorter answer")
        tokens, _ = prompt_tokens({"prompt": text}, form, self._tokenizer, longest - ask.length)
        if not tokens:
            raise BadInput("the prompt is empty", hint="write something")
        fit_attention(self._model, len(tokens) + ask.length)
        return tokens

    def _speak(self, ask: Ask, who: Who, prompt: Tokens, say: Say) -> Done:
        began = time.monotonic()
        judged = {} if ask.raw else self._judged(prompt)
        stop = () if ask.raw else self._opening.evaluation.stop
        voice = _Voice(self._tokenizer, stop, lambda text: say(Piece(id=ask.id, who=who, text=text)))
        if ask.temperature:
            torch.manual_seed(ask.seed)
        inputs = torch.tensor([prompt], device=self._model.device)
        self._model.generate(
            input_ids=inputs,
            attention_mask=torch.ones_like(inputs),
            generation_config=self._settings(ask),
            stopping_criteria=StoppingCriteriaList([_Enough(voice, self._halt)]),
            streamer=voice,
        )
        end: End = "halted" if self._halt.is_set() else "length" if voice.count >= ask.length else "end"
        end = "end" if voice.stopped else end
        return Done(id=ask.id, who=who, tokens=voice.count, seconds=time.monotonic() - began, end=end, judged=judged)

    def _settings(self, ask: Ask) -> GenerationConfig:
        sampled = {"do_sample": True, "temperature": ask.temperature} if ask.temperature else {"do_sample": False}
        return GenerationConfig(
            max_new_tokens=ask.length,
            eos_token_id=end_token(self._tokenizer),
            pad_token_id=pad_token(self._tokenizer),
            **sampled,
        )

    def _judged(self, prompt: Tokens) -> dict[str, float]:
        """How likely each of the task's labels is, beside the others; {} where it has none."""
        if self._opening.evaluation.mode != "label_likelihood":
            return {}
        texts = label_texts(self._opening.evaluation, self._opening.format)
        tokens = [answer_tokens(text, self._tokenizer) for text in texts.values()]
        (scores,) = label_scores(self._model, [prompt], tokens, pad_token(self._tokenizer), 1, lambda _: None)
        shares = torch.tensor(scores).softmax(0).tolist()
        return dict(zip(texts, shares, strict=True))


def filled(template: str, text: str) -> str:
    """The task's prompt with what was typed: into its one column, or into several, parted by `|`. Raises BadInput."""
    columns = list(dict.fromkeys(placeholders(template)))
    parts = [text] if len(columns) == 1 else [part.strip() for part in text.split(SEPARATOR)]
    if len(parts) != len(columns):
        named = f" {SEPARATOR} ".join(columns)
        raise BadInput(f"the task's prompt has {len(columns)} columns", hint=f"write {named}, or leave the template")
    return fill(template, dict(zip(columns, parts, strict=True)))


def _with_adapter(model: Any, folder: Path) -> Any:
    try:
        return PeftModel.from_pretrained(model, str(folder), local_files_only=True)
    except (OSError, ValueError, SafetensorError) as error:
        raise MachineFailure(f"the adapter cannot be read: {error}", where=str(folder)) from error


class _Voice:
    """What `generate` tells of each token, as text that only grows. Satisfies transformers' streamers."""

    def __init__(self, tokenizer: Any, stop: Sequence[str], say: Callable[[str], None]) -> None:
        self._tokenizer, self._stop, self._say = tokenizer, stop, say
        self._ids: list[int] = []
        self._said = 0  # letters
        self._prompt_seen = False
        self.stopped = False  # a stop text came

    @property
    def count(self) -> int:
        return len(self._ids)

    def put(self, ids: torch.Tensor) -> None:
        if not self._prompt_seen:
            self._prompt_seen = True
            return
        self._ids += ids.flatten().tolist()
        whole = self._tokenizer.decode(self._ids, skip_special_tokens=True)
        text = before_stop(whole, self._stop)
        self.stopped = self.stopped or text != whole
        if not text.endswith("\ufffd"):  # half of a letter; its other bytes come with the next token
            self._tell(text)

    def end(self) -> None:
        self._tell(before_stop(self._tokenizer.decode(self._ids, skip_special_tokens=True), self._stop))

    def _tell(self, text: str) -> None:
        if text[self._said :]:
            self._say(text[self._said :])
            self._said = len(text)


class _Enough(StoppingCriteria):  # type: ignore[misc]
    """A stop text came, or somebody does not want to hear more."""

    def __init__(self, voice: _Voice, halt: threading.Event) -> None:
        self._voice, self._halt = voice, halt

    def __call__(self, input_ids: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
        enough = self._voice.stopped or self._halt.is_set()
        return torch.full((input_ids.shape[0],), enough, dtype=torch.bool, device=input_ids.device)
