"""What a client may ask of the engine, and when it is refused. Each accepted command is an event.

Here: starting a run, its report, the status. What a person may do to a run that is there: `engine.steering`.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from engine import hardware, models, steering, taskdata
from engine.control import protocol as p
from engine.errors import BadInput
from engine.files import disk_errors, fingerprint, write_json
from engine.limits import limits_of
from engine.report import make
from engine.search.events import RunCreated
from engine.search.policies import policy_named
from engine.search.reward import NORMALISERS
from engine.task import Task, load_task

if TYPE_CHECKING:
    from engine.service import Engine


async def carry_out(engine: Engine, command: p.Command) -> p.Reply:
    """Check, record, reply. Raises BadInput or MachineFailure; then nothing was changed."""
    match command:
        case p.StartRun():
            return await start_run(engine, command)
        case p.MakeReport():
            return await make_report(engine, command)
        case p.GetStatus():
            return p.Reply(
                id=command.id, ok=True, text=engine.activity, run=engine.active.name if engine.active else ""
            )
        case p.Shutdown():
            raise AssertionError("handled by the engine itself")
        case _:
            return steering.carry_out(engine, command)


async def start_run(engine: Engine, command: p.StartRun) -> p.Reply:
    """Check everything that can be checked now, make the run's folder, record it: the queue is the journal."""
    task = load_task(Path(command.task), command.changes)
    limits = limits_of(task.budget, datetime.now(), rounds=command.rounds, wall=command.wall, ahead=engine.clock.ahead)
    researcher = command.researcher or task.model.researcher
    policy_named(command.policy)
    if command.normaliser not in NORMALISERS:
        raise BadInput(f"no normaliser `{command.normaliser}`", hint=f"choose one of {', '.join(NORMALISERS)}")
    base = await asyncio.to_thread(models.find, task.model.base, engine.workspace.models)
    _must_be(base, "base")
    if researcher != "none":
        _must_be(models.find(researcher, engine.workspace.models), "researcher")
    folder = Path(command.task).resolve()
    folder = folder.parent if folder.suffix == ".toml" else folder  # the task's file itself was named
    splits = await asyncio.to_thread(taskdata.materialise, task, folder, engine.workspace, offline=True)
    manifest = await asyncio.to_thread(taskdata.verify, splits)
    event = RunCreated(
        task=task.name,
        title=task.title,
        task_path=str(folder),
        task_fingerprint=task.fingerprint,
        metric=task.metric.name,
        maximize=task.metric.direction == "maximize",
        base_model=task.model.base,
        researcher=researcher,
        policy=command.policy,
        normaliser=command.normaliser,
        seed=command.seed,
        **msgspec.structs.asdict(limits),
        trials_per_round=task.budget.trials_per_round,
        confirm_candidates=task.budget.confirm_candidates,
        exploration=command.exploration,
        memory=command.memory,
        by=command.by,
        versions=hardware.versions(),
        hardware=hardware.describe(),
        splits=str(splits),
        manifest=fingerprint(manifest),
        model_sha256=base.weights_sha256,
        confirm_items=manifest.splits["confirm"].rows,
        test_items=manifest.splits["test"].rows,
    )
    name = _new_name(engine, task)
    run = engine.workspace.run(name)
    with disk_errors(run):
        run.mkdir(parents=True, mode=0o700)
        # The task as it is now, its settings changed or not: later edits of the file are for later runs.
        write_json(run / "task.json", task)
    engine.record(name, event)
    return p.Reply(id=command.id, ok=True, text=f"{name} is queued", run=name)


def _must_be(model: models.Installed, kind: models.Kind) -> None:
    """Raises BadInput for a model of the other kind: one is trained, the other thinks."""
    if model.kind != kind:
        what = {"base": "a base model to train", "researcher": "a GGUF for the Researcher"}
        raise BadInput(
            f"{model.name} is {what[model.kind]}, not {what[kind]}", hint="`trex models list` shows the kinds"
        )


def _new_name(engine: Engine, task: Task) -> str:
    """`<task>-1`, `-2`, ...: no name is used twice, and no folder of an earlier attempt is written into."""
    number = 1 + sum(tree.setup.task == task.name for tree in engine.trees.values())
    while f"{task.name}-{number}" in engine.trees or engine.workspace.run(f"{task.name}-{number}").exists():
        number += 1
    return f"{task.name}-{number}"


async def make_report(engine: Engine, command: p.MakeReport) -> p.Reply:
    """Write the report again from what is there. A running search writes its own at its end."""
    tree = engine.tree(command.run)
    if tree.created is None:
        raise BadInput(f"{command.run} has not begun")
    target = engine.workspace.report(command.run)
    await asyncio.to_thread(make.make_report, engine.workspace, command.run)
    return p.Reply(id=command.id, ok=True, text=str(target / "report.md"), run=command.run)
