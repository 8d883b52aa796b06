"""Trials: launch a process for one, follow it to its end, read its result, journal the outcome.

The same code trains and judges (validation), and judges again (confirm, test); only the job differs.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import shutil
import time
from pathlib import Path
from typing import Any, Literal

import msgspec

from engine import jobs, taskdata
from engine.amounts import seconds
from engine.errors import MachineFailure, TrexError
from engine.executor.job import Result, State, TrialJob
from engine.failpoints import reach
from engine.files import fingerprint, read_regular, write_json
from engine.ftbench.metrics import score as score_of
from engine.search import budget
from engine.search.events import Confirmed, Failed, Finished, Interrupted, Launched, Split, Tested
from engine.search.tree import ROOT_TRIAL, Tree, Trial
from engine.steps.context import Run
from engine.steps.restore import set_aside
from engine.strict import from_json
from engine.workspace import Workspace

MODULE = "engine.executor"
MAX_DEATHS = 5  # a trial that dies this often has a fault that trying again does not mend
LEAST_SECONDS = 120.0
KILL_AFTER = 20.0  # seconds between asking a process to go and ending it


def directory(run: Run, trial: str, split: Split) -> Path:
    """The job's directory."""
    return place(run.workspace, run.name, trial, split)


def place(workspace: Workspace, run: str, trial: str, split: str) -> Path:
    """`n3t1`, `n3t1.confirm`, `n3t1.test` below the run's trials."""
    return workspace.trial(run, trial if split == "validation" else f"{trial}.{split}")


def launch(run: Run, trial: str, split: Split) -> None:
    """Check what gives the score its meaning, write the job, journal the launch, start the process."""
    try:
        job = make_job(run, run.tree.trial(trial), split)
        folder = directory(run, trial, split)
        if trial == ROOT_TRIAL and reuse(run, job, folder):
            return
        if holds_other(folder, job):
            set_aside(folder)
        write_json(folder / "plan.json", job)
    except TrexError as error:
        fail(run, trial, split, "machine", str(error))
        return
    here = run.tree.trial(trial)
    attempt = here.attempts + 1 if split == "validation" else 1
    jobs.clear(folder)
    run.record(Launched(trial=trial, node=here.node, split=split, attempt=attempt))
    try:
        reach("engine.between_launch_and_start")
        run.processes.start(MODULE, folder)
        reach("engine.after_start")
        run.processes.warm()
    except OSError as error:
        fail(run, trial, split, "machine", f"the trial's process could not be started ({error.strerror})")


def make_job(run: Run, trial: Trial, split: Split) -> TrialJob:
    """The process's work, from the tree and the task. Raises MachineFailure where data or model changed on disk."""
    manifest = taskdata.verify(run.splits)
    if fingerprint(manifest) != run.tree.setup.manifest:
        raise MachineFailure("the task's splits are not those the run began with", where=str(run.splits))
    train = split == "validation" and trial.config is not None
    judge_again = not train and trial.config is not None
    trained = directory(run, trial.id, "validation")
    return TrialJob(
        trial=trial.id,
        model_dir=str(run.model_dir),
        format=run.task.format,
        evaluation=run.task.evaluation,
        metric=run.task.metric,
        evaluate_rows=str(rows_of(run, split)),
        split=split,
        config=trial.config if train else None,
        train_rows=str(run.workspace.node(run.name, trial.node) / "data.jsonl") if train else "",
        train_sha256=run.tree.nodes[trial.node].data_sha256 if train else "",
        adapter=str(trained / "adapter") if judge_again else "",
        origin=trial.result_sha256 if judge_again else "",
        device=run.tree.device,
        save_seconds=seconds(run.task.budget.checkpoint),
        seed=run.tree.setup.seed,
        device_lock=str(run.workspace.device_lock),
        nf4_cache=str(run.workspace.cache / "nf4"),
        threads=run.threads,
        time_limit=time_limit(run) if train else 0.0,
    )


def time_limit(run: Run) -> float:
    """Seconds that a training may take: what the run has left; 0 = no limit."""
    left = budget.remaining_seconds(run.tree, run.now())
    return max(LEAST_SECONDS, left) if math.isfinite(left) else 0.0


