"""What is measured, and the flooding engine that feeds it, as processes."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.workspace import Workspace

INTERFACE = (sys.executable, "-P", "-m", "trex_tui.cli", "--workspace")
STOCK = (sys.executable, "-m", "tests.bench.tui_stock")


class Served:
    """The flooding engine of a workspace, in a process of its own."""

    def __init__(self, home: Path, nodes: int, rate: int) -> None:
        self.workspace = Workspace(home).create()
        command = (
            sys.executable,
            "-m",
            "tests.bench.tui_engine",
            str(home),
            "--nodes",
            str(nodes),
            "--rate",
            str(rate),
        )
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.listen()

    def listen(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def say(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()

    def halt(self) -> float:
        """End the flood; the events a second that were taken."""
        self.say("halt")
        poured = json.loads(self.listen())
        return float(poured["events"] / poured["seconds"])


@contextmanager
def served(nodes: int, rate: int) -> Iterator[Served]:
    with tempfile.TemporaryDirectory(prefix="trex-bench-") as folder:
        engine = Served(Path(folder) / "workspace", nodes, rate)
        try:
            yield engine
        finally:
            engine.process.kill()
            engine.process.wait()
