"""`trex run` and `trex quickstart`: start a search, watch it to its report."""

from __future__ import annotations

import argparse
from pathlib import Path

from engine.control import protocol as p
from engine.errors import BadInput, MachineFailure
from engine.files import expanded, is_file
from engine.workspace import Workspace, shipped
from trex_tui.actions import person
from trex_tui.commands.engine import ask, ensure
from trex_tui.commands.interface import terminal
from trex_tui.commands.past import closing_lines, trees
from trex_tui.commands.watch import watch
from trex_tui.forms.toml import quoted

QUICKSTART = "movie_sentiment"


def run(options: argparse.Namespace) -> int:
    """Start a search; then the interface, or progress lines, or nothing."""
    folder = task_folder(options.task)
    ensure(options.space)
    command = p.StartRun(
        id=1,
        task=str(folder),
        by=person(),
        policy=options.policy,
        normaliser=options.normaliser,
        researcher=options.researcher,
        seed=options.seed,
        rounds=options.rounds,
        wall=options.budget,
        memory=options.memory,
        changes=changes(options.set),
    )
    reply = ask(options.space, command)
    if options.detach:
        print(f"{reply.text}; look at it with: trex attach {reply.run}")
        return 0
    if options.headless or not terminal():
        return watch(options.space, reply.run)
    return _interface(options.space, reply.run)


def changes(given: list[str]) -> dict[str, str]:
    """`budget.rounds=5` as a name and a value; a bare word is a text. Raises BadInput."""
    pairs = [text.partition("=") for text in given]
    wrong = next((text for text, (name, equals, _) in zip(given, pairs, strict=True) if not (name and equals)), None)
    if wrong is not None:
        raise BadInput(f"`{wrong}` sets nothing", where="--set", hint="write table.field=value")
    return {name.strip(): quoted(value.strip()) for name, _, value in pairs}


def quickstart(options: argparse.Namespace) -> int:
    """The shipped search, with all it needs. Where one is there, show it and say how to start another."""
    prepare(options.space)
    if options.prepare:
        return 0
    there = [name for name, tree in trees(options.space).items() if tree.setup.task == QUICKSTART]
    if not there or options.new:
        for name, value in vars(_defaults(options.headless)).items():
            setattr(options, name, value)
        return run(options)
    ensure(options.space)
    if not options.headless and terminal():
        return _interface(options.space, there[-1])
    tree = trees(options.space)[there[-1]]
    if tree.state == "running":
        return watch(options.space, there[-1])
    print(f"{there[-1]} is there already ({tree.state}). Another search: make run NEW=1, or: trex run {QUICKSTART}")
    for text in closing_lines(options.space, there[-1]):
        print(text)
    return 0 if tree.state in ("done", "stopped", "paused") else 1


def prepare(workspace: Workspace) -> None:
    """Fetch what the quickstart needs and is not there: two models, one data set. Raises MachineFailure."""
    from engine import models, taskdata
    from engine.task import load_task
    from trex_tui.commands.models import Progress

    folder = task_folder(QUICKSTART)
    task = load_task(folder)
    workspace.create()
    for name in (task.model.base, task.model.researcher):
        try:
            models.find(name, workspace.models)
        except MachineFailure:
            models.pull(name, workspace.models, cache_dir=workspace.cache, progress=Progress())
    if not workspace.splits(task.name, task.fingerprint).exists():
        show = Progress()
        taskdata.materialise(
            task, folder, workspace, offline=False, progress=lambda done, total: show("fetching data", done, total)
        )


def _defaults(headless: bool) -> argparse.Namespace:
    from trex_tui.arguments import parser

    return parser().parse_args(["run", QUICKSTART, *(["--headless"] if headless else [])])


def _interface(workspace: Workspace, run: str) -> int:
    from trex_tui.app import run_interface

    return run_interface(workspace, run)


def task_folder(name: str) -> Path:
    """A task's folder: as a path, or by the name of a shipped task. Raises BadInput."""
    path = expanded(Path(name))
    for folder in (path, shipped("tasks") / name):
        if is_file(folder / "task.toml"):
            return folder.resolve()
    if path.name == "task.toml" and is_file(path):
        return path.parent.resolve()
    raise BadInput(f"no task `{name}`", hint="give a folder with a task.toml, or a name from `trex task list`")
