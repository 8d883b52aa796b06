"""How numbers and choices are said in a report: one spelling for each kind of figure. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from engine.report.model import Comparison, Contender
from engine.search.tree import Score

MINUS = "\u2212"
DIRECTIONS = {
    "baseline": "baseline",
    "refine_data": "refine data",
    "synthesise_data": "synthesise data",
    "adjust_training": "adjust training",
}
ROLES = {"base": "base", "baseline": "baseline trial", "champion": "champion", "best so far": "best so far"}


def number(value: float, digits: int = 3) -> str:
    """`0.815`; negative ones with a true minus sign."""
    return f"{value:.{digits}f}".replace("-", MINUS)


def signed(value: float, digits: int = 3) -> str:
    """`+0.014`, `−0.008`."""
    return f"{value:+.{digits}f}".replace("-", MINUS)


def interval(low: float, high: float) -> str:
    return f"[{number(low)}, {number(high)}]"


def score(value: Score | None) -> str:
    """`0.815 [0.790, 0.839]`, or a dash where there is none."""
    return f"{number(value.value)} {interval(value.low, value.high)}" if value else "\u2013"


def difference(comparison: Comparison | None) -> str:
    """`+0.014 [−0.008, +0.036]`, or a dash."""
    if comparison is None:
        return "\u2013"
    return f"{signed(comparison.difference)} [{signed(comparison.low)}, {signed(comparison.high)}]"


def duration(seconds: float) -> str:
    """`48 s`, `14 min 20 s`, `2 h 05 min`."""
    whole = round(seconds)
    if whole < 120:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def share(part: float, whole: float) -> str:
    """`37%`; a dash of nothing."""
    return f"{100 * part / whole:.0f}%" if whole > 0 else "\u2013"


def count(value: int, one: str, many: str = "") -> str:
    """`1 trial`, `9 trials`, `2,000 rows`."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def moment(unix: float) -> str:
    """A time in UTC, to the minute."""
    return datetime.datetime.fromtimestamp(unix, datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")


def listed(items: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(items[:-1]), items[-1]))) if items else ""


def plain(value: object) -> str:
    """A configuration's value as a person would write it."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def role(contender: Contender) -> str:
    """`champion`, or `baseline trial and champion` where one trial is both."""
    return listed([ROLES[name] for name in contender.roles])
