"""Other programs on the card: they take no lease, so what they hold is read, and what they took is not held against us.

Not the lease (`engine.executor.lease`). Memory is in bytes. Without an NVIDIA driver there is nothing to read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from engine.errors import MachineFailure

NOISE = 256 * 2**20  # a browser's or a desktop's coming and going
GIB = 2**30


@dataclass(frozen=True)
class Card:
    """The card's memory as the driver sees it. `programs`: names of other processes on it, with what each holds."""

    total: int
    free: int
    mine: int
    programs: tuple[tuple[str, int], ...] = ()

    @property
    def others(self) -> int:
        return max(0, self.total - self.free - self.mine)

    def __str__(self) -> str:
        return (
            f"{self.free / GIB:.1f} of {self.total / GIB:.1f} GiB are free, other programs hold {self.others / GIB:.1f}"
        )


def look() -> Card | None:
    """The card now; None without a driver that answers."""
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:  # no driver, or one of another version: then CUDA's own error is all there is
        return None
    try:
        handle = pynvml.nvmlDeviceGetHandleByIndex(0)
        memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
        held = {p.pid: int(p.usedGpuMemory or 0) for p in pynvml.nvmlDeviceGetComputeRunningProcesses(handle)}
    except pynvml.NVMLError:
        return None
    finally:
        pynvml.nvmlShutdown()
    # Inside a container the driver shows other process numbers, or none: then torch's own count has to do.
    mine = held.pop(os.getpid(), 0) or int(torch.cuda.memory_reserved())
    programs = tuple((_name(pid), size) for pid, size in sorted(held.items(), key=lambda item: -item[1]))
    return Card(int(memory.total), int(memory.free), mine, programs)


def taken(before: Card | None, now: Card | None) -> str:
    """What other programs took since `before`, as a sentence; empty where they took nothing to speak of."""
    if before is None or now is None or now.others - before.others <= NOISE:
        return ""
    grown = (now.others - before.others) / GIB
    names = ", ".join(name for name, _ in now.programs[:3])
    return f"other programs took {grown:.1f} GiB of the card's memory meanwhile" + (f" ({names})" if names else "")


def excuse(error: BaseException, before: Card | None) -> MachineFailure | None:
    """The machine's failure behind an out-of-memory error that other programs caused; None where they did not."""
    if not isinstance(error, torch.OutOfMemoryError) or not (cause := taken(before, look())):
        return None
    return MachineFailure(f"out of memory: {cause}", hint="close them; the trial will be tried again unchanged")


@contextmanager
def excused(before: Card | None) -> Iterator[None]:
    """Around work on the device: raises MachineFailure where it ran out of memory because of others."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        if failure := excuse(error, before):
            raise failure from error
        raise


def _name(pid: int) -> str:
    import psutil

    try:
        return f"{psutil.Process(pid).name()}, process {pid}"
    except psutil.Error:
        return f"process {pid}"
