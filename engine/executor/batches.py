"""Which rows go together, in what order, and how they become one padded batch.

Not the training loop. The whole order of a training is drawn ahead from the seed alone, so that a resumed training
goes on with the very row that was next. Batches are padded on the LEFT: then every answer ends in the last column,
and training and judging ask the model for the logits of the last few positions only.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engine.executor.render import IGNORED, Example, Tokens

if TYPE_CHECKING:
    import torch

WINDOW = 32  # batches drawn together and sorted by length: little padding, and still a random order


def training_order(lengths: Sequence[int], *, count: int, batch: int, seed: int) -> list[int]:
    """`count` row numbers: pass after pass over all rows, each pass in a new random order.

    Within windows of 32 batches rows of like length are put together and the batches shuffled, longest first in the
    first window, so that a training that does not fit into memory fails at once.
    """
    draw = random.Random(seed)
    stream: list[int] = []
    while len(stream) < count:
        rows = list(range(len(lengths)))
        draw.shuffle(rows)
        stream += rows
    stream = stream[:count]
    order: list[int] = []
    for start in range(0, count, WINDOW * batch):
        order += _grouped(stream[start : start + WINDOW * batch], lengths, batch, draw)
    first = _longest_batch(order, lengths, batch)
    return order[first : first + batch] + order[:first] + order[first + batch :]


def _grouped(rows: list[int], lengths: Sequence[int], batch: int, draw: random.Random) -> list[int]:
    """Rows of like length in one batch; whole batches in random order, an incomplete one last."""
    ranked = sorted(rows, key=lambda row: lengths[row])
    whole = len(ranked) - len(ranked) % batch
    chunks = [ranked[i : i + batch] for i in range(0, whole, batch)]
    draw.shuffle(chunks)
    return [row for chunk in chunks for row in chunk] + ranked[whole:]


def _longest_batch(order: Sequence[int], lengths: Sequence[int], batch: int) -> int:
    """Where the batch with the longest row starts, among whole batches (0 where there is none)."""
    starts = range(0, len(order) - batch + 1, batch)
    return max(starts, key=lambda start: max(lengths[row] for row in order[start : start + batch]), default=0)


def by_length(lengths: Sequence[int], batch: int) -> list[list[int]]:
    """Row numbers in batches for judging: longest first, so that memory is asked for at once."""
    ranked = sorted(range(len(lengths)), key=lambda row: (-lengths[row], row))
    return [ranked[i : i + batch] for i in range(0, len(ranked), batch)]


def padded(rows: Sequence[Tokens], pad: int) -> dict[str, torch.Tensor]:
    """Rows as `input_ids`, `attention_mask` and `position_ids` [batch, longest], padded on the left.

    Positions count from each row's own first token, so a row's result does not depend on its neighbours.
    """
    import torch

    width = max(len(row) for row in rows)
    ids = torch.tensor([[pad] * (width - len(row)) + row for row in rows])
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
    return {"input_ids": ids, "attention_mask": mask, "position_ids": (mask.cumsum(1) - 1).clamp(min=0)}


def last_positions(inputs: Mapping[str, torch.Tensor], count: int) -> torch.Tensor:
    """The last `count` columns of a batch, for a model's `logits_to_keep`.

    As indices, not as a number: the slice a number makes is not contiguous, and torch then copies the output layer's
    weights for every row (judging took 4.7 times as long).
    """
    import torch

    ids = inputs["input_ids"]
    return torch.arange(ids.shape[1] - count, ids.shape[1], device=ids.device)


class Collator:
    """Training examples to one batch, labels included (masked tokens: -100)."""

    def __init__(self, pad: int) -> None:
        self.pad = pad

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """`rows` carry `input_ids` and `supervised`."""
        import torch

        batch = padded([list(row["input_ids"]) for row in rows], self.pad)
        width = batch["input_ids"].shape[1]
        labels = [Example(list(row["input_ids"]), row["supervised"]).labels for row in rows]
        batch["labels"] = torch.tensor([[IGNORED] * (width - len(row)) + row for row in labels])
        return batch