def holds_other(folder: Path, job: TrialJob) -> bool:
    """Whether the folder holds another job's work: the journal lost its end, and the search went another way."""
    try:
        there = from_json(read_regular(folder / "plan.json"), TrialJob, source=str(folder))
    except FileNotFoundError:
        return False
    except (OSError, TrexError):
        return True
    return substance(there) != substance(job)


def substance(job: TrialJob) -> TrialJob:
    """The job without what may differ from one attempt to the next."""
    fresh = TrialJob.__struct_defaults__
    passing = ("device", "device_lock", "nf4_cache", "threads", "save_seconds", "save_every", "time_limit")
    defaults = dict(zip(TrialJob.__struct_fields__[-len(fresh) :], fresh, strict=True))
    return msgspec.structs.replace(job, **{name: defaults[name] for name in passing})


def last_life(workspace: Workspace, run: str, tree: Tree) -> float:
    """Unix seconds of the last sign of life of the run's process, while no engine watched; 0 where none ran."""
    running = [(t.id, "validation") for t in tree.running()]
    if tree.judging is not None:
        running.append((tree.judging.trial, tree.judging.split))
    folders = [place(workspace, run, trial, split) for trial, split in running]
    if any(jobs.is_alive(folder) for folder in folders):
        return time.time()
    signs = (path.stat().st_mtime for folder in folders if folder.is_dir() for path in folder.glob("*.*"))
    return max(signs, default=0.0)


def rows_of(run: Run, split: Split) -> Path:
    """The split's file. The sealed one only after its opening stands in the journal."""
    if split != "test":
        return taskdata.split_path(run.splits, split)
    opened = {name for _, opening in run.tree.test_openings for name in opening.trials}

    def announced() -> None:
        assert opened, "the opening of the test split is journalled before it is read"

    return taskdata.open_sealed(run.splits, announced)


async def follow(run: Run, trial: str, split: Split) -> None:
    """Wait until the process ends or the tree changes (a person may have paused or pruned its branch)."""
    folder = directory(run, trial, split)
    verb = "trains" if run.tree.trial(trial).config and split == "validation" else "judges"
    run.doing(f"{trial} {verb} ({split})")
    run.changed.clear()
    end = asyncio.create_task(run.processes.ended(folder))
    news = asyncio.create_task(run.changed.wait())
    try:
        await asyncio.wait({end, news}, return_when=asyncio.FIRST_COMPLETED)
        if end.done():
            settle(run, trial, split, end.result())
    finally:
        end.cancel()
        news.cancel()


async def interrupt(run: Run, trial: str, split: Split, why: Literal["paused", "pruned", "stopped"]) -> None:
    """Ask the process to save its state and go; after a while, end it. The rest is as at any other end."""
    folder = directory(run, trial, split)
    run.doing(f"{trial} is being {'saved' if why == 'paused' else 'ended'} ({why})")
    if why == "paused" and has_something_to_save(folder):
        run.processes.interrupt(folder)
    else:
        run.processes.kill(folder)
    try:
        async with asyncio.timeout(KILL_AFTER):
            end = await run.processes.ended(folder)
    except TimeoutError:
        run.processes.kill(folder)
        end = await run.processes.ended(folder)
    if end is not None and end.state == "done":
        settle(run, trial, split, end)
    elif why != "stopped":
        # A pruned branch can be restored: its trial is interrupted, not lost.
        run.record(Interrupted(trial=trial, node=run.tree.trial(trial).node, split=split, cause=why))
    else:
        fail(run, trial, split, "cancelled", why)


def has_something_to_save(folder: Path) -> bool:
    """Whether the process has state that is not on the disk: while it trains. Imports and loading take seconds in which
    it hears nothing, and judging begins anew in any case."""
    try:
        state = from_json(read_regular(folder / "state.json"), State, source=str(folder))
    except (OSError, TrexError):
        return False
    return state.phase in ("training", "saving")


