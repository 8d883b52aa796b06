"""Errors meant for a person: one sentence that says what happened, where, and what to do.

Not for bugs: those stay ordinary exceptions, and their tracebacks go to a log.

    TrexError
    |-- BadInput            a file, value or command is wrong            exit code 2
    |-- MachineFailure      driver, disk, network, missing model file    exit code 1
    |-- ResourceFailure     out of memory or time on a healthy machine   exit code 1
    +-- IdeaFailure         the plan itself failed (diverged, no rows)   exit code 1
"""

from __future__ import annotations

from typing import ClassVar

LONGEST = 2000  # characters of a sentence: foreign names and values are quoted in it


class TrexError(Exception):
    """A failure with a cause (`what`), a place (`where`) and a way out (`hint`)."""

    exit_code: ClassVar[int] = 1
    kind: ClassVar[str] = "machine"

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what, self.where, self.hint = what, where, hint

    def __str__(self) -> str:
        """One line: `where: what; hint`."""
        head = f"{self.where}: {self.what}" if self.where else self.what
        whole = f"{head}; {self.hint}" if self.hint else head
        return one_line(whole if len(whole) <= LONGEST else f"{whole[: LONGEST // 2]} ... {whole[-LONGEST // 4 :]}")


class BadInput(TrexError):
    """What a person or a model handed in is wrong; nothing was changed."""

    exit_code = 2
    kind = "input"


class MachineFailure(TrexError):
    """Nobody's idea failed: the machine did. Never scored, to be tried again."""

    kind = "machine"


class ResourceFailure(TrexError):
    """The machine is healthy, but the trial asked for more memory or time than there is."""

    kind = "resource"


class IdeaFailure(TrexError):
    """The plan itself cannot work: training diverged, the recipe left no rows."""

    kind = "idea"


def one_line(text: str) -> str:
    """Foreign text in one line of ours: what would break the line or steer the terminal is shown as its escape."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
