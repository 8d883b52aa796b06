"""The base model, before any training: how many tokens a text has, and how surprising an answer is.

Rows become tokens exactly as in training (`engine.executor.render`): the prompt and the answer apart, then joined, so
that the loss is that of the answer's own tokens and nothing else; no end-of-sequence token is counted. A prompt that is
too long loses its left end, as in training. Full precision and no quantisation, so that neighbours in a batch change a
loss by rounding only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from engine.errors import MachineFailure, ResourceFailure
from engine.executor.batches import last_positions, padded
from engine.executor.failures import is_out_of_memory
from engine.executor.render import Tokens, answer_tokens, pad_token, prompt_tokens
from engine.executor.tokens import AGAIN, load_tokenizer
from engine.task import Format

Progress = Callable[[int, int], None]
PLAIN = Format(prompt="{prompt}")

READS = 1_024  # tokens of a row at most, or as many as the model was made for
WINDOW = 4_096  # rows that are tokens at the same time, and that are sorted by length together
BATCH = 4_096  # tokens in one pass
LOGITS = 2**25  # numbers that the model gives in one pass (128 MB)


class BaseTokens:
    """Counts by the base model's tokenizer, without anything a chat template or the tokenizer itself would add."""

    def __init__(self, folder: Path) -> None:
        self.name = f"tokens of {folder.name}"
        self._tokenizer = load_tokenizer(folder)

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text."""
        if not texts:
            return []
        return [len(ids) for ids in self._tokenizer(list(texts), add_special_tokens=False)["input_ids"]]


class _Pair(NamedTuple):
    """A row as tokens; `scored`: how many of the last ones are judged."""

    at: int
    ids: Tokens
    scored: int


class BaseLosses:
    """Losses under the base model, in float32 on the CPU.

    The device belongs to whoever holds its lease, and the memory limit of a data process rules CUDA out; a program that
    uses this alone may name another `device`, where the weights are bfloat16.
    """

    def __init__(self, folder: Path, form: Format = PLAIN, *, threads: int = 0, device: str = "cpu") -> None:
        """`form`: the task's template and system text; its prompt and answer have been filled in already."""
        self.name = f"losses of {folder.name}"
        self._folder, self._form, self._threads, self._device = folder, form, threads, device
        self._tokenizer = load_tokenizer(folder)
        self._pad = pad_token(self._tokenizer)

    def losses(
        self,
        pairs: Sequence[tuple[str, str]],
        progress: Progress = lambda _done, _total: None,
        *,
        batch: int = BATCH,
    ) -> list[float]:
        """Mean loss per answer token in nats, one per (prompt, answer); nan where there is none (see the protocol).

        `batch`: tokens in one pass. Raises MachineFailure (no such model), ResourceFailure (too little memory).
        """
        import torch

        found = [math.nan] * len(pairs)
        with torch.inference_mode(), _memory():
            for start in range(0, len(pairs), WINDOW):
                rows = [
                    row for at in range(start, min(start + WINDOW, len(pairs))) if (row := self._pair(at, *pairs[at]))
                ]
                done = start
                for chunk in self._chunks(rows, batch):
                    progress(done, len(pairs))
                    for row, loss in zip(chunk, self._pass(chunk), strict=True):
                        found[row.at] = loss
                    done += len(chunk)
        progress(len(pairs), len(pairs))
        return found

    @cached_property
    def _model(self) -> Any:
        import torch
        from transformers import AutoModelForCausalLM

        if self._threads:
            torch.set_num_threads(self._threads)
        try:
            model = AutoModelForCausalLM.from_pretrained(
                self._folder,
                dtype=torch.float32 if self._device == "cpu" else torch.bfloat16,
                device_map={"": self._device},
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
            )
        except (OSError, ValueError) as error:
            what = f"the base model cannot be read: {error}"
            raise MachineFailure(what, where=str(self._folder), hint=AGAIN) from error
        return model.eval()

    @cached_property
    def _reads(self) -> int:
        return min(READS, int(getattr(self._model.config, "max_position_embeddings", 0) or READS))

    def _pair(self, at: int, prompt: str, answer: str) -> _Pair | None:
        """None where nothing of the answer can be judged. Fits and is cut where training would do it."""
        tail = answer_tokens(answer, self._tokenizer)
        room = self._reads - len(tail) - 1  # training adds an end-of-sequence token
        if not tail or room < 2:
            return None
        head, _ = prompt_tokens({"prompt": prompt}, self._form, self._tokenizer, room)
        scored = len(tail) if head else len(tail) - 1  # nothing foretells a first token
        return _Pair(at, head + tail, scored) if scored else None

    def _chunks(self, rows: Sequence[_Pair], batch: int) -> list[list[_Pair]]:
        """Rows of like length together, longest first, as many as fit into one pass."""
        vocabulary = self._model.config.get_text_config().vocab_size
        chunks: list[list[_Pair]] = []
        most = 0  # judged tokens of a row in the last chunk
        for row in sorted(rows, key=lambda row: -len(row.ids)):
            most = max(most, row.scored)
            size = len(chunks[-1]) + 1 if chunks else 1
            if size == 1 or size * len(chunks[-1][0].ids) > batch or size * (most + 1) * vocabulary > LOGITS:
                chunks.append([row])
                most = row.scored
            else:
                chunks[-1].append(row)
        return chunks

    def _pass(self, rows: Sequence[_Pair]) -> list[float]:
        """One pass. Padding is on the left: answers end in the last column."""
        import torch

        last = max(row.scored for row in rows)
        inputs = {name: value.to(self._device) for name, value in padded([row.ids for row in rows], self._pad).items()}
        logits = self._model(**inputs, use_cache=False, logits_to_keep=last_positions(inputs, last + 1)).logits
        logits = logits[:, :-1].float()
        targets = inputs["input_ids"][:, -last:]
        losses = logits.logsumexp(-1) - logits.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
        judged = torch.arange(last, 0, -1, device=losses.device) <= torch.tensor(
            [[row.scored] for row in rows], device=losses.device
        )
        return [float(loss) for loss in losses.where(judged, 0.0).double().sum(1) / judged.sum(1)]


@contextmanager
def _memory() -> Iterator[None]:
    """Turns what allocators say into our words."""
    try:
        yield
    except (RuntimeError, MemoryError, OSError) as error:
        if not is_out_of_memory(error):
            raise
        raise ResourceFailure("the base model needs more memory than there is", hint="leave out what asks it") from None
