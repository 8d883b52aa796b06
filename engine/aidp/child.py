"""What a data process sees to before it imports `datasets`, and how often it says how far it is. Light."""

from __future__ import annotations

import errno
import os
import resource
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from engine.aidp.job import Progress
from engine.executor.limits import cap_memory

Tell = Callable[[Progress], None]
NO_MEMORY = ("failed to map segment", "annot allocate memory", "malloc of size", "std::bad_alloc")
NO_WORD = ("without setting an exception", "without exception set")  # a module in C that got no memory for its own
NO_WORKER = "One of the subprocesses has abruptly died"  # says `datasets`; or it waits for it in vain
EVERY = 1.0  # seconds between two words of progress


def keep_out_of_home(cache: Path) -> None:
    """Before `datasets` is imported: no network, and every file it may want to write goes into the job's own folder."""
    cache.mkdir(exist_ok=True)
    os.environ.update(dict.fromkeys(("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE"), "1"))
    os.environ.update(dict.fromkeys(("HF_HOME", "HF_DATASETS_CACHE", "TMPDIR"), str(cache)))
    os.environ["HF_DATASETS_DISABLE_PROGRESS_BARS"] = "1"


def cap_address_space(memory: int) -> None:
    """As every child: the memory available less a reserve, and less than that where the job says so. Raises
    MemoryError where that is less than the process has already: it could not even say so later."""
    cap = cap_memory()
    if memory:
        if memory < psutil.Process().memory_info().vms:
            raise MemoryError
        resource.setrlimit(resource.RLIMIT_AS, (min(cap, memory), resource.getrlimit(resource.RLIMIT_AS)[1]))


def is_for_memory(error: BaseException) -> bool:
    """Whether something failed because there was no memory, in whatever words: a library that is loaded then has its
    own."""
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    if isinstance(error, SystemError) and any(words in str(error) for words in NO_WORD):
        return True
    return isinstance(error, MemoryError) or any(words in str(error) for words in NO_MEMORY)


def is_for_worker(error: BaseException) -> bool:
    """Whether one of several processes that share the work is gone. (`multiprocess` has a TimeoutError of its own.)"""
    return type(error).__name__ == "TimeoutError" or NO_WORKER in str(error)


def peak() -> int:
    """The greatest memory that this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def calm(tell: Tell, every: float = EVERY) -> Tell:
    """`tell`, but at most once in so many seconds, and always when another operator begins."""
    then, place = 0.0, -1

    def told(progress: Progress) -> None:
        nonlocal then, place
        if time.monotonic() >= then or progress.place != place:
            tell(progress)
            then, place = time.monotonic() + every, progress.place

    return told
