"""`python -P -m engine --workspace DIR`: the engine process. Started by `trex`; not meant to be typed."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from pathlib import Path

from engine.errors import TrexError
from engine.files import disk_errors
from engine.service import serve
from engine.workspace import Workspace


def main() -> int:
    """Serve until told to end. Exit codes as everywhere; the sentence goes to stderr and engine.log."""
    parser = argparse.ArgumentParser(prog="engine", description=__doc__)
    parser.add_argument("--workspace", type=Path, required=True)
    os.umask(0o077)  # whatever this process and its children make is for the owner alone
    workspace = Workspace(parser.parse_args().workspace.resolve())
    # A closed terminal is nothing to the engine.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        workspace.create()
        with disk_errors(workspace.engine_log):
            logging.basicConfig(
                filename=workspace.engine_log,
                level=logging.INFO,
                format="%(asctime)s %(levelname)s %(name)s: %(message)s",
            )
        asyncio.run(_until_signalled(workspace))
    except TrexError as error:
        logging.getLogger("engine").error("%s", error)
        print(error, file=sys.stderr)  # noqa: T201 - whoever started the engine reads it
        return error.exit_code
    return 0


async def _until_signalled(workspace: Workspace) -> None:
    task = asyncio.ensure_future(serve(workspace))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        logging.getLogger("engine").info("told to end")


if __name__ == "__main__":
    sys.exit(main())
