"""A process that ends when the one that started it does, however that ended, and whatever the two are doing then.

By the kernel: a thread that watches gets no turn while a library computes. Where there is no such call (not Linux) it
binds nothing, and a word that nobody reads ends the process, as before.
"""

from __future__ import annotations

import ctypes
import os
import signal

_SET_PDEATHSIG = 1  # <linux/prctl.h>
_PRCTL = getattr(ctypes.CDLL(None), "prctl", None)  # looked up here: a process that has just been forked must not


def bind(parent: int) -> None:
    """End with `parent`, the process that started this one. Those that this one forks end with it."""
    forking = [parent]
    _end_with(parent)
    os.register_at_fork(
        before=lambda: forking.__setitem__(0, os.getpid()), after_in_child=lambda: _end_with(forking[0])
    )


def _end_with(parent: int) -> None:
    if _PRCTL is None:
        return
    _PRCTL(_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it was quicker
        os._exit(1)
