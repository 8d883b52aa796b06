"""What this process may take from the machine: its share of memory, its place in the kernel's queue.

Not the device's lease (`engine.executor.lease`).
"""

from __future__ import annotations

import contextlib
import resource
from pathlib import Path

import psutil

from engine.errors import MachineFailure

RESERVE = 2 * 2**30  # bytes left to the engine, the desktop and the Researcher
OOM_SCORE = 800  # the kernel ends this process before any other of ours


def yield_to_others() -> None:
    """Ask the kernel to pick this process first when memory runs out. Not allowed everywhere: then nothing changes."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(f"{OOM_SCORE}\n")


def cap_memory() -> int:
    """Cap the address space so that asking for too much is a clean error, and return the cap in bytes.

    Never with CUDA, which reserves address space far beyond what it uses. What is mapped already counts, so the cap is
    that plus the memory available now less the reserve. An older, lower cap stays. Raises MachineFailure where
    there is no memory to begin with.
    """
    room = psutil.virtual_memory().available - RESERVE
    if room <= 0:
        raise MachineFailure(
            "less than 2 GiB of memory is free", hint="close other programs; the trial will be tried again"
        )
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = psutil.Process().memory_info().vms + room
    cap = min(limit for limit in (wanted, soft, hard) if limit != resource.RLIM_INFINITY)
    resource.setrlimit(resource.RLIMIT_AS, (cap, hard))
    return int(cap)
