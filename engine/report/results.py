"""Reading `result.json` files: size-limited, typed, compared with the hash that the journal holds.

Not their writing (the trial's process) and not the scoring (`engine.report.scoring`).
"""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from engine.executor.job import Result
from engine.files import sha256_file
from engine.search.events import Split

MAX_RESULT_BYTES = 1 << 30
_TRIAL = re.compile(r"n\d+t\d+")


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """A result where it could be read, and in one sentence what is wrong with it, if anything."""

    result: Result | None = None
    problem: str = ""


def result_path(run_dir: Path, trial: str, split: Split) -> Path:
    """Where a trial's judgement on a split lies. Raises ValueError for what is not a trial's name."""
    if not _TRIAL.fullmatch(trial):
        raise ValueError(f"not a trial: {trial!r}")
    folder = trial if split == "validation" else f"{trial}.{split}"
    return run_dir / "trials" / folder / "result.json"


def read_result(run_dir: Path, trial: str, split: Split, sha256: str) -> Reading:
    """The trial's result on `split`; never raises for a bad file, it says so."""
    path = result_path(run_dir, trial, split)
    name = f"{trial} on {split}"
    try:
        if path.stat().st_size > MAX_RESULT_BYTES:
            return Reading(problem=f"{name}: result.json is larger than {MAX_RESULT_BYTES:,} bytes")
        found = sha256_file(path)
        result = msgspec.json.decode(path.read_bytes(), type=Result)
    except FileNotFoundError:
        return Reading(problem=f"{name}: there is no result.json; its score cannot be computed again")
    except OSError as error:
        return Reading(problem=f"{name}: result.json cannot be read ({error.strerror})")
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        return Reading(problem=f"{name}: result.json is not a result ({error})")
    if found != sha256:
        return Reading(result=result, problem=f"{name}: result.json is not the file that was recorded (hash differs)")
    if (result.trial, result.split) != (trial, split):
        return Reading(problem=f"{name}: result.json belongs to {result.trial} on {result.split}")
    return Reading(result=result)
