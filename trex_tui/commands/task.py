"""`trex task`: list, check, fetch, new."""

from __future__ import annotations

import argparse

from engine import taskcheck, taskdata, tasknew
from engine.errors import TrexError
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
    print(taskcheck.check_task(task_folder(options.task), options.space).text())
    return 0


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
    path = tasknew.new_task(
        options.folder, options.data, prompt=options.prompt, answer=options.answer, name=options.name
    )
    print(f"{path}\nnext: trex task check {options.folder}")
    return 0
