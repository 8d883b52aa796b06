"""Entries of a folder, exchanged for others: all or none, and where the command is killed meanwhile the next one makes
it undone. Not the question which entries may go: `data_earlier`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from engine.errors import BadInput
from engine.failpoints import reach
from engine.files import read_regular, write_json
from engine.strict import from_json

PLAN, OLD = "plan.json", "old"

Name = Annotated[str, Meta(pattern=r"^[^/]+$")]


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is under way: `came` move out of the folder `made`, once what they replace lies in `old`."""

    made: Name
    came: tuple[Name, ...]


def exchange(work: Path, made: Path, out: Path, gone: Iterable[str], last: str) -> None:
    """The entries `gone` of `out` move into `work`, those of `made`, a folder in there, into `out`; `last` as the last.

    Raises OSError; then everything is as it was.
    """
    came = sorted((entry.name for entry in made.iterdir()), key=lambda name: (name == last, name))
    (work / OLD).mkdir(exist_ok=True)
    write_json(work / PLAN, Plan(made.name, tuple(came)))
    try:
        for name in sorted(gone, key=lambda name: (name != last, name)):
            (out / name).rename(work / OLD / name)
        reach("data.exchange")
        for name in came:
            (made / name).rename(out / name)
    except BaseException:
        undo(work, out)
        raise
    (work / PLAN).unlink()


def undo(work: Path, out: Path) -> None:
    """What was begun and not ended is made undone; itself interrupted, it goes on the next time. Raises BadInput."""
    try:
        plan = from_json(read_regular(work / PLAN), Plan, source=str(work / PLAN))
    except FileNotFoundError:
        return
    out.mkdir(parents=True, exist_ok=True)
    made, old = work / plan.made, work / OLD
    for name in plan.came:
        if made.is_dir() and not os.path.lexists(made / name) and os.path.lexists(out / name):
            (out / name).rename(made / name)
    for entry in sorted(old.iterdir()):
        if os.path.lexists(out / entry.name):
            what = f"an earlier result was moved into {old} by a command that was killed, and `{entry.name}` is taken"
            raise BadInput(what, where=str(out), hint="move one of the two away")
        entry.rename(out / entry.name)
    (work / PLAN).unlink()


def is_under_way(work: Path) -> bool:
    """Whether an exchange was begun and neither ended nor undone: `work` holds what belongs elsewhere."""
    return os.path.lexists(work / PLAN)
