"""`trex task`: list, check, fetch, new."""

from __future__ import annotations

import argparse
import sys

from engine import taskcheck, taskdata, tasknew
from engine.errors import BadInput, TrexError
from engine.task import load_task
from engine.workspace import shipped
from trex_tui.commands.models import Progress
from trex_tui.commands.run import task_folder


def list_tasks(_options: argparse.Namespace) -> int:
    """Shipped tasks."""
    for folder in sorted(shipped("tasks").glob("*/task.toml")):
        try:
            task = load_task(folder)
            print(f"{task.name:28} {task.title or task.brief.splitlines()[0]}")
        except TrexError as error:
            print(f"{folder.parent.name:28} {error}")
    return 0


def check(options: argparse.Namespace) -> int:
    """Validate a task and show rows as the model sees them."""
    report = taskcheck.check_task(task_folder(options.task), options.space)
    for problem in report.problems:
        print(f"trex: {problem}", file=sys.stderr)
    for note in report.notes:
        print(f"note: {note}")
    for name, split in report.splits.items():
        answers = ", ".join(f"{answer} {count:,}" for answer, count in split.answers.items())
        print(
            f"{name:12} {split.rows:7,} rows"
            + (f"   {answers}; always the same answer: {split.majority:.3f}" if answers else "")
        )
    for number, row in enumerate(report.rows, 1):
        print(f"\nrow {number} as the model sees it (what it learns stands between » and «):\n{marked(row)}")
    print(f"\n{report.name}: " + ("fine" if report.ok else f"{len(report.problems)} to mend"))
    return 0 if report.ok else BadInput.exit_code


def marked(row: taskcheck.ShownRow) -> str:
    """The row's text with its supervised tokens marked; plain where the base model is not installed."""
    if not row.tokens:
        return f"{row.prompt}»{row.answer}«"
    parts: list[str] = []
    inside = False
    for text, supervised in row.tokens:
        if supervised != inside:
            parts.append("»" if supervised else "«")
            inside = supervised
        parts.append(text)
    return "".join(parts) + ("«" if inside else "")


def fetch(options: argparse.Namespace) -> int:
    """Fetch a task's data and make its splits; done already is done."""
    folder = task_folder(options.task)
    task = load_task(folder)
    options.space.create()
    progress = Progress()
    splits = taskdata.materialise(
        task, folder, options.space, offline=False, progress=lambda done, total: progress("fetching data", done, total)
    )
    sizes = ", ".join(f"{name} {info.rows:,}" for name, info in taskdata.verify(splits).splits.items())
    print(f"{task.name}: {sizes} rows in {splits}")
    return 0


def new(options: argparse.Namespace) -> int:
    """Make a task from a data file."""
    prompt, answer = (text and text.replace("\\n", "\n") for text in (options.prompt, options.answer))
    path = tasknew.new_task(options.folder, options.data, prompt=prompt, answer=answer, name=options.name)
    print(f"{path}\nnext: trex task check {options.folder}")
    return 0
