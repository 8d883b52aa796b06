"""Places where a process can be made to die, for tests that ask what is lost when it does.

Not error handling and no part of any decision: without TREX_FAILPOINTS in the environment a point does nothing. With
it, the variable names a folder; a file there, named like the point, holds how often the point is passed before it
strikes, and with what signal: `3 KILL`. Whoever strikes removes the file first, so that it strikes once.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

FOLDER = "TREX_FAILPOINTS"


def reach(point: str) -> None:
    """Pass the point, or die there (SIGKILL, or the signal that its file names)."""
    if folder := os.environ.get(FOLDER):
        _strike(Path(folder) / point)


def _strike(order: Path) -> None:
    try:
        passes, _, name = order.read_text().strip().partition(" ")
    except OSError:
        return
    if int(passes or 0) > 0:
        order.write_text(f"{int(passes) - 1} {name}")
        return
    try:
        order.unlink()
    except OSError:  # another process was quicker: it strikes, and only it
        return
    os.kill(os.getpid(), signal.Signals[f"SIG{name or 'KILL'}"])
