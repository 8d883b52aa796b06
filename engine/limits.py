"""What a run may spend: from a task's budget, or a person's change of it, to limits. Pure; the clock is passed in.

Not whether it is spent (`engine.search.budget`).
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from engine.amounts import NONE, duration, size, times
from engine.control import protocol as p
from engine.errors import BadInput
from engine.search.events import Limits
from engine.task import Budget


def limits_of(budget: Budget, now: datetime, *, rounds: int = 0, wall: str = "", ahead: float = 0.0) -> Limits:
    """A task's budget, with what the person asked for in place of its rounds and time. Raises BadInput."""
    time, until = _times(wall or budget.wall, now, ahead)
    return Limits(
        rounds=rounds or budget.rounds,
        trials=budget.trials,
        wall_seconds=time,
        until=until,
        device_seconds=duration(budget.device),
        disk_bytes=size(budget.disk),
    )


def changed(limits: Limits, command: p.SetBudget, now: datetime, ahead: float = 0.0) -> Limits:
    """The limits after the command. Raises BadInput where it names none, or a value is no limit."""
    new: dict[str, float | int] = {}
    if command.rounds is not None:
        new["rounds"] = command.rounds
    if command.trials is not None:
        new["trials"] = command.trials
    if command.wall is not None:
        new["wall_seconds"], new["until"] = (0.0, 0.0) if command.wall in NONE else _times(command.wall, now, ahead)
    if command.device is not None:
        new["device_seconds"] = duration(command.device)
    if command.disk is not None:
        new["disk_bytes"] = size(command.disk)
    if not new:
        raise BadInput("no limit was given", hint="give rounds, trials, wall, device or disk")
    return msgspec.structs.replace(limits, **new)


def _times(text: str, now: datetime, ahead: float) -> tuple[float, float]:
    """As `times`, the moment by the engine's clock, which may be `ahead` of the one on the wall that a person means."""
    time, until = times(text, now)
    return time, until + ahead if until else 0.0
