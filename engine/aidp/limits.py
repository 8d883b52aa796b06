"""Limits a data process sets itself: it must never take the machine's memory or the engine's place.

CPU only: an address-space limit and CUDA do not go together.
"""

from __future__ import annotations

import contextlib
import resource
from pathlib import Path

import psutil

RESERVE = 2 * 1024**3  # bytes left to everybody else


def give_way() -> None:
    """Ask the kernel to pick this process first when memory runs out, not the engine or the desktop."""
    with contextlib.suppress(OSError):  # not Linux, or not allowed: the limit below still holds
        Path("/proc/self/oom_score_adj").write_text("800")


def cap_memory(limit: int = 0) -> None:
    """Allow `limit` bytes of address space (0: what is available less RESERVE); beyond it MemoryError is raised."""
    available = int(psutil.virtual_memory().available)
    wanted = limit or max(RESERVE, available - RESERVE)
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
