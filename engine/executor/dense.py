"""On a CPU, unpack the 4-bit weights once, not in every pass: same codes, same arithmetic, 1.4 times as quick.

bitsandbytes unpacks a layer's codes to bf16 for each forward and again for each backward pass. With the short steps
of a CPU that is as much work as the products themselves. What is kept is exactly what it would make: outputs and
gradients equal to the last bit (tests/executor/test_dense.py), so scores do not change. Not for CUDA, where the
memory that 4 bits save is the point.
"""

from __future__ import annotations

from typing import Any

import bitsandbytes as bnb
import psutil
import torch
from bitsandbytes.functional import dequantize_4bit

from engine.executor.telemetry import say

SHARE = 0.25  # of the available memory, at most


class UnpackedLinear4bit(bnb.nn.Linear4bit):  # type: ignore[misc]
    """A 4-bit layer that multiplies by its weights as they were unpacked by `unpack_once`."""

    dense: torch.Tensor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`x` [..., in] to [..., out], computed in the type of the unpacked weights."""
        product = torch.nn.functional.linear(x.to(self.dense.dtype), self.dense, self.bias)
        return product.to(x.dtype)


def unpack_once(model: Any, compute: torch.dtype) -> None:
    """Turn the 4-bit layers of a model on the CPU into unpacked ones, where the memory allows it."""
    layers = [module for module in model.modules() if type(module) is bnb.nn.Linear4bit]
    needed = sum(layer.in_features * layer.out_features for layer in layers) * compute.itemsize
    available = psutil.virtual_memory().available
    if needed > SHARE * available:
        say(f"4-bit weights stay packed: unpacked they take {needed / 2**30:.1f} of {available / 2**30:.1f} GiB")
        return
    for layer in layers:
        dense = dequantize_4bit(layer.weight.data, layer.weight.quant_state).to(compute)
        # Past torch's bookkeeping: it is derived from the codes, and must be neither saved nor moved nor trained.
        object.__setattr__(layer, "dense", dense)
        layer.__class__ = UnpackedLinear4bit
