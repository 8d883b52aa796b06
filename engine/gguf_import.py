"""A child process: one GGUF file in, one Hugging Face checkpoint folder out, proven equal before it counts.

    python -P -m engine.gguf_import SOURCE.gguf OUT_DIR

The folder holds `config.json`, `generation_config.json`, bfloat16 safetensors and the tokenizer with its chat
template; `AutoModelForCausalLM.from_pretrained(OUT_DIR)` loads it without a network. It appears whole or not at all.
Needs about eight bytes of memory per parameter. Not a quantiser and not the way back to GGUF.

Exit codes are those of `engine.errors`; the last line on stderr is the sentence for the person.
"""

from __future__ import annotations

import os

os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
os.environ.update(CUDA_VISIBLE_DEVICES="", TQDM_DISABLE="1")  # the device belongs to the trials; stderr is a log

import shutil
import sys
import tempfile
import traceback
from contextlib import closing
from pathlib import Path
from typing import Any

import torch
from gguf import GGUFReader
from llama_cpp import Llama
from safetensors import SafetensorError
from tokenizers import pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils.logging import disable_progress_bar

from engine.errors import BadInput, MachineFailure, ResourceFailure, TrexError
from engine.executor.limits import cap_memory, yield_to_others
from engine.files import disk_errors

PROMPT = "The capital of France is Paris. 12 + 30 = 42, and the review was good:"
# Digits after two spaces, contractions, accents, other scripts: where pre-tokenizers differ.
PROBES = (
    PROMPT,
    "  1 and\n 23\t456",
    "It's I'LL we've x2y3",
    "naïve café, 日本語 \U0001f389",
    " \n\n  indented\t ",
    "a" * 40,
)
# bfloat16 keeps 8 bits of a weight; over 30 layers that moved SmolLM2's logits by 0.6% of their spread.
TOLERANCE = 0.05


def convert(source: Path, target: Path) -> None:
    """Write `target` from `source`. Raises BadInput for a file transformers cannot read, MachineFailure where the
    written checkpoint does not answer as the GGUF does."""
    with disk_errors(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    try:
        tokenizer, model = _load(source)
        expected = _logits(model, tokenizer)
        with disk_errors(target):
            _save(model, tokenizer, part)
        del model
        _compare(expected, part, source)
        with disk_errors(target):
            part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _load(source: Path) -> tuple[Any, Any]:
    """Tokenizer and float32 model; weights are dequantised by transformers."""
    where: dict[str, Any] = {"gguf_file": source.name, "trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(source.parent, **where)
        model = AutoModelForCausalLM.from_pretrained(source.parent, dtype=torch.float32, **where)
    except Exception as error:  # whatever a parser of foreign files raises
        if _memory_ran_out(error):
            raise
        raise BadInput(
            f"transformers cannot read this GGUF file ({_first_line(error)})",
            where=str(source),
            hint="import the model as a folder with safetensors, config.json and tokenizer instead",
        ) from error
    if tokenizer.eos_token_id is None:
        raise BadInput("the GGUF file names no end-of-text token", where=str(source), hint="import another file")
    _mend_tokenizer(tokenizer, source)
    return tokenizer, model.eval()


def _mend_tokenizer(tokenizer: Any, source: Path) -> None:
    """transformers drops SmolLM's first step, single digits, and then splits white space before digits differently:
    293 of 2,000 random strings. llama.cpp's reading of the same file is the reference for all models."""
    field = GGUFReader(source).get_field("tokenizer.ggml.pre")
    if field is not None and field.contents() == "smollm":
        steps = [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
        tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps)
    with closing(Llama(str(source), vocab_only=True, verbose=False)) as reference:
        expected = [reference.tokenize(text.encode(), add_bos=False, special=True) for text in PROBES]
    for text, tokens in zip(PROBES, expected, strict=True):
        if tokens != tokenizer(text, add_special_tokens=False).input_ids:
            raise BadInput(
                f"transformers and llama.cpp read {text!r} as different tokens with this GGUF file's tokenizer",
                where=str(source),
                hint="import the model as a folder with safetensors, config.json and tokenizer instead",
            )


def _save(model: Any, tokenizer: Any, folder: Path) -> None:
    """Save as an ordinary, unquantised checkpoint: the loaded model still calls itself GGUF-quantised."""
    config = model.config
    del config.quantization_config
    config.dtype = torch.bfloat16
    config.eos_token_id = tokenizer.eos_token_id
    config.pad_token_id = tokenizer.pad_token_id
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
        config.pad_token_id = tokenizer.eos_token_id
    tokenizer.model_max_length = config.max_position_embeddings
    for key in ("is_local", "local_files_only"):  # where it was loaded from is nobody's business later
        tokenizer.init_kwargs.pop(key, None)
    with torch.device("meta"):
        plain = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    state = {name: value.to(torch.bfloat16) for name, value in model.state_dict().items()}
    plain.load_state_dict(state, strict=True, assign=True)
    plain.tie_weights()
    plain.generation_config = model.generation_config
    plain.generation_config.eos_token_id = config.eos_token_id
    plain.generation_config.pad_token_id = config.pad_token_id
    try:
        plain.save_pretrained(folder, safe_serialization=True)
    except SafetensorError as error:  # not an OSError, though a full disk is its usual cause
        what = f"the checkpoint cannot be written ({error})"
        raise MachineFailure(what, where=str(folder), hint="free some space and start again") from error
    tokenizer.save_pretrained(folder)


def _compare(expected: torch.Tensor, folder: Path, source: Path) -> None:
    """The checkpoint, loaded as anybody would, must answer as the GGUF did."""
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, trust_remote_code=False)
    found = _logits(model.eval(), tokenizer)
    if found.shape != expected.shape:
        raise MachineFailure("the converted tokenizer reads text differently", where=str(source))
    error = distance(expected, found)
    if not error <= TOLERANCE:
        raise MachineFailure(
            f"the converted model answers differently (logits off by {error:.2f} of their spread)", where=str(source)
        )


def distance(expected: torch.Tensor, found: torch.Tensor) -> float:
    """Root mean square difference of two sets of logits, as a share of the expected ones' standard deviation."""
    return float((expected - found).square().mean().sqrt() / expected.std())


def _logits(model: Any, tokenizer: Any) -> torch.Tensor:
    """Next-token logits at every position of the prompt: (tokens, vocabulary)."""
    with torch.inference_mode():
        logits: torch.Tensor = model(**tokenizer(PROMPT, return_tensors="pt")).logits[0].float()
    return logits


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def main(arguments: list[str]) -> int:
    """Returns the exit code; every failure a person can act on is one line on stderr."""
    disable_progress_bar()
    yield_to_others()
    try:
        cap_memory()
        if len(arguments) != 2:
            raise BadInput("usage: python -P -m engine.gguf_import SOURCE.gguf OUT_DIR")
        convert(Path(arguments[0]).resolve(), Path(arguments[1]).absolute())
    except TrexError as error:
        return _say(error)
    except (MemoryError, RuntimeError) as error:
        if not _memory_ran_out(error):
            raise
        return _say(ResourceFailure("not enough memory to convert this model", hint="close other programs"))
    return 0


def _memory_ran_out(error: BaseException) -> bool:
    """torch's CPU allocator has no exception type of its own."""
    return isinstance(error, MemoryError) or "can't allocate memory" in str(error)


def _say(error: TrexError) -> int:
    traceback.print_exc()
    sys.stderr.write(f"{error}\n")
    return error.exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
