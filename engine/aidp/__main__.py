"""The data process: `python -P -m engine.aidp DIR` runs the recipe of one node. What stands in DIR: engine.aidp.job.

Holds the directory's lock from its first line on; its last act is `exit.json`. Whatever happens is told there in one
sentence, and at length in `log.txt`.
"""

from __future__ import annotations

import shutil
import sys
import time
import traceback
from pathlib import Path
from typing import Literal

from engine import jobs
from engine.aidp import guards
from engine.aidp.child import calm, cap_address_space, is_for_memory, keep_out_of_home
from engine.aidp.job import PROGRESS, REPORT, DataJob
from engine.aidp.samples import Sampler
from engine.errors import BadInput, IdeaFailure, MachineFailure, ResourceFailure, TrexError
from engine.executor.limits import yield_to_others
from engine.failpoints import reach
from engine.files import read_jsonl, sha256_file, write_json
from engine.jobs import Exit
from engine.strict import from_json
from engine.task import EXTRA


def main(arguments: list[str]) -> int:
    """Exit status: 0 done, 1 failed (see `exit.json`), 2 no directory given or it is held by a living process."""
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        print("usage: python -P -m engine.aidp DIR (a folder with a job.json)", file=sys.stderr)  # noqa: T201
        return 2
    folder = Path(arguments[0]).resolve()
    reach("data.begin")
    try:
        lock = jobs.hold(folder)
    except jobs.Locked:
        return 2
    with lock:
        outcome = _outcome(folder)
        jobs.finish(folder, outcome)
    return 0 if outcome.state == "done" else 1


def _outcome(folder: Path) -> Exit:
    try:
        yield_to_others()
        work(folder)
        return Exit(state="done")
    except TrexError as error:
        return Exit(state="failed", kind=_kind(error), cause=str(error))
    except Exception as error:
        if is_for_memory(error):
            return Exit(state="failed", kind="resource", cause="the recipe needs more memory than there is")
        with (folder / "log.txt").open("a", encoding="utf-8") as log:
            traceback.print_exc(file=log)
        cause = f"the data process failed: {type(error).__name__}: {error}; see {folder / 'log.txt'}"
        return Exit(state="failed", kind="machine", cause=cause)
    finally:
        shutil.rmtree(folder / ".cache", ignore_errors=True)
        (folder / PROGRESS).unlink(missing_ok=True)


def work(folder: Path) -> None:
    """Run the job: `data.jsonl`, `samples.json`, then `report.json`. Raises TrexError, MemoryError."""
    job = from_json(_bytes(folder / "job.json"), DataJob, source=str(folder / "job.json"))
    train = Path(job.train_rows)
    if not train.is_file():
        raise MachineFailure("the train split is missing", where=str(train), hint=guards.REMAKE)
    keep_out_of_home(folder / ".cache")
    cap_address_space(job.limits.memory)
    from engine.aidp.cache import StepCache
    from engine.aidp.leaving import leave
    from engine.aidp.models import named, services
    from engine.aidp.pipeline import Around, Pipeline

    started = time.perf_counter()
    sampler = Sampler()
    tell = calm(lambda progress: write_json(folder / PROGRESS, progress))
    root = Path(job.data_root) / EXTRA if job.data_root else None
    around = Around(
        guards=guards.load(Path(job.guards)),
        root=root if root and root.is_dir() else None,
        template=(job.prompt, job.answer) if job.prompt and job.answer else None,
        limits=job.limits,
        services=services(job.models),
        models=named(job.models),
        cache=StepCache(Path(job.cache)) if job.cache else None,
        scratch=folder / ".cache",
        kept=folder,
    )
    output = Pipeline(job.recipe, around=around).run(
        read_jsonl(train), watch=sampler, tell=tell, origin=sha256_file(train)
    )
    report = leave(folder, output, sampler.samples, time.perf_counter() - started)
    reach("data.before_report")
    write_json(folder / REPORT, report)
    reach("data.after_report")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise MachineFailure(f"cannot be read ({error.strerror})", where=str(path)) from None


def _kind(error: TrexError) -> Literal["idea", "resource", "machine"]:
    if isinstance(error, IdeaFailure | BadInput):
        return "idea"
    return "resource" if isinstance(error, ResourceFailure) else "machine"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
