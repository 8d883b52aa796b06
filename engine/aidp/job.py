"""What stands in a data process's directory: `job.json` in, rows, examples and a report out. Types only.

Files, in the order in which they appear: `job.json` (DataJob), `lock`, `log.txt`, `progress.json` (Progress),
`answers.jsonl` (engine.aidp.writing.asking: what the language model has answered, where it was asked), `data.jsonl`
(rows as in `engine.aidp.rows`), `broken.jsonl` (engine.aidp.notes.Broken, where there are any), `samples.json`
(engine.aidp.samples, for people; older versions made none), `report.json` (DataReport), `exit.json`
(engine.jobs.Exit).
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from engine.aidp.recipe import Recipe

BROKEN, PROGRESS = "broken.jsonl", "progress.json"
ROWS, REPORT, SAMPLES = "data.jsonl", "report.json", "samples.json"
LEFT = (ROWS, SAMPLES, REPORT, BROKEN)  # what a recipe leaves in its folder, besides what it exports


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a recipe may use; 0 = no limit of its own. `memory` in bytes of address space, beside what is available
    less 2 GB. `bytes`: of text in the rows. `seconds`: of all operators together. `broken`: the share of a file's rows
    that may be unreadable.
    """

    rows: Annotated[int, Meta(ge=1, le=10_000_000)] = 200_000
    memory: Annotated[int, Meta(ge=0)] = 0
    processes: Annotated[int, Meta(ge=1, le=256)] = 1
    bytes: Annotated[int, Meta(ge=0)] = 0
    seconds: Annotated[float, Meta(ge=0.0)] = 0.0
    broken: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.05


class ModelPaths(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Models that operators may use: the base model's folder, the language model's GGUF file; "" = there is none.

    `*_sha256` name their contents: what was made with another model is not taken from the cache. `template` and
    `system`: the task's, for what the base model reads (engine.task.Format).
    """

    base_model: str = ""
    base_sha256: str = ""
    language_model: str = ""
    language_sha256: str = ""
    threads: Annotated[int, Meta(ge=0, le=1024)] = 0  # 0 = as many as there are cores
    template: Literal["plain", "chat"] = "plain"
    system: str = ""


class DataJob(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One recipe to run. Paths are absolute."""

    recipe: Recipe
    train_rows: str  # JSONL of the train split
    guards: str  # guards.json of the held-out splits
    data_root: str = ""  # the task's folder: `load` and `mix` read below its `extra/`; empty = they are refused
    prompt: str = ""  # the task's format, for files with the task's own columns
    answer: str = ""
    limits: Limits = Limits()
    models: ModelPaths = ModelPaths()
    cache: str = ""  # folder of results by fingerprint, shared by all recipes; empty = nothing is kept


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """`progress.json`, written about once a second: the operator at work, its place, how far it is."""

    operator: str
    place: int
    of: int
    done: int = 0
    total: int = 0


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One operator's work. `dropped`: rows of its input that are not in its output; `added`: the other way round."""

    operator: str
    rows_in: int
    rows_out: int
    dropped: int = 0
    added: int = 0
    seconds: float = 0.0
    broken: int = 0  # rows that could not be read, and were set aside
    cached: bool = False  # taken from an earlier recipe that began like this one; `seconds` are those of then
    note: str = ""  # what the operator says of its work as a whole
    memory: int = 0  # bytes by which the process's greatest memory grew meanwhile


class DataReport(msgspec.Struct, frozen=True, kw_only=True):
    """`report.json`: what each operator did, and the hash of the rows."""

    rows: int
    sha256: str
    steps: tuple[Step, ...]
    seconds: float  # without imports
    answers: dict[str, int] = {}  # rows per answer, the 20 most frequent
    files: tuple[str, ...] = ()  # what operators wrote, below the folder of the report
    versions: dict[str, str] = {}
