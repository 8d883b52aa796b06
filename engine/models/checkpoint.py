"""A folder that claims to be a base model, checked before a byte of it is used: config, weights, tokenizer.

Headers and names only. Not a loader, and no code or pickle of the folder is ever touched.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import msgspec

from engine.errors import BadInput

KEPT = {".json", ".safetensors", ".jinja", ".txt", ".model"}  # weights, tokenizer, configuration; no pickle, no code
OURS = "model.json"  # a name that the models folder needs for itself
TOKENIZERS = {"tokenizer.json", "tokenizer.model", "vocab.json"}
MAX_JSON = 64 * 1024 * 1024  # bytes
LAYOUT = "a base model's folder holds config.json, *.safetensors and tokenizer.json"


def checkpoint_files(folder: Path) -> list[Path]:
    """The files of a causal language model worth keeping. Raises BadInput where it cannot be one."""
    _check_config(folder)
    files = sorted(path for path in folder.iterdir() if path.suffix in KEPT and path.is_file() and path.name != OURS)
    names = {path.name for path in files}
    if not any(name.endswith(".safetensors") for name in names):
        raise BadInput("no *.safetensors in this folder", where=str(folder), hint="pickled weights are never loaded")
    if not names & TOKENIZERS:
        raise BadInput("no tokenizer in this folder", where=str(folder), hint=LAYOUT)
    _check_shards(folder, names)
    return files


def _check_config(folder: Path) -> None:
    config = _json_object(folder / "config.json")
    architectures = config.get("architectures")
    if not isinstance(architectures, list) or not any(str(a).endswith("ForCausalLM") for a in architectures):
        raise BadInput("not a causal language model by its config.json", where=str(folder), hint=LAYOUT)
    if "auto_map" in config:
        raise BadInput(
            "this model needs code of its own, which is never run here", where=str(folder), hint="choose another model"
        )
    if "quantization_config" in config:
        raise BadInput(
            "this checkpoint is already quantised", where=str(folder), hint="import the original in 16 or 32 bits"
        )


def safetensors_parameters(path: Path) -> int:
    """Elements in a safetensors file, its header checked against its size. Raises BadInput.
    Format: header length (8 bytes, little-endian), JSON header with offsets, data."""
    size = path.stat().st_size
    with path.open("rb") as source:
        length = int.from_bytes(source.read(8), "little")
        if not 2 <= length <= min(size - 8, MAX_JSON):
            raise BadInput("not a safetensors file, or a damaged one", where=str(path), hint="get the file again")
        raw = source.read(length)
    try:
        header = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        tensors = [msgspec.json.decode(entry, type=_Tensor) for key, entry in header.items() if key != "__metadata__"]
    except (msgspec.MsgspecError, RecursionError):
        raise BadInput("the safetensors header is damaged", where=str(path), hint="get the file again") from None
    if any(_impossible(tensor) for tensor in tensors):
        raise BadInput("a tensor's shape does not fit its bytes", where=str(path), hint="get the file again")
    needed = 8 + length + max((tensor.data_offsets[1] for tensor in tensors), default=0)
    if size < needed:
        raise BadInput(f"the file is cut short: {size:,} bytes of {needed:,}", where=str(path), hint="get it again")
    return sum(math.prod(tensor.shape) for tensor in tensors)


class _Tensor(msgspec.Struct):
    dtype: str
    shape: list[int]
    data_offsets: tuple[int, int]


def _impossible(tensor: _Tensor) -> bool:
    """Sizes below nothing, or more than eight elements in a byte."""
    begin, end = tensor.data_offsets
    return min(begin, *tensor.shape, 0) < 0 or math.prod(tensor.shape) > 8 * (end - begin)


def _check_shards(folder: Path, names: set[str]) -> None:
    """Every shard that a sharded checkpoint names must be there."""
    if "model.safetensors.index.json" not in names:
        return
    index = _json_object(folder / "model.safetensors.index.json")
    shards = index.get("weight_map")
    wanted = {str(shard) for shard in shards.values()} if isinstance(shards, dict) else set()
    if missing := sorted(wanted - names):
        raise BadInput(
            f"{missing[0]} is missing ({len(missing)} of {len(wanted)} shards)", where=str(folder), hint=LAYOUT
        )


def _json_object(path: Path) -> dict[str, Any]:
    if not path.is_file() or path.stat().st_size > MAX_JSON:
        raise BadInput(f"no {path.name} of a sensible size here", where=str(path.parent), hint=LAYOUT)
    try:
        value = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise BadInput("not valid JSON", where=str(path), hint="get the file again") from None
    if not isinstance(value, dict):
        raise BadInput("not a JSON object", where=str(path), hint="get the file again")
    return value
