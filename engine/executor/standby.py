"""A process started ahead: the libraries imported, waiting on standard input for the directory of its trial.

Never a fork of it: importing peft initialises CUDA, and threads do not survive a fork. Ends when its input closes.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path


def next_directory() -> Path | None:
    """Import what a trial needs, then wait for one line with a directory; None where there will be none."""
    with contextlib.suppress(Exception):  # what cannot be imported is said by the trial, where there is an exit.json
        import engine.executor.trial  # noqa: F401  (seconds of imports, spent before the trial is there)

    line = sys.stdin.readline().strip()
    return Path(line) if line and Path(line).is_dir() else None
