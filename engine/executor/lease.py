"""The device is a lease: a lock that the process using it holds until it dies, and a wait for the memory to be back.

Not the choice of who goes next (the engine's). Other programs take no lease: what they hold is simply not free.
"""

from __future__ import annotations

import contextlib
import fcntl
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from engine.executor.stop import Stop
from engine.files import disk_errors

POLL = 0.1  # seconds between two tries for the lock
MEMORY_POLL = 0.25  # seconds between two looks at the card's memory
MEMORY_WAIT = 30.0  # seconds after which the memory counts as other programs'
STEADY = 4  # looks in a row without a change: nobody is giving memory back any more
NOISE = 32 * 2**20  # bytes that a desktop moves all the time

_held: list[IO[str]] = []  # open until the process ends: closing any handle on the file would drop the lock


def take(lock: Path, stop: Stop) -> None:
    """Wait for the lease and keep it until this process ends. Raises Interrupted where asked to stop meanwhile."""
    with disk_errors(lock):
        lock.parent.mkdir(parents=True, exist_ok=True)
        handle = lock.open("a+")
    while True:
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stop.check()
            time.sleep(POLL)
            continue
        _held.append(handle)
        return


def wait_for_memory(stop: Stop) -> None:
    """Wait until the card's free memory stands still: the driver gives back a dead holder's memory after its lock.

    Bounded, and nothing to wait for without an NVIDIA driver.
    """
    with _nvml() as handle:
        if handle is None:
            return
        free: list[int] = []
        deadline = time.monotonic() + MEMORY_WAIT
        while not is_steady(free) and time.monotonic() < deadline:
            stop.check()
            free.append(_free_bytes(handle))
            time.sleep(MEMORY_POLL)


def is_steady(free: Sequence[int]) -> bool:
    """Whether the last looks at the free memory (bytes) agree but for noise."""
    last = free[-STEADY:]
    return len(last) == STEADY and max(last) - min(last) <= NOISE


@contextlib.contextmanager
def _nvml() -> Iterator[object | None]:
    """NVML's handle of the first visible card, or None where the driver does not answer."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        yield None
        return
    try:
        yield pynvml.nvmlDeviceGetHandleByIndex(0)
    finally:
        pynvml.nvmlShutdown()


def _free_bytes(handle: object) -> int:
    import pynvml

    return int(pynvml.nvmlDeviceGetMemoryInfo(handle).free)
