"""What stands in a data process's directory: `job.json` in, rows, examples and a report out. Types only.

Files, in the order in which they appear: `job.json` (DataJob), `lock`, `log.txt`, `data.jsonl` (rows `{"id",
"prompt", "answer", "source"}`), `samples.json` (engine.aidp.samples, for people; older versions made none),
`report.json` (DataReport), `exit.json` (engine.jobs.Exit).
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from engine.aidp.recipe import Recipe


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a recipe may use. `memory` in bytes of address space; 0 = what is available less 2 GB."""

    rows: Annotated[int, Meta(ge=1, le=10_000_000)] = 200_000
    memory: Annotated[int, Meta(ge=0)] = 0
    processes: Annotated[int, Meta(ge=1, le=256)] = 1


class DataJob(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One recipe to run. Paths are absolute."""

    recipe: Recipe
    train_rows: str  # JSONL of the train split
    guards: str  # guards.json of the held-out splits
    data_root: str = ""  # the task's folder: `load` and `mix` read below its `extra/`; empty = they are refused
    prompt: str = ""  # the task's format, for files with the task's own columns
    answer: str = ""
    limits: Limits = Limits()


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One operator's work. `dropped`: rows of its input that are not in its output; `added`: the other way round."""

    operator: str
    rows_in: int
    rows_out: int
    dropped: int = 0
    added: int = 0
    seconds: float = 0.0


class DataReport(msgspec.Struct, frozen=True, kw_only=True):
    """`report.json`: what each operator did, and the hash of the rows."""

    rows: int
    sha256: str
    steps: tuple[Step, ...]
    seconds: float  # without imports
    answers: dict[str, int] = {}  # rows per answer, the 20 most frequent
    versions: dict[str, str] = {}
