"""Weights unpacked once give what packed ones give, to the last bit, forward and backward; and nothing else changes."""

from pathlib import Path
from typing import Any

import bitsandbytes as bnb
import pytest
import torch

from engine.executor import dense, loading

CPU = torch.device("cpu")


def passed(model: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits [2, 6, vocabulary] and the gradient at the embeddings."""
    ids = torch.arange(12).reshape(2, 6)
    embedded = model.get_input_embeddings()(ids).detach().requires_grad_()
    logits = model(inputs_embeds=embedded).logits
    logits.float().logsumexp(-1).mean().backward()
    return logits.detach(), embedded.grad


def packed(model_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    with monkeypatch.context() as patch:
        patch.setattr(dense, "SHARE", 0.0)
        return loading.load_base(model_dir, "sha", None, CPU)


def test_outputs_and_gradients_are_equal_to_the_last_bit(model_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow, quick = packed(model_dir, monkeypatch), loading.load_base(model_dir, "sha", None, CPU)
    assert not any(isinstance(m, dense.UnpackedLinear4bit) for m in slow.modules())
    assert any(isinstance(m, dense.UnpackedLinear4bit) for m in quick.modules())
    for ours, theirs in zip(passed(quick), passed(slow), strict=True):
        assert torch.equal(ours, theirs)


def test_what_is_unpacked_is_neither_a_parameter_nor_saved(model_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow, quick = packed(model_dir, monkeypatch), loading.load_base(model_dir, "sha", None, CPU)
    assert quick.state_dict().keys() == slow.state_dict().keys()
    assert all(isinstance(m, bnb.nn.Linear4bit) for m in quick.modules() if "Linear4bit" in type(m).__name__)
