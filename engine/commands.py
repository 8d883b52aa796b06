"""What a client may ask of the engine, and when it is refused. Each accepted command is an event."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from engine import hardware, models, taskdata
from engine.control import protocol as p
from engine.errors import BadInput
from engine.files import disk_errors, fingerprint, write_json
from engine.report import make
from engine.search.events import Flag, FlagSet, RunCreated, RunResumed, StopAsked
from engine.search.policies import policy_named
from engine.search.reward import NORMALISERS
from engine.search.tree import ROOT, Tree
from engine.task import Task, load_task, seconds

if TYPE_CHECKING:
    from engine.service import Engine


async def carry_out(engine: Engine, command: p.Command) -> p.Reply:
    """Check, record, reply. Raises BadInput or MachineFailure; then nothing was changed."""
    match command:
        case p.StartRun():
            return await start_run(engine, command)
        case p.SetFlag():
            return set_flag(engine, command)
        case p.StopRun():
            return stop_run(engine, command)
        case p.MakeReport():
            return await make_report(engine, command)
        case p.GetStatus():
            return p.Reply(
                id=command.id, ok=True, text=engine.activity, run=engine.active.name if engine.active else ""
            )
        case p.Shutdown():
            raise AssertionError("handled by the engine itself")


async def start_run(engine: Engine, command: p.StartRun) -> p.Reply:
    """Check everything that can be checked now, make the run's folder, record it: the queue is the journal."""
    task = load_task(Path(command.task), command.changes)
    researcher = command.researcher or task.model.researcher
    policy_named(command.policy)
    if command.normaliser not in NORMALISERS:
        raise BadInput(f"no normaliser `{command.normaliser}`", hint=f"choose one of {', '.join(NORMALISERS)}")
    base = await asyncio.to_thread(models.find, task.model.base, engine.workspace.models)
    _must_be(base, "base")
    if researcher != "none":
        _must_be(models.find(researcher, engine.workspace.models), "researcher")
    folder = Path(command.task).resolve()
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
        wall_seconds=seconds(command.wall or task.budget.wall),
        rounds=command.rounds or task.budget.rounds,
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


def set_flag(engine: Engine, command: p.SetFlag) -> p.Reply:
    tree = engine.tree(command.run)
    if command.flag not in get_args(Flag):
        raise BadInput(f"no flag `{command.flag}`", hint=f"choose one of {', '.join(get_args(Flag))}")
    if command.node not in tree.nodes:
        raise BadInput(f"no node `{command.node}` in {command.run}")
    _refuse_stale(tree, command)
    if command.node == ROOT and command.flag == "paused" and not command.on and tree.state == "paused":
        # The engine paused the run itself (a machine failure); a person's resume lifts that too.
        engine.record(command.run, RunResumed(by=command.by))
        if "paused" not in tree.nodes[ROOT].flags:
            return p.Reply(id=command.id, ok=True, text=f"{command.run} goes on", run=command.run)
    flag: Flag = command.flag  # type: ignore[assignment]
    engine.record(command.run, FlagSet(node=command.node, flag=flag, on=command.on, by=command.by))
    done = {
        ("paused", True): "paused",
        ("paused", False): "resumed",
        ("pruned", True): "pruned",
        ("pruned", False): "restored",
    }
    verb = done.get((command.flag, command.on), command.flag if command.on else f"not {command.flag} any more")
    return p.Reply(id=command.id, ok=True, text=f"{command.node} and what is below it: {verb}", run=command.run)


def _refuse_stale(tree: Tree, command: p.SetFlag) -> None:
    """Commands that would mean nothing any more."""
    node = tree.nodes[command.node]
    if tree.state in ("done", "stopped", "failed") and command.flag != "pinned":
        raise BadInput(f"{command.run} has ended ({tree.state}); a new run can be started instead")
    if command.flag == "pruned" and command.node == ROOT:
        raise BadInput("the base model cannot be pruned", hint="stop the run instead")
    machine_pause = command.node == ROOT and command.flag == "paused" and tree.state == "paused"
    if (command.flag in node.flags) == command.on and not (machine_pause and not command.on):
        state = command.flag if command.on else f"not {command.flag}"
        raise BadInput(f"{command.node} is {state} already")


def stop_run(engine: Engine, command: p.StopRun) -> p.Reply:
    tree = engine.tree(command.run)
    if tree.state in ("done", "stopped", "failed"):
        raise BadInput(f"{command.run} has ended ({tree.state}) already")
    if tree.stop_by:
        raise BadInput(f"{command.run} is being stopped already")
    if tree.paused:
        raise BadInput(f"{command.run} is paused", hint="resume it first, so that what is done can be confirmed")
    engine.record(command.run, StopAsked(by=command.by))
    return p.Reply(
        id=command.id, ok=True, text=f"{command.run} ends: confirming and testing what is done", run=command.run
    )


async def make_report(engine: Engine, command: p.MakeReport) -> p.Reply:
    """Write the report again from what is there. A running search writes its own at its end."""
    tree = engine.tree(command.run)
    if tree.created is None:
        raise BadInput(f"{command.run} has not begun")
    target = engine.workspace.report(command.run)
    await asyncio.to_thread(make.make_report, engine.workspace, command.run)
    return p.Reply(id=command.id, ok=True, text=str(target / "report.md"), run=command.run)
