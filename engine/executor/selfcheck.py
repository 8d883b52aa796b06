"""A guard against the worst silent fault seen here: an evaluation that breaks the training that follows it.

The loss and the gradient of one training batch must be the same before and after judging. Checked once per model and
set of library versions; the proof is a file beside the NF4 checkpoint. See the TRAP in `engine.executor.loading`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from engine.errors import MachineFailure
from engine.executor.loading import fit_attention
from engine.executor.telemetry import say
from engine.executor.training import answer_loss
from engine.files import fingerprint, write_json

Probe = Callable[[], tuple[float, float]]


def training_probe(model: Any, batch: dict[str, torch.Tensor], seed: int = 0) -> tuple[float, float]:
    """Loss and gradient norm of one batch in training mode. Weights, gradients, random numbers stay as they were."""
    inputs = {name: part.to(model.device) for name, part in batch.items()}
    fit_attention(model, inputs["input_ids"].shape[1])  # judging may have chosen another
    labels = inputs.pop("labels")
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    was_training = model.training
    model.train()
    devices = [model.device] if model.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        loss = answer_loss(model, inputs, labels)
        # Broken layers give no gradient at all: that must show, not raise.
        gradients = torch.autograd.grad(loss, weights, allow_unused=True) if loss.requires_grad else ()
    model.train(was_training)
    norm = math.sqrt(sum(float(part.float().pow(2).sum()) for part in gradients if part is not None))
    return float(loss.detach()), norm


def refuse_changed(before: tuple[float, float], after: tuple[float, float]) -> None:
    """Raises MachineFailure where judging changed what training sees (loss and gradient norm; 0.1% allowed)."""
    same = all(math.isclose(a, b, rel_tol=1e-3, abs_tol=1e-6) for a, b in zip(before, after, strict=True))
    if not same:
        raise MachineFailure(
            f"judging changed the model: loss and gradient of one batch were {before[0]:.4f} and {before[1]:.4f}, "
            f"now {after[0]:.4f} and {after[1]:.4f}",
            hint="bitsandbytes cannot be trusted on this machine; see the TRAP in engine/executor/loading.py",
        )


class Guard:
    """Remembers, in the cache folder, for which model and versions the check has passed."""

    def __init__(self, cache: Path | None, sha256: str, versions: dict[str, str], device: str) -> None:
        self._proof = cache / f"checked-{fingerprint([sha256, versions, device])}.json" if cache else None

    @property
    def needed(self) -> bool:
        return self._proof is None or not self._proof.exists()

    def around(self, probe: Probe, work: Callable[[], Any]) -> Any:
        """Do `work` (the judging) with the check around it, where it has not passed before."""
        if not self.needed:
            return work()
        before = probe()
        done = work()
        refuse_changed(before, probe())
        if self._proof is not None:
            write_json(self._proof, {"loss": before[0], "gradient": before[1]})
        say("checked: judging leaves training as it was")
        return done
