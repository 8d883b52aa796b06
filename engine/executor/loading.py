"""The base model on its device: quantised to NF4 once, cached, and loaded with one trap closed.

Not the adapter's training. TRAP: on a processor with avx512_bf16, bitsandbytes repacks 4-bit weights the first time
the model runs in evaluation mode, and a training after that is silently broken; so the flag that allows it is switched
off on every layer right after loading (tests/executor/test_trap.py).
"""

from __future__ import annotations

import importlib.metadata
import shutil
import tempfile
from pathlib import Path
from typing import Any

import bitsandbytes as bnb
import torch
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

from engine.errors import MachineFailure
from engine.executor.dense import unpack_once
from engine.executor.telemetry import say
from engine.executor.tokens import AGAIN, check_folder
from engine.files import disk_errors, fingerprint, sha256_file

COMPUTE = torch.bfloat16
EAGER_UP_TO = 256  # tokens; see docs/log.md: torch's fused attention is slow in training on a CPU with short rows
WEIGHTS = "*.safetensors"


def choose_device(wanted: str = "") -> torch.device:
    """`cpu` or `cuda` as wanted; else CUDA where it works. Raises MachineFailure: a card that has gone is no reason to
    train on the CPU for hours."""
    works = torch.cuda.is_available()
    if wanted == "cuda" and not works:
        raise MachineFailure(
            "the graphics card of this run cannot be used any more", hint="mend its driver, then resume the run"
        )
    return torch.device("cuda", 0) if works and wanted != "cpu" else torch.device("cpu")


def device_name(device: torch.device) -> str:
    """`cpu`, or the card's name."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def model_sha256(model_dir: Path) -> str:
    """Hash of the base model's weights: of the one file, or of the hashes of its parts in order of their names."""
    check_folder(model_dir)
    parts = [sha256_file(path) for path in sorted(model_dir.glob(WEIGHTS))]
    if not parts:
        raise MachineFailure("no safetensors weights here", where=str(model_dir), hint=AGAIN)
    return parts[0] if len(parts) == 1 else fingerprint(parts)


def load_base(model_dir: Path, sha256: str, cache: Path | None, device: torch.device) -> Any:
    """The base model in NF4, frozen, in evaluation mode. From `cache` where it lies there, else quantised and kept."""
    kept = cache / _cache_name(sha256) if cache else None
    if kept is None or not kept.is_dir():
        model = _load(model_dir, device, _quantisation())
        if kept is not None:
            _keep(model, kept)
    if kept is not None:
        model = _load(kept, device, None)
    closed_trap(model)
    if device.type == "cpu":
        unpack_once(model, COMPUTE)
    return model


def closed_trap(model: Any) -> Any:
    """Keep bitsandbytes from repacking weights in evaluation mode (see the top of this file)."""
    layers = [module for module in model.modules() if isinstance(module, bnb.nn.Linear4bit)]
    if not layers:
        raise MachineFailure(
            "the base model has no 4-bit layer after loading", hint="is bitsandbytes installed properly?"
        )
    for layer in layers:
        layer.support_avx512bf16_for_cpu = False
    return model


def fit_attention(model: Any, longest: int) -> None:
    """The quicker attention for rows of at most `longest` tokens: written out on a CPU with short rows, else fused."""
    eager = model.device.type == "cpu" and longest <= EAGER_UP_TO
    model.set_attn_implementation("eager" if eager else "sdpa")


def _quantisation() -> Any:
    return BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=COMPUTE, bnb_4bit_use_double_quant=False
    )


def _cache_name(sha256: str) -> str:
    """The same weights, settings and library give the same codes."""
    versions = [importlib.metadata.version(name) for name in ("bitsandbytes", "transformers")]
    return f"nf4-{fingerprint([sha256, _quantisation().to_dict(), versions])}"


def _load(folder: Path, device: torch.device, quantisation: Any) -> Any:
    try:
        model = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=COMPUTE,
            device_map={"": device},
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            **({"quantization_config": quantisation} if quantisation else {}),  # None would hide the checkpoint's own
        )
    except (OSError, ValueError) as error:
        raise MachineFailure(f"the base model cannot be read: {error}", where=str(folder), hint=AGAIN) from error
    return model.eval()


def _keep(model: Any, kept: Path) -> None:
    """Save the quantised model all at once: a killed process leaves no half of it under its name."""
    with disk_errors(kept):
        kept.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=kept.parent, prefix=f".{kept.name}."))
        try:
            model.save_pretrained(scratch)
            scratch.rename(kept)
        except OSError:
            if not kept.is_dir():  # otherwise another process was quicker
                raise
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    say(f"quantised the base model to NF4 once: {kept.name}")