def settle(run: Run, trial: str, split: Split, end: jobs.Exit | None) -> None:
    """Journal how a process ended."""
    node = run.tree.trial(trial).node
    if end is None or end.state == "interrupted":
        died = end is None and jobs.has_begun(directory(run, trial, split))
        cause = end.cause if end and end.cause else "its process was killed" if died else "its process was not started"
        if died and run.tree.trial(trial).deaths + 1 >= MAX_DEATHS:
            fail(run, trial, split, "resource", f"given up after {MAX_DEATHS} attempts: {cause}")
        else:
            run.record(Interrupted(trial=trial, node=node, split=split, cause=cause, died=died))
    elif end.state == "failed":
        fail(run, trial, split, end.kind or "machine", end.cause)
    else:
        try:
            score(run, trial, split)
        except TrexError as error:
            fail(run, trial, split, "machine", str(error))


def score(run: Run, trial: str, split: Split) -> None:
    """Read `result.json`, check that it is what was asked for, and journal its score."""
    folder = directory(run, trial, split)
    result, digest = read_result(run, folder, split)
    run.record(judged(run.tree.trial(trial), result, digest, now=run.now()))
    if trial == ROOT_TRIAL:
        keep(run, folder, split)


def judged(trial: Trial, result: Result, digest: str, *, now: float | None) -> Finished | Confirmed | Tested:
    """The event of a result. `now` None: it was not computed here but taken from an earlier run."""
    values: dict[str, Any] = {
        "trial": trial.id,
        "score": result.score,
        "low": result.low,
        "high": result.high,
        "items": len(result.items),
        "result_sha256": digest,
    }
    if result.split == "confirm":
        return Confirmed(**values)
    if result.split == "test":
        return Tested(**values)
    return Finished(
        **values,
        node=trial.node,
        seconds=0.0 if now is None else now - trial.launched_at,
        train_seconds=result.train_seconds,
        evaluate_seconds=result.evaluate_seconds,
        examples=result.examples,
        changed=result.changed,
        reused=now is None,
        device=result.device,
    )


def read_result(run: Run, folder: Path, split: Split) -> tuple[Result, str]:
    """The result and its file's SHA-256. Raises MachineFailure where it is not the result of this job."""
    path = folder / "result.json"
    try:
        data = read_regular(path)
    except OSError as error:
        raise MachineFailure(f"the result cannot be read ({error.strerror})", where=str(path)) from None
    result = from_json(data, Result, source=str(path))
    manifest = taskdata.verify(run.splits)
    wrong = [
        what
        for what, fine in {
            "split": result.split == split,
            "metric": result.metric == run.task.metric.name,
            "data": result.data_sha256 == manifest.splits[split].sha256,
            "number of rows": len(result.items) == manifest.splits[split].rows,
            "base model": result.model_sha256 == run.tree.setup.model_sha256,
            "score": abs(result.score - score_of(result.metric, result.items)) < 1e-9,
        }.items()
        if not fine
    ]
    if wrong:
        raise MachineFailure(f"the result is not of this run ({', '.join(wrong)} differ)", where=str(path))
    return result, hashlib.sha256(data).hexdigest()


def fail(
    run: Run, trial: str, split: Split, kind: Literal["idea", "resource", "machine", "cancelled"], cause: str
) -> None:
    run.record(Failed(node=run.tree.trial(trial).node, trial=trial, split=split, kind=kind, cause=cause))


def base_cache(run: Run, split: Split) -> Path:
    """Where the base model's result of (task, model, split) is kept for later runs."""
    name = f"{run.task.name}-{run.task.fingerprint}-{run.tree.setup.model_sha256[:16]}-{split}"
    return run.workspace.cache / "base" / name


def keep(run: Run, folder: Path, split: Split) -> None:
    """Keep the base model's result for later runs."""
    target = base_cache(run, split)
    if not target.exists():
        target.mkdir(parents=True)
        shutil.copy(folder / "result.json", target / "result.json")


def reuse(run: Run, job: TrialJob, folder: Path) -> bool:
    """Take the base model's result from an earlier run of the same task, data and model, where there is one."""
    kept = base_cache(run, job.split) / "result.json"
    if not kept.exists():
        return False
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(kept, folder / "result.json")
    try:
        result, digest = read_result(run, folder, job.split)
    except TrexError:
        # A damaged cache costs one judging, not a run.
        shutil.rmtree(kept.parent)
        (folder / "result.json").unlink()
        return False
    write_json(folder / "plan.json", job)
    jobs.finish(folder, jobs.Exit(state="done"))
    run.record(judged(run.tree.trial(ROOT_TRIAL), result, digest, now=None))
    return True
