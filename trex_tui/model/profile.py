"""The data behind a search, as the screen shows it: the profile of the splits, and what a node's recipe did.

Reads files and starts the process that profiles; never on the thread that draws. Not the counting itself
(`engine.aidp.profile`) and no row of confirm or test (`engine.taskdata.profile`).
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from engine.aidp.job import REPORT, SAMPLES, DataReport
from engine.aidp.samples import Samples
from engine.errors import MachineFailure, TrexError
from engine.files import read_regular, sha256_file
from engine.strict import from_json
from engine.taskdata.profile import VERSION, DataProfile
from engine.taskdata.store import MANIFEST

FOLDER = "profiles"  # below the workspace's cache
MINUTES = 600.0  # seconds for the process

T = TypeVar("T")


@dataclass(frozen=True)
class Prepared:
    """What lies in a node's folder. None: not prepared yet, or (`samples`) prepared before examples were kept."""

    report: DataReport | None = None
    samples: Samples | None = None
    trouble: str = ""


async def data_profile(splits: Path, cache: Path) -> DataProfile:
    """The profile of these splits, computed once for a manifest. Raises MachineFailure."""
    kept = await asyncio.to_thread(place, splits, cache)
    if (found := await asyncio.to_thread(_kept, kept)) is not None:
        return found
    await _compute(splits, kept)
    if (found := await asyncio.to_thread(_kept, kept)) is None:
        raise MachineFailure("the profile cannot be read", where=str(kept), hint="remove it, and open this again")
    return found


async def prepared(folder: Path) -> Prepared:
    """What the node's data process has left in its folder."""
    return await asyncio.to_thread(_prepared, folder)


def place(splits: Path, cache: Path) -> Path:
    """Where the profile of these splits is kept. Raises MachineFailure where there are no splits."""
    try:
        name = sha256_file(splits / MANIFEST)[:16]
    except OSError as error:
        hint = "the next search of the task makes its splits anew"
        raise MachineFailure(
            f"the task's splits cannot be read ({error.strerror})", where=str(splits), hint=hint
        ) from None
    return cache / FOLDER / f"{name}-v{VERSION}.json"


def _kept(path: Path) -> DataProfile | None:
    try:
        return _read(path, DataProfile)
    except TrexError:
        return None  # of another version, or torn: it is made anew


async def _compute(splits: Path, kept: Path) -> None:
    """In a process of its own: a hundred thousand rows are seconds of Python, in which keys would wait."""
    command = (sys.executable, "-P", "-m", "engine.taskdata.profiling", str(splits), str(kept))
    child = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(MINUTES):
            _, said = await child.communicate()
    except TimeoutError:
        raise MachineFailure(f"profiling took more than {MINUTES / 60:.0f} minutes", where=str(splits)) from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode:
        lines = said.decode(errors="replace").strip().splitlines()
        raise MachineFailure(lines[-1] if lines else "the profiling process ended without a word")


def _prepared(folder: Path) -> Prepared:
    report = None
    try:
        report = _read(folder / REPORT, DataReport)
        return Prepared(report, _read(folder / SAMPLES, Samples))
    except TrexError as problem:
        return Prepared(report, trouble=str(problem))


def _read(path: Path, kind: type[T]) -> T | None:
    """None where there is no such file. Raises BadInput."""
    try:
        data = read_regular(path)
    except OSError:
        return None
    return from_json(data, kind, source=str(path))
