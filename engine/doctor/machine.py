"""What the doctor asks the machine: room on the disk, and whether the graphics driver answers."""

from __future__ import annotations

import shutil

from engine.doctor.finding import Finding, fine, note, wrong
from engine.workspace import Workspace

TIGHT, FULL = 2 * 10**9, 500 * 10**6  # bytes free


def room(space: Workspace) -> Finding:
    """Free space where the workspace lies, or would lie."""
    place = next(folder for folder in (space.home, *space.home.parents) if folder.is_dir())
    return judged_room(shutil.disk_usage(place).free, str(place))


def judged_room(free: int, where: str) -> Finding:
    said = f"{free / 1e9:,.1f} GB are free on the disk"
    if free < FULL:
        return wrong(f"{said}; a run needs more than that, so free some space", where)
    return note(f"{said}; that is soon used up by checkpoints", where) if free < TIGHT else fine(said, where)


def device() -> Finding:
    """The NVIDIA driver's answer. No driver at all is no fault: trials run on the CPU then."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        if error.value == pynvml.NVML_ERROR_LIBRARY_NOT_FOUND:
            return fine("no NVIDIA driver is installed; trials run on the CPU")
        return wrong(f"the NVIDIA driver does not answer ({error}); load it again, or restart the machine")
    try:
        return fine(f"the NVIDIA driver answers; graphics cards: {pynvml.nvmlDeviceGetCount()}")
    except pynvml.NVMLError as error:
        return wrong(f"the NVIDIA driver does not answer ({error}); load it again, or restart the machine")
    finally:
        pynvml.nvmlShutdown()
