"""`trex task check`: is this task right, what does its data look like, what will the model really be trained on?

Finds every wrong row it can, not only the first. Prints nothing and changes nothing: it gives a report. The tokens
come from a child process, because this one loads no tokenizer.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec

from engine import models
from engine.errors import BadInput, MachineFailure, TrexError
from engine.executor.supervise import OFFLINE
from engine.task import Format, Task, load_task
from engine.taskdata.division import Divided
from engine.taskdata.packages import Progress
from engine.taskdata.store import label_counts, read_splits
from engine.workspace import Workspace

MOST_PROBLEMS = 20
SHOWN_ROWS = 3
PREVIEW_SECONDS = 120

Token = tuple[str, bool]  # text, supervised


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong: where (file and line), what, and the way out."""

    where: str
    what: str
    hint: str = ""

    def __str__(self) -> str:
        return str(BadInput(self.what, where=self.where, hint=self.hint))


class SplitReport(msgspec.Struct, frozen=True, kw_only=True):
    """Size and rows per label. `majority`: accuracy of always giving the most frequent label; 0 without labels."""

    rows: int
    answers: dict[str, int]
    majority: float


class ShownRow(msgspec.Struct, frozen=True, kw_only=True):
    """A train row as the model gets it. `tokens` is empty where the base model is not installed."""

    prompt: str
    answer: str
    tokens: tuple[Token, ...] = ()


class CheckReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was found. The task is usable when `problems` is empty; `notes` are facts worth knowing."""

    name: str
    fingerprint: str
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()
    splits: dict[str, SplitReport] = {}
    rows: tuple[ShownRow, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.problems


class PreviewRequest(msgspec.Struct, frozen=True, kw_only=True):
    """To `python -P -m engine.executor.preview MODEL_DIR`, as JSON on its standard input."""

    format: Format
    max_length: int
    rows: list[dict[str, str]]


class PreviewAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Its answer. `truncated`: rows that did not fit into `max_length`."""

    rows: list[list[Token]]
    truncated: int


def check_task(
    folder: Path, workspace: Workspace, *, offline: bool = True, progress: Progress = lambda *_: None
) -> CheckReport:
    """Check `folder/task.toml` (or the file itself) and all its rows. Data of a package is fetched unless `offline`."""
    root = folder.parent if folder.suffix == ".toml" else folder
    try:
        task = load_task(folder)
    except BadInput as error:
        return CheckReport(name=root.name, fingerprint="", problems=(_problem(error),))
    problems: list[Problem] = []
    notes: list[str] = []
    divided: Divided = {}
    wrong = 0

    def refuse(error: BadInput) -> None:
        nonlocal wrong
        wrong += 1
        if wrong <= MOST_PROBLEMS:
            problems.append(_problem(error))

    try:
        divided, _, notes = read_splits(task, root, workspace.cache, offline=offline, progress=progress, refuse=refuse)
    except BadInput as error:
        if not problems:  # with wrong rows left out, too few rows is no news
            problems.append(_problem(error))
    except MachineFailure as error:
        notes.append(f"the rows were not checked: {error}")
    if wrong > MOST_PROBLEMS:
        notes.append(f"{wrong:,} rows are wrong; the first {MOST_PROBLEMS} are listed")
    rows, more = _shown(task, divided, workspace)
    return CheckReport(
        name=task.name,
        fingerprint=task.fingerprint,
        problems=tuple(problems),
        notes=(*notes, *more),
        splits={split: _split(label_counts(task, found), len(found)) for split, found in divided.items()},
        rows=rows,
    )


def _problem(error: TrexError) -> Problem:
    return Problem(error.where, error.what, error.hint)


def _split(answers: dict[str, int], rows: int) -> SplitReport:
    majority = max(answers.values(), default=0) / rows if rows else 0.0
    return SplitReport(rows=rows, answers=answers, majority=majority)


def _shown(task: Task, divided: Divided, workspace: Workspace) -> tuple[tuple[ShownRow, ...], list[str]]:
    chosen = divided.get("train", [])[:SHOWN_ROWS]
    plain = tuple(ShownRow(prompt=row.prompt, answer=row.answer) for row in chosen)
    if not chosen:
        return plain, []
    request = PreviewRequest(
        format=task.format,
        max_length=task.baseline.max_length,
        rows=[{"prompt": row.prompt, "answer": row.answer} for row in chosen],
    )
    try:
        answer = preview(models.find(task.model.base, workspace.models).path, request)
    except TrexError as error:
        return plain, [f"tokens are not shown: {error}"]
    notes = []
    if answer.truncated:
        notes.append(
            f"{answer.truncated} of {len(chosen)} rows shown do not fit into max_length = {request.max_length}"
        )
    shown = zip(plain, answer.rows, strict=False)
    marked = tuple(msgspec.structs.replace(row, tokens=tuple(tokens)) for row, tokens in shown)
    return marked or plain, notes


def preview(model: Path, request: PreviewRequest) -> PreviewAnswer:
    """The rows as tokens of the model in the folder `model`. Raises MachineFailure where the child process fails."""
    command = [sys.executable, "-P", "-m", "engine.executor.preview", str(model)]
    try:
        done = subprocess.run(
            command,
            input=msgspec.json.encode(request),
            capture_output=True,
            timeout=PREVIEW_SECONDS,
            env={**os.environ, **OFFLINE},
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise MachineFailure(f"the preview took more than {PREVIEW_SECONDS} s", hint="try again") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise MachineFailure(f"the preview failed: {said[-1] if said else f'exit status {done.returncode}'}")
    try:
        return msgspec.json.decode(done.stdout, type=PreviewAnswer)
    except msgspec.MsgspecError as error:
        raise MachineFailure(f"the preview gave no readable answer: {error}") from None
