"""The trial's process: `python -P -m engine.executor DIRECTORY`, or `--standby` to be ready for one.

From its first line to its death it holds the directory; `exit.json` is the last thing it writes. A directory that
another process holds is left alone. Only what is light is imported here: the lock comes before the libraries.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
import warnings
from pathlib import Path
from typing import IO

from engine import jobs
from engine.executor import checkpoints, failures, telemetry
from engine.executor.stop import Interrupted, Stop
from engine.failpoints import reach

_held: list[IO[str]] = []  # the directory's lock: until this process is gone, and its memory with it

ENVIRONMENT = {
    "TORCH_COMPILE_DISABLE": "1",  # nothing here is compiled, but bitsandbytes asks for it: a second of imports
    "OMP_WAIT_POLICY": "PASSIVE",  # a thread that waits gives its core away: matters when others want it too
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
}


def main(arguments: list[str]) -> int:
    """Returns the process's exit code: 0 done or nothing to do, 1 failed, 2 wrong use, 3 interrupted."""
    os.environ.update(ENVIRONMENT)
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # it warns of each optional kernel it lacks
    warnings.simplefilter("ignore", FutureWarning)  # the libraries' own news for each other
    if arguments == ["--standby"]:
        from engine.executor.standby import next_directory

        given = next_directory()
        return work(given) if given else 0
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        sys.stderr.write("usage: python -P -m engine.executor DIRECTORY | --standby\n")
        return 2
    return work(Path(arguments[0]).resolve())


def work(directory: Path) -> int:
    """Hold the directory and do its trial."""
    reach("trial.begin")
    try:
        _held.append(jobs.hold(directory))
    except jobs.Locked:
        return 0
    reach("trial.locked")
    stop = Stop()
    stop.listen()
    telemetry.log_to(directory / telemetry.LOG)
    (directory / jobs.EXIT).unlink(missing_ok=True)
    outcome = attempt(directory, stop)
    telemetry.say(f"{outcome.state}{': ' if outcome.cause else ''}{outcome.cause}")
    jobs.finish(directory, outcome)
    reach("exit.after")
    return {"done": 0, "failed": 1, "interrupted": 3}[outcome.state]


def attempt(directory: Path, stop: Stop) -> jobs.Exit:
    """The trial, and how it ended. Tracebacks go to the log."""
    if checkpoints.finished(directory):
        return jobs.Exit(state="done")
    try:
        from engine.executor import trial
    except Exception as error:  # a driver or a library that is gone or broken: found at the import of whoever needs it
        traceback.print_exc()
        return failures.exit_for_import(error)
    try:
        trial.run(directory, stop)
    except Interrupted:
        return jobs.Exit(state="interrupted", cause="asked to stop")
    except Exception as error:  # any ending is data for the search
        traceback.print_exc()
        return failures.exit_for(error)
    return jobs.Exit(state="done")


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # taking torch apart in good order needs seconds, in which the memory is still held
