"""A model that is being fetched by `trex models pull`, a process of its own: what it says, how it ends, giving it up.

It goes on while other screens are looked at, and ends with the interface; what has arrived is kept, and the next one
goes on from there.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys

from engine.workspace import Workspace

EVERY = 0.5  # seconds between two words of its progress


class Fetching:
    """One fetch. `said`: its last line. `ok`: how it ended, None while it goes on."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.said = f"starting to fetch {name}"
        self.ok: bool | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._stopped = False

    async def run(self, workspace: Workspace, online: bool) -> None:
        """Until it has ended, in whatever way."""
        words = ["--workspace", str(workspace.home), "models", "pull", self.name, *(["--online"] if online else [])]
        try:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "trex_tui.cli", *words),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                env={**os.environ, "TREX_PROGRESS_SECONDS": str(EVERY)},
                limit=1 << 20,  # bytes of a line: far more than any of ours has
                start_new_session=True,  # so that its own child, which converts, can be ended with it
            )
        except OSError as error:
            self.said, self.ok = f"cannot start the process that fetches it ({error.strerror})", False
            return
        assert self._process.stderr is not None
        try:
            async for line in self._process.stderr:
                if text := line.decode("utf-8", "replace").strip():
                    self.said = text.removeprefix("trex: ")
            code = await self._process.wait()
        except asyncio.CancelledError:
            self.stop()
            raise
        self.ok = code == 0
        if self._stopped:
            self.said = f"{self.name} is not fetched; what has arrived is kept, and the next time goes on from there"
        elif self.ok:
            self.said = f"{self.name} is here and whole"

    def stop(self) -> None:
        """Give it up."""
        self._stopped = True
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGTERM)
