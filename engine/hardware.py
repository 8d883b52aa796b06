"""What machine this is and which versions are installed, for the report. Reads; changes nothing."""

from __future__ import annotations

import contextlib
import importlib.metadata as metadata
import os
import platform
from pathlib import Path

PACKAGES = (
    "torch",
    "transformers",
    "peft",
    "bitsandbytes",
    "trl",
    "datasets",
    "accelerate",
    "llama-cpp-python",
    "faiss-cpu",
    "wordllama",
    "msgspec",
    "textual",
)


def versions() -> dict[str, str]:
    """Versions of Python, of this project and of the packages a result depends on."""
    found = {"python": platform.python_version()}
    for name in ("trex-tui", *PACKAGES):
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def describe() -> str:
    """One line: processor, cores, memory, graphics cards."""
    parts = [_processor(), f"{usable_cores()} cores", f"{_memory_gib():.0f} GiB", *(gpus() or ["no GPU"])]
    return ", ".join(parts)


def usable_cores() -> int:
    return len(os.sched_getaffinity(0))


def gpus() -> list[str]:
    """Names and memory of the NVIDIA cards that the driver shows; empty where there is no driver."""
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:  # no driver, no card, or a broken one: all mean that none can be named
        return []
    try:
        handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
        return [
            f"{pynvml.nvmlDeviceGetName(h)} ({pynvml.nvmlDeviceGetMemoryInfo(h).total / 2**30:.0f} GiB)"
            for h in handles
        ]
    finally:
        pynvml.nvmlShutdown()


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
