"""Who is alive: the engine, behind its lock and its socket, and the processes of trials and data."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

from engine.control.client import Connection
from engine.doctor.finding import Finding, Remove, fine, listed, note, wrong
from engine.errors import BadInput, MachineFailure, TrexError
from engine.jobs import LOCK
from engine.workspace import Workspace, lock_holder

PATIENCE = 5.0  # seconds that an engine may take to say hello


def engine(space: Workspace) -> Finding:
    """Whether an engine is running, and can be talked to."""
    process = space.engine_process()
    try:
        socket = space.socket
    except TrexError:
        return note("whether an engine answers is not known: see the folder of its socket", space.home)
    if not process:
        if not socket.exists():
            return fine("no engine is running", space.home)
        return note("no engine is running, but a dead one's socket is left", socket, Remove((socket,)))
    problem = asyncio.run(_silence(socket))
    if problem:
        way_out = f"`kill -9 {process}` ends it and loses nothing that is done"
        return wrong(f"the engine (process {process}) {problem}; {way_out}", socket)
    return fine(f"the engine (process {process}) is running and answers", socket)


async def _silence(socket: Path) -> str:
    """Why the engine cannot be talked to; empty where it can."""
    try:
        async with asyncio.timeout(PATIENCE):
            connection = await Connection.open(socket)
    except (MachineFailure, TimeoutError):
        return "cannot be reached through its socket" if socket.exists() else "has lost its socket"
    except BadInput as error:
        return f"answers in another protocol ({error.what})"
    await connection.close()
    return ""


def processes(space: Workspace) -> Finding:
    """Trials and data processes at work. They outlive their engine; the next one takes them up again."""
    alive = [folder for folder in job_folders(space) if lock_holder(folder / LOCK)]
    if not alive:
        return fine("no trial or data process is at work", space.home)
    names = listed(folder.name for folder in alive)
    if space.engine_process():
        return fine(f"at work: {names}", space.home)
    return note(f"at work without an engine: {names}; the next engine takes them up again", alive[0])


def job_folders(space: Workspace) -> Iterator[Path]:
    """The folders of all trials and data jobs, of unknown ones too."""
    for kind in ("trials", "nodes"):
        yield from sorted(path for path in (space.home / "runs").glob(f"*/{kind}/*") if path.is_dir())
