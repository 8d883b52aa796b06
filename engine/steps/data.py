"""Data: run a node's recipe once, in a data process, and journal what came of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from engine import jobs, taskdata
from engine.aidp.job import DataJob, DataReport
from engine.errors import TrexError
from engine.files import read_regular, sha256_file, write_json
from engine.search.events import DataReady, Failed, Noted
from engine.steps import restore
from engine.steps.context import Run
from engine.strict import from_json

MODULE = "engine.aidp"


async def prepare(run: Run, node: str) -> None:
    """Start the data process, or wait for the one an earlier engine started; then read its report."""
    plan = run.tree.nodes[node].plan
    assert plan is not None, "data is prepared for planned nodes"
    folder = run.workspace.node(run.name, node)
    run.doing(f"{node} prepares its data")
    job = DataJob(
        recipe=plan.recipe,
        train_rows=str(taskdata.split_path(run.splits, "train")),
        guards=str(taskdata.guards_path(run.splits)),
        data_root=str(run.task_folder),
        prompt=run.task.format.prompt,
        answer=run.task.format.answer,
    )
    try:
        restore.keep(run, node, plan)  # a fork's plan came with its event
        if not jobs.is_alive(folder) and (jobs.outcome(folder) is None or not _same(folder / "job.json", job)):
            write_json(folder / "job.json", job)
            run.processes.start(MODULE, folder)
        end = await _followed(run, folder)
        if end is None:
            run.record(Failed(node=node, kind="machine", cause="the data process was killed"))
        elif end.state != "done":
            (folder / jobs.EXIT).unlink(missing_ok=True)
            run.record(Failed(node=node, kind=end.kind or "machine", cause=end.cause))
        else:
            path = folder / "report.json"
            report = from_json(read_regular(path), DataReport, source=str(path))
            run.record(
                DataReady(
                    node=node,
                    rows=report.rows,
                    dropped=tuple((step.operator, step.dropped) for step in report.steps),
                    seconds=report.seconds,
                    sha256=report.sha256,
                )
            )
    except (TrexError, OSError) as error:
        run.record(Failed(node=node, kind="machine", cause=str(error)))


def is_lost(run: Run, node: str) -> bool:
    """Whether the node's rows were made and are gone, or are others by now."""
    made = run.tree.nodes[node]
    if made.plan is None or not made.data_sha256:
        return False
    try:
        return sha256_file(run.workspace.node(run.name, node) / "data.jsonl") != made.data_sha256
    except OSError:
        return True


async def prepare_again(run: Run, node: str) -> None:
    """Make lost rows again: the recipe gives the same for the same seed."""
    run.record(
        Noted(node=node, kind="warning", text=f"{node}'s rows were lost or changed; its recipe makes them again")
    )
    (run.workspace.node(run.name, node) / jobs.EXIT).unlink(missing_ok=True)
    await prepare(run, node)


async def _followed(run: Run, folder: Path) -> jobs.Exit | None:
    """The process's own word at its end. Nobody waits for it any more: it is ended, and made again later."""
    try:
        return await run.processes.ended(folder)
    except asyncio.CancelledError:
        run.processes.kill(folder)
        await run.processes.ended(folder)
        raise


def _same(path: Path, job: DataJob) -> bool:
    """Whether the folder holds the work of this very job."""
    try:
        return from_json(read_regular(path), DataJob, source=str(path)) == job
    except (OSError, TrexError):
        return False
