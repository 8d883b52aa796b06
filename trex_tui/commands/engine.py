"""The engine process: start one where there is none, ask whether it runs, end it."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import time

from engine.control import protocol as p
from engine.control.client import Connection, call
from engine.errors import BadInput, MachineFailure
from engine.files import disk_errors
from engine.workspace import PLACE, Workspace

START_SECONDS = 20.0


def ensure(workspace: Workspace) -> None:
    """An engine serves the workspace when this returns. Raises MachineFailure or BadInput in the engine's own words."""
    if answers(workspace):
        return
    workspace.create()
    with disk_errors(workspace.engine_log, PLACE):
        workspace.engine_log.touch(mode=0o600)
        log = workspace.engine_log.open("ab")
    with log:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "engine", "--workspace", str(workspace.home)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.PIPE,
            start_new_session=True,
            cwd="/",
            env={**os.environ, "HF_HUB_OFFLINE": "1"},
        )
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if answers(workspace):
            return
        # Another client may have started one at the same moment; its engine is as good, once it answers.
        if child.poll() is not None and not workspace.engine_process():
            said = (child.stderr.read() if child.stderr else b"").decode(errors="replace").strip().splitlines()
            fault = BadInput if child.returncode == BadInput.exit_code else MachineFailure
            raise fault(said[-1] if said else "the engine ended at once", hint=f"see {workspace.engine_log}")
        time.sleep(0.05)
    if process := workspace.engine_process():
        raise MachineFailure(
            f"the engine of this workspace (process {process}) does not answer",
            where=str(workspace.home),
            hint=f"was it started with another XDG_RUNTIME_DIR? else `kill -9 {process}`: nothing done is lost",
        )
    raise MachineFailure("the engine did not start in time", hint=f"see {workspace.engine_log}")


def answers(workspace: Workspace) -> bool:
    """Whether an engine of this workspace accepts connections. Raises BadInput where it speaks another protocol."""

    async def knock() -> bool:
        try:
            connection = await Connection.open(workspace.door)
        except MachineFailure:
            return False
        await connection.close()
        return True

    return workspace.home.is_dir() and asyncio.run(knock())


def ask(workspace: Workspace, command: p.Command, timeout: float = 600.0) -> p.Reply:
    """Send one command to the workspace's engine; a refusal is raised as BadInput, a failure as MachineFailure."""
    reply = asyncio.run(call(workspace.door, command, timeout))
    if not reply.ok:
        raise (MachineFailure if reply.failed else BadInput)(reply.text)
    return reply


def status(options: argparse.Namespace) -> int:
    words = {"running": "an engine is running", "not running": "no engine is running"}
    found = state(options.space)
    print(f"{words.get(found, found)} for {options.space.home}")
    return 0


def state(workspace: Workspace) -> str:
    """Running, not running, or held by a process that does not answer."""
    if answers(workspace):
        return "running"
    process = workspace.engine_process()
    return f"an engine that does not answer (process {process})" if process else "not running"


def start(options: argparse.Namespace) -> int:
    ensure(options.space)
    return status(options)


def stop(options: argparse.Namespace) -> int:
    try:
        print(ask(options.space, p.Shutdown(id=1, by="command line")).text)
    except BadInput:  # it speaks another protocol, or does not let us in
        process = options.space.engine_process()
        if not process:
            raise
        os.kill(process, signal.SIGTERM)
        print(f"the engine (process {process}) is of another version and was told to end; running trials go on")
    return 0
