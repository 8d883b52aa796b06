"""The base model's tokenizer, loaded without the model. Not its use (`engine.executor.render`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.errors import MachineFailure

AGAIN = "fetch the model again with `trex models pull`"


def load_tokenizer(model_dir: Path) -> Any:
    """The model's tokenizer. Raises MachineFailure where the folder is missing or broken."""
    check_folder(model_dir)
    from transformers import AutoTokenizer  # seconds of imports: not before the folder is known to be there

    try:
        return AutoTokenizer.from_pretrained(model_dir, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise MachineFailure(f"the tokenizer cannot be read: {error}", where=str(model_dir), hint=AGAIN) from error


def check_folder(model_dir: Path) -> None:
    """Raises MachineFailure where no model lies in the folder."""
    if not (model_dir / "config.json").is_file():
        raise MachineFailure("the base model is missing", where=str(model_dir), hint=AGAIN)
