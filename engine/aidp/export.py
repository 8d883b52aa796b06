"""Rows as files that other programs read: one for each split, a description beside them, and a card for people.

A folder is written whole or not at all, and never over another one.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet
from datasets import Dataset, DatasetDict

from engine.aidp.card import card
from engine.aidp.context import Context
from engine.aidp.kinds.output import Export, ExportFormat
from engine.aidp.rows import BATCH, column
from engine.errors import IdeaFailure
from engine.files import disk_errors, sync

Row = Mapping[str, Any]
ONLY = "train"  # the split's name where there is no column `split`


def _user(row: Row) -> dict[str, str]:
    return {"role": "user", "content": row["prompt"]}


def _assistant(row: Row) -> dict[str, str]:
    return {"role": "assistant", "content": row["answer"]}


LINES: dict[ExportFormat, Callable[[Row], dict[str, Any]]] = {
    "jsonl": lambda row: dict(row),
    "trl_prompt_completion": lambda row: {"prompt": row["prompt"], "completion": row["answer"]},
    "trl_messages": lambda row: {"messages": [_user(row), _assistant(row)]},
    "llamafactory_alpaca": lambda row: {"instruction": row["prompt"], "input": "", "output": row["answer"]},
    "llamafactory_sharegpt": lambda row: {
        "conversations": [{"from": "human", "value": row["prompt"]}, {"from": "gpt", "value": row["answer"]}]
    },
}
"""What a row becomes in the formats that are JSON lines."""

INFO: dict[ExportFormat, dict[str, Any]] = {
    "llamafactory_alpaca": {
        "formatting": "alpaca",
        "columns": {"prompt": "instruction", "query": "input", "response": "output"},
    },
    "llamafactory_sharegpt": {
        "formatting": "sharegpt",
        "columns": {"messages": "conversations"},
        "tags": {"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt"},
    },
}
"""An entry of LLaMA-Factory's dataset_info.json, without its `file_name`."""


def write(rows: Dataset, op: Export, context: Context) -> Path:
    """The folder that was made. Raises IdeaFailure for a path that leads out or is taken, MachineFailure."""
    target = _target(context.out, op.path)
    with disk_errors(target, "with `path`"):
        target.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
        try:
            files = _files(made, rows, op.format, context)
            if op.format in INFO:
                entries = {_entry(op, split): {"file_name": file, **INFO[op.format]} for split, file in files.items()}
                (made / "dataset_info.json").write_bytes(msgspec.json.format(msgspec.json.encode(entries)) + b"\n")
            if op.card:
                (made / "README.md").write_text(card(rows, op, files, context), encoding="utf-8")
            made.chmod(0o755)
            sync(made)
            made.rename(target)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise
    return target


def _target(out: Path | None, path: str) -> Path:
    if out is None:
        raise IdeaFailure("there is no folder to write to", where="export")
    target = (out / path).resolve()
    if Path(path).is_absolute() or target == out.resolve() or not target.is_relative_to(out.resolve()):
        raise IdeaFailure(f"`{path}` leads out of the output folder", where="export", hint="name a folder inside it")
    if target.exists():
        hint = "choose another `path`, or another output folder"
        raise IdeaFailure(f"`{path}` is there already, and nothing is written over", where="export", hint=hint)
    return target


def splits(rows: Dataset) -> dict[str, Dataset]:
    """The rows of each split, without the column that says so."""
    if "split" not in rows.column_names:
        return {ONLY: rows}
    places: dict[str, list[int]] = {}
    for at, name in enumerate(column(rows, "split")):
        places.setdefault(name, []).append(at)
    plain = rows.remove_columns("split")
    return {name: plain.select(found) for name, found in places.items()}


def _files(folder: Path, rows: Dataset, format: ExportFormat, context: Context) -> dict[str, str]:
    """What was written, by split."""
    parts = splits(rows)
    if format == "datasets":
        several = "split" in rows.column_names
        (DatasetDict(parts) if several else rows).save_to_disk(str(folder))
        return {split: f"{split}/" if several else "." for split in parts}
    suffix = "parquet" if format == "parquet" else "jsonl"
    names = {split: f"{split}.{suffix}" for split in parts}
    done = 0
    for split, part in parts.items():
        path = folder / names[split]
        for count in _parquet(path, part) if format == "parquet" else _lines(path, part, LINES[format]):
            done += count
            context.progress(done, len(rows))
    return names


def _lines(path: Path, rows: Dataset, line: Callable[[Row], dict[str, Any]]) -> Iterator[int]:
    encode = msgspec.json.encode
    with path.open("wb") as file:
        for batch in rows.with_format("arrow").iter(BATCH):
            file.write(b"".join(encode(line(row)) + b"\n" for row in batch.to_pylist()))
            yield batch.num_rows


def _parquet(path: Path, rows: Dataset) -> Iterator[int]:
    schema = rows.data.schema.remove_metadata()
    with pa.parquet.ParquetWriter(str(path), schema) as writer:
        for batch in rows.with_format("arrow").iter(BATCH):
            writer.write_table(batch.cast(schema))
            yield batch.num_rows


def _entry(op: Export, split: str) -> str:
    """A name for LLaMA-Factory: `movies_train`."""
    return f"{Path(op.path).name}_{split}"
