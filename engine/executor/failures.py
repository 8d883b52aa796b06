"""From an exception to the trial's last word: idea, resource or machine, with one sentence.

Only what a plan can be blamed for is an idea's failure. What nobody foresaw counts as the machine's: it is tried
again and shown, never scored.
"""

from __future__ import annotations

from engine.errors import IdeaFailure, MachineFailure, ResourceFailure, TrexError
from engine.jobs import Exit

_NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory", "bad_alloc", "cannot allocate memory")
_NO_MEMORY_ON_DEVICE = ("OutOfMemoryError",)


def exit_for(error: BaseException) -> Exit:
    """How the trial ended, by its exception."""
    if isinstance(error, IdeaFailure | ResourceFailure):
        return Exit(state="failed", kind="idea" if isinstance(error, IdeaFailure) else "resource", cause=str(error))
    if isinstance(error, TrexError):
        return Exit(state="failed", kind="machine", cause=str(error))
    if is_out_of_memory(error):
        return Exit(state="failed", kind="resource", cause=f"out of memory: {_first_line(error)}")
    return Exit(state="failed", kind="machine", cause=f"{type(error).__name__}: {_first_line(error)}")


def exit_for_import(error: BaseException) -> Exit:
    """How a trial ended whose libraries could not be loaded: never an idea's fault."""
    if is_out_of_memory(error):
        return exit_for(error)
    first = _root(error)
    failure = MachineFailure(
        f"the training libraries cannot be loaded ({type(first).__name__}: {_first_line(first)})",
        hint="mend the graphics driver or the installation, then resume the run",
    )
    return exit_for(failure)


def _root(error: BaseException) -> BaseException:
    """The first of a chain of exceptions: libraries wrap what happened in sentences of their own."""
    while (before := error.__cause__ or (None if error.__suppress_context__ else error.__context__)) is not None:
        error = before
    return error


def is_out_of_memory(error: BaseException) -> bool:
    """Memory of the host or of the device, by type or by the words of torch's allocators."""
    if isinstance(error, MemoryError) or type(error).__name__ in _NO_MEMORY_ON_DEVICE:
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError | OSError) and any(words in text for words in _NO_MEMORY)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else "no further word from the library"
