"""What the doctor says: findings, and for those that can be mended, what mending would do. Values only."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, Literal

import msgspec

Level = Literal["ok", "note", "wrong"]


class Cure(msgspec.Struct, frozen=True):
    """A change that `trex doctor --mend` makes. `alone`: only while no engine is running."""

    alone: ClassVar[bool] = False

    @property
    def words(self) -> str:
        """What it would do, after `mending would`."""
        raise NotImplementedError


class MakePrivate(Cure, frozen=True):
    """Take the group's and everybody else's rights away."""

    paths: tuple[Path, ...]

    @property
    def words(self) -> str:
        return f"take others' rights away from {_few(self.paths)}"


class Remove(Cure, frozen=True):
    """Remove what a killed process left half-written."""

    alone: ClassVar[bool] = True
    paths: tuple[Path, ...]

    @property
    def words(self) -> str:
        return f"remove {_few(self.paths)}"


class PutBack(Cure, frozen=True):
    """Move the damaged journal away and put a backup in its place."""

    alone: ClassVar[bool] = True
    said: str

    @property
    def words(self) -> str:
        return f"move the journal to `damaged` and put back the backup with {self.said}"


class SetAside(Cure, frozen=True):
    """Move a file of no use out of the way."""

    paths: tuple[Path, ...]

    @property
    def words(self) -> str:
        return f"move {_few(self.paths)} to `damaged`"


class BackUp(Cure, frozen=True):
    """Make a backup of the journal now."""

    @property
    def words(self) -> str:
        return "make a backup now"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One check: how it stands, what was found, where, and the cure, where this program has one."""

    level: Level
    what: str
    where: str = ""
    cure: Cure | None = None

    @property
    def mend(self) -> str:
        """What mending would do; empty where only a person can."""
        return self.cure.words if self.cure else ""


def fine(what: str, where: object = "") -> Finding:
    return Finding(level="ok", what=what, where=str(where))


def note(what: str, where: object = "", cure: Cure | None = None) -> Finding:
    return Finding(level="note", what=what, where=str(where), cure=cure)


def wrong(what: str, where: object = "", cure: Cure | None = None) -> Finding:
    return Finding(level="wrong", what=what, where=str(where), cure=cure)


def counted(number: int, what: str) -> str:
    """`1 result`, `12 results`."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def listed(names: Iterable[str], most: int = 5) -> str:
    """The first few names, and how many more there are."""
    every = list(names)
    rest = f" and {len(every) - most:,} more" if len(every) > most else ""
    return ", ".join(every[:most]) + rest


def _few(paths: tuple[Path, ...]) -> str:
    return str(paths[0]) if len(paths) == 1 else f"{len(paths)} of them, the first {paths[0]}"
