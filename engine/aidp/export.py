"""Rows as files that other programs read: one for each split, a description beside them, and a card for people.

A folder is written whole or not at all, and never over another one.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet
from datasets import Dataset, DatasetDict

from engine.aidp.card import card
from engine.aidp.chats import TURNS, Chats, systems
from engine.aidp.context import Context
from engine.aidp.job import LEFT
from engine.aidp.kinds.output import Export, ExportFormat
from engine.aidp.rows import BATCH, column
from engine.errors import IdeaFailure
from engine.files import disk_errors, sync

Row = Mapping[str, Any]
ONLY = "train"  # the split's name where there is no column `split`, or nothing in it
_SPLIT = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")


LINES: dict[ExportFormat, Callable[[Chats, Row], dict[str, Any]]] = {
    "jsonl": lambda _, row: dict(row),
    "trl_prompt_completion": lambda _, row: {"prompt": row["prompt"], "completion": row["answer"]},
    "trl_messages": lambda chats, row: chats.messages(row),
    "llamafactory_alpaca": lambda _, row: {"instruction": row["prompt"], "input": "", "output": row["answer"]},
    "llamafactory_sharegpt": lambda chats, row: chats.sharegpt(row),
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
"""An entry of LLaMA-Factory's dataset_info.json, without its `file_name` and without the `system` of some rows."""


def write(rows: Dataset, op: Export, context: Context) -> Path:
    """The folder that was made. Raises IdeaFailure for a path that leads out or is taken, MachineFailure."""
    target = _target(context.out, op.path)
    with disk_errors(target, "with `path`"):
        target.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=target.parent, prefix=".export."))
        try:
            parts = splits(rows)
            chats = Chats(system=op.format == "llamafactory_sharegpt" and _has_systems(rows))
            files = _files(made, rows, parts, op.format, chats, context)
            context.notes.note = _glued(rows) if op.format == "trl_prompt_completion" else chats.note
            if op.format in INFO:
                info = _info(op.format, chats)
                entries = {_entry(op, split): {"file_name": file, **info} for split, file in files.items()}
                (made / "dataset_info.json").write_bytes(msgspec.json.format(msgspec.json.encode(entries)) + b"\n")
            if op.card:
                (made / "README.md").write_text(card(rows, op, files, _counts(parts), context), encoding="utf-8")
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
    try:
        home, target = out.resolve(), (out / path).resolve()
        taken = target.exists()
    except (OSError, ValueError):
        what = f"`{path}` cannot be a folder's name"
        raise IdeaFailure(what, where="export", hint="use a short, plain one") from None
    if Path(path).is_absolute() or target == home or not target.is_relative_to(home):
        raise IdeaFailure(f"`{path}` leads out of the output folder", where="export", hint="name a folder inside it")
    if target.relative_to(home).parts[0] in LEFT:
        what = f"`{path}` is the name of a file that every recipe leaves"
        raise IdeaFailure(what, where="export", hint="choose another `path`")
    if taken:
        hint = "choose another `path`, or another output folder"
        raise IdeaFailure(f"`{path}` is there already, and nothing is written over", where="export", hint=hint)
    return target


def splits(rows: Dataset) -> dict[str, Dataset]:
    """The rows of each split, without the column that says so; rows that came in without one, as from a file that was
    mixed in, belong to `train`. Raises IdeaFailure where there is no such split, or a name is no file's.
    """
    if "split" not in rows.column_names:
        return {ONLY: rows}
    places: dict[str, list[int]] = {}
    for at, name in enumerate(column(rows, "split")):
        places.setdefault(name or "", []).append(at)
    if lost := places.pop("", []):
        if ONLY not in places:
            what = f"{len(lost):,} rows have no split, and there is no split `{ONLY}` for them"
            raise IdeaFailure(what, where="export", hint="let `split` come after what brings rows in")
        places[ONLY] = sorted(places[ONLY] + lost)
    if wrong := [name for name in places if not _SPLIT.fullmatch(name)]:
        raise IdeaFailure(f"`{wrong[0]}` cannot be a split's name", where="export", hint="use letters, digits and _")
    plain = rows.remove_columns("split")
    return {name: plain.select(found) for name, found in places.items()}


def _counts(parts: Mapping[str, Dataset]) -> dict[str, int]:
    return {split: len(part) for split, part in parts.items()}


def _files(
    folder: Path,
    rows: Dataset,
    parts: Mapping[str, Dataset],
    format: ExportFormat,
    chats: Chats,
    context: Context,
) -> dict[str, str]:
    """What was written, by split."""
    if format == "datasets":
        several = "split" in rows.column_names
        (DatasetDict(parts) if several else rows).save_to_disk(str(folder))
        return {split: f"{split}/" if several else "." for split in parts}
    suffix = "parquet" if format == "parquet" else "jsonl"
    names = {split: f"{split}.{suffix}" for split in parts}
    done = 0
    for split, part in parts.items():
        path = folder / names[split]
        for count in _parquet(path, part) if format == "parquet" else _lines(path, part, partial(LINES[format], chats)):
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


def _has_systems(rows: Dataset) -> bool:
    return TURNS in rows.column_names and systems(column(rows, TURNS))


def _info(format: ExportFormat, chats: Chats) -> dict[str, Any]:
    """Rows without a system text have an empty one where others have some."""
    info = INFO[format]
    return {**info, "columns": {**info["columns"], "system": "system"}} if chats.system else info


def _glued(rows: Dataset) -> str:
    """What to say of rows that TRL would put together without anything between prompt and completion."""
    pairs = zip(column(rows, "prompt"), column(rows, "answer"), strict=True)
    count = sum(not prompt[-1:].isspace() and not answer[:1].isspace() for prompt, answer in pairs)
    if not count:
        return ""
    return (
        f"{count:,} rows have no white space between prompt and completion, which TRL puts right behind one another: "
        '`template` with the answer " {answer}" before `export` parts them'
    )


def _entry(op: Export, split: str) -> str:
    """A name for LLaMA-Factory: `movies_train`."""
    return f"{Path(op.path).name}_{split}"
