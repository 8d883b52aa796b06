"""Exporting a trial's adapter: a folder that peft loads anywhere, with a model card and checksums.

    <target>/adapter_model.safetensors, adapter_config.json     what peft needs
    <target>/tokenizer.json, ...                                where the trial kept a tokenizer
    <target>/README.md, SHA256SUMS                              model card; `sha256sum -c SHA256SUMS`

Not a merge or a conversion: the base model is named, not copied. No torch: the weights are checked by their header.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from engine import strict
from engine.errors import BadInput
from engine.files import disk_errors, expanded, sha256_file, write_atomic
from engine.models.catalogue import CATALOGUE
from engine.report.modelcard import model_card
from engine.search import events as ev
from engine.search.fold import fold
from engine.search.tree import Tree, Trial

WEIGHTS, CONFIG, CARD, SUMS = "adapter_model.safetensors", "adapter_config.json", "README.md", "SHA256SUMS"
TOKENIZER = (
    "tokenizer.json", "tokenizer_config.json", "tokenizer.model", "special_tokens_map.json", "added_tokens.json",
    "vocab.json", "merges.txt", "chat_template.jinja",
)  # fmt: skip
HUB_NAMES = {"SmolLM2-135M-Instruct": "HuggingFaceTB/SmolLM2-135M-Instruct"}  # what others call our models
MAX_HEADER = 64 * 1024 * 1024
PLACE = "with --to"


def export_adapter(
    run_dir: Path, trial: str, target: Path, records: Sequence[ev.Record], *, base: str = "", licence: str = ""
) -> Path:
    """Write the trial's adapter to the new folder `target`, whole or not at all, and return it.

    `base`: the base model's name for others (by default the hub's, else ours); `licence`: its licence, where the
    catalogue does not know it. Raises BadInput: no such trial, no adapter, a damaged one, `target` exists.
    """
    tree = fold(records)
    found = _trial(tree, trial)
    source = complete_adapter(run_dir, found)
    target = expanded(target)
    with disk_errors(target, PLACE):
        if target.exists() or target.is_symlink():
            raise BadInput("this exists already", where=str(target), hint="name a folder that does not exist yet")
    name = tree.setup.base_model
    known = CATALOGUE.get(name)
    base = base or HUB_NAMES.get(name, name)
    card = model_card(tree, found, base=base, licence=licence or (known.licence if known else ""))
    with disk_errors(target, PLACE):
        target.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
        try:
            _fill(part, source, base, card)
            part.chmod(0o755)
            part.rename(target)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
    return target


def safetensors_tensors(path: Path) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a safetensors file, from its header alone. Raises BadInput where the file is not whole."""
    size = path.stat().st_size
    with path.open("rb") as data:
        length = int.from_bytes(data.read(8), "little")
        if not 2 <= length <= min(MAX_HEADER, size - 8):
            raise BadInput("not a safetensors file: its header is cut off", where=str(path))
        header = data.read(length)
    try:
        raw: dict[str, Any] = msgspec.json.decode(header, type=dict[str, Any])
        raw.pop("__metadata__", None)
        entries = msgspec.convert(raw, dict[str, _Entry])
    except (msgspec.MsgspecError, RecursionError):
        raise BadInput("not a safetensors file: its header cannot be read", where=str(path)) from None
    end = max((entry.data_offsets[1] for entry in entries.values()), default=0)
    if not entries or end != size - 8 - length:
        raise BadInput("the weights are not complete", where=str(path), hint="run the trial again")
    return {name: entry.shape for name, entry in entries.items()}


class _Entry(msgspec.Struct, frozen=True):
    dtype: str
    shape: tuple[int, ...]
    data_offsets: tuple[int, int]


def _trial(tree: Tree, trial: str) -> Trial:
    trials = {t.id: t for n in tree.nodes.values() for t in n.trials.values()}
    if trial not in trials:
        scored = ", ".join(t.id for t in tree.scored() if t.config) or "none yet"
        raise BadInput(f"this run has no trial `{trial}`", hint=f"trials with a score: {scored}")
    return trials[trial]


def complete_adapter(run_dir: Path, trial: Trial) -> Path:
    """The trial's adapter folder, its configuration and weights readable and of one kind."""
    if trial.config is None:
        raise BadInput(f"{trial.id} is the untouched base model and has no adapter", hint="name a trained trial")
    folder = run_dir / "trials" / trial.id / "adapter"
    for name in (WEIGHTS, CONFIG):
        if not (folder / name).is_file():
            state = "is not done" if trial.score is None else "has a score, but its files are gone"
            raise BadInput(f"{trial.id} has no adapter ({name} is missing); it {state}", where=str(folder))
    tensors = safetensors_tensors(folder / WEIGHTS)
    rank = _config(folder / CONFIG).get("r")
    halves = [shape for name, shape in tensors.items() if ".lora_A." in name]
    if not halves or any(shape[0] != rank for shape in halves):
        raise BadInput("weights and configuration do not belong together (rank)", where=str(folder))
    return folder


def _config(path: Path) -> dict[str, Any]:
    return strict.from_json(path.read_bytes(), dict[str, Any], source=str(path))


def _fill(part: Path, source: Path, base: str, card: str) -> None:
    """Everything into `part`; names of this machine's folders do not leave it."""
    shutil.copyfile(source / WEIGHTS, part / WEIGHTS)
    config = {**_config(source / CONFIG), "base_model_name_or_path": base, "inference_mode": True}
    _write(part / CONFIG, msgspec.json.format(msgspec.json.encode(config), indent=2))
    for name in TOKENIZER:
        if (source / name).is_file():
            shutil.copyfile(source / name, part / name)
    if (part / "tokenizer_config.json").is_file():
        settings = {k: v for k, v in _config(part / "tokenizer_config.json").items() if not _is_local(v)}
        _write(part / "tokenizer_config.json", msgspec.json.format(msgspec.json.encode(settings), indent=2))
    _write(part / CARD, card.encode())
    names = sorted(path.name for path in part.iterdir())
    _write(part / SUMS, "".join(f"{sha256_file(part / name)}  {name}\n" for name in names).encode())


def _write(path: Path, data: bytes) -> None:
    write_atomic(path, data, mode=0o644, place=PLACE)


def _is_local(value: object) -> bool:
    """Whether a value is a path of this machine."""
    return isinstance(value, str) and re.match(r"(/|~|[A-Za-z]:\\)\S", value) is not None
