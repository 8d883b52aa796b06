"""What a run may spend and what it has spent, limit by limit. Pure; for the header, the form and the command line.

Not whether something more may be started (`engine.search.budget`).
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import NamedTuple

from engine.search import budget
from engine.search.tree import Tree
from trex_tui.model.format import duration, size

UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
SIZES = (("GB", 10**9), ("MB", 10**6), ("KB", 10**3), ("B", 1))


class Spending(NamedTuple):
    """One limit. `limit`: as a person writes it (`8h`), "none" where there is none; `share` used, 0 without a limit."""

    name: str
    limit: str
    used: str
    share: float


class Counts(NamedTuple):
    """What is counted by walking the whole tree: once for each change of it, not at each redraw."""

    rounds: int
    launched: int


def counts(tree: Tree) -> Counts:
    return Counts(tree.rounds, tree.launched)


def spending(tree: Tree, now: float, counted: Counts, disk: int | None = None) -> tuple[Spending, ...]:
    """Every limit of a run, whether it is set or not. `disk`: bytes of the run's folder, None = not measured."""
    limits, elapsed = tree.limits, tree.elapsed(now)
    allowed, amount_text = tree.allowed_seconds, str(limits.trials or "none")
    return (
        Spending("rounds", str(limits.rounds), f"{counted.rounds} begun", _share(counted.rounds, limits.rounds)),
        Spending("trials", amount_text, f"{counted.launched} started", _share(counted.launched, limits.trials)),
        Spending("wall", wall_text(tree), f"{duration(elapsed)} used", _share(elapsed, allowed)),
        Spending(
            "device",
            amount(limits.device_seconds),
            f"{duration(tree.device_seconds)} used",
            _share(tree.device_seconds, limits.device_seconds),
        ),
        Spending(
            "disk",
            bytes_text(limits.disk_bytes),
            "being measured" if disk is None else f"{size(disk)} used",
            _share(disk or 0, limits.disk_bytes),
        ),
    )


def kept_back(tree: Tree) -> float:
    """Seconds of the time that confirming, testing and the report will need."""
    return budget.reserve_seconds(tree)


def time_said(tree: Tree, now: float) -> str:
    """`5 min of 15 min`, `5 min, until 07:00`, `5 min, no limit`."""
    spent = duration(tree.elapsed(now))
    if tree.limits.until:
        return f"{spent}, {wall_text(tree)}"
    return f"{spent} of {duration(tree.limits.wall_seconds)}" if tree.limits.wall_seconds else f"{spent}, no limit"


def wall_text(tree: Tree) -> str:
    """The limit of time as it is written in a task: `8h`, `until 07:00`, `none`."""
    if tree.limits.until:
        return f"until {datetime.fromtimestamp(tree.limits.until):%H:%M}"
    return amount(tree.limits.wall_seconds)


def amount(seconds: float) -> str:
    """Seconds as `engine.amounts` reads them: `8h`, `90s`; `none` for 0."""
    if not seconds:
        return "none"
    name, unit = next(((name, unit) for name, unit in UNITS if seconds % unit == 0), ("s", 1))
    return f"{seconds / unit:.10g}{name}"


def bytes_text(count: int) -> str:
    """Bytes as `engine.amounts` reads them: `20GB`; `none` for 0."""
    if not count:
        return "none"
    name, unit = next((name, unit) for name, unit in SIZES if count % unit == 0)
    return f"{count // unit}{name}"


def _share(used: float, limit: float) -> float:
    return used / limit if limit and math.isfinite(limit) else 0.0
