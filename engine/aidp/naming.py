"""What the rows of a file are called once they have our form. Light and pure: whoever shows rows needs it too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engine.aidp.kinds.loading import RAW

ORIGIN = "source_"  # what the readers call a file's own column `source`
_RESULT = frozenset({"id", "prompt", "answer", ORIGIN, "parents", "made_by"})


def apart(values: Mapping[str, Any]) -> dict[str, Any]:
    """A file's own values under names that are not those of RAW."""
    return {f"{name}_" if name in RAW else name: value for name, value in values.items()}


def is_result(columns: Sequence[str]) -> bool:
    """Whether the columns of a file, as its readers name them, are those of a result of TREX."""
    return set(columns) >= _RESULT


def place(source: str, line: int) -> str:
    """Where a row stands."""
    return f"{source}:{line}"


class Names:
    """What the rows of a result are called, one after the other: by their own ids; where an id came before or is empty,
    by the place. `ids`: all there are. No name is given twice."""

    def __init__(self, ids: Iterable[str | None]) -> None:
        self._taken = set(ids)
        self._given: set[str] = set()

    def __call__(self, id_: str | None, place: str) -> str:
        name = id_
        if not name or name in self._given:
            name = place
            while name in self._taken:
                name += "+"
            self._taken.add(name)
        self._given.add(name)
        return name
