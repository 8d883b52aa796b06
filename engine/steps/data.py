"""Data: run a node's recipe once, in a data process, and journal what came of it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import msgspec

from engine import jobs, models, taskdata
from engine.aidp.job import PROGRESS, DataJob, DataReport, Limits, ModelPaths, Progress
from engine.aidp.recipe import Recipe
from engine.errors import TrexError
from engine.files import UNREADABLE, read_regular, sha256_file, write_json
from engine.search.events import DataReady, Failed, Noted
from engine.steps import restore
from engine.steps.context import Run
from engine.strict import from_json

MODULE = "engine.aidp"
CACHE = "aidp"  # below the workspace's cache: operators' results, by fingerprint
LOOK_SECONDS = 1.0  # between two looks at how far the recipe is
MOST = 8  # processes of one recipe


async def prepare(run: Run, node: str) -> None:
    """Start the data process, or wait for the one an earlier engine started; then read its report."""
    plan = run.tree.nodes[node].plan
    assert plan is not None, "data is prepared for planned nodes"
    folder = run.workspace.node(run.name, node)
    run.doing(f"{node} prepares its data")
    try:
        job = job_for(run, plan.recipe)
        restore.keep(run, node, plan)  # a fork's plan came with its event
        if not jobs.is_alive(folder) and (jobs.outcome(folder) is None or not _same(folder / "job.json", job)):
            write_json(folder / "job.json", job)
            run.processes.start(MODULE, folder)
        end = await _followed(run, node, folder)
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


def job_for(run: Run, recipe: Recipe) -> DataJob:
    """What the data process is asked to do. Raises MachineFailure where a model that the recipe needs is not there."""
    return DataJob(
        recipe=recipe,
        train_rows=str(taskdata.split_path(run.splits, "train")),
        guards=str(taskdata.guards_path(run.splits)),
        data_root=str(run.task_folder),
        prompt=run.task.format.prompt,
        answer=run.task.format.answer,
        limits=Limits(processes=_processes()),
        models=_models(run, recipe),
        cache=str(run.workspace.cache / CACHE),
    )


def _processes() -> int:
    """Half of the cores: a trial may be training on the others."""
    return max(1, min(MOST, len(os.sched_getaffinity(0)) // 2))


def _models(run: Run, recipe: Recipe) -> ModelPaths:
    """The base model and the Researcher's, as far as the recipe's operators need them: a job names no others."""
    needs = {need for operator in recipe.operators for need in operator.needs}
    found = ModelPaths()
    if needs & {"base_model", "tokenizer"}:
        found = msgspec.structs.replace(
            found,
            base_model=str(run.model_dir),
            base_sha256=run.tree.setup.model_sha256,
            threads=run.threads,
            template=run.task.format.template,
            system=run.task.format.system,
        )
    if "language_model" in needs and run.tree.setup.researcher != "none":
        language = models.find(run.tree.setup.researcher, run.workspace.models)
        found = msgspec.structs.replace(
            found, language_model=str(language.path), language_sha256=language.fingerprint, threads=run.threads
        )
    return found


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


async def _followed(run: Run, node: str, folder: Path) -> jobs.Exit | None:
    """The process's own word at its end. Nobody waits for it any more: it is ended, and made again later."""
    telling = asyncio.create_task(_tell(run, node, folder / PROGRESS))
    try:
        return await run.processes.ended(folder)
    except asyncio.CancelledError:
        run.processes.kill(folder)
        await run.processes.ended(folder)
        raise
    finally:
        telling.cancel()


async def _tell(run: Run, node: str, path: Path) -> None:
    """Say how far the recipe is, until nobody waits for it any more."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            progress = msgspec.json.decode(read_regular(path), type=Progress)
        except (OSError, *UNREADABLE):
            continue  # not begun, or over by now
        share = f", {min(1.0, progress.done / progress.total):.0%}" if progress.total else ""
        run.doing(f"{node} prepares its data: {progress.operator}{share}")


def _same(path: Path, job: DataJob) -> bool:
    """Whether the folder holds the work of this very job."""
    try:
        return from_json(read_regular(path), DataJob, source=str(path)) == job
    except (OSError, TrexError):
        return False
