"""Curves as braille dots: two columns and four rows a cell; the lowest and highest of each column stay, so a spike of
one step is seen however many steps there are. Pure; the widget is `trex_tui.widgets.braille_chart`.

Several curves lie over each other: each has a letter, which stands on it. Values that are not finite leave a gap.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from trex_tui.model.format import cut, share

DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
LETTERS = "abcde"
APART = 24  # cells between two letters of one curve


class Series(NamedTuple):
    """A curve. `at`: the step of each value, rising; empty = 1, 2, 3, ..."""

    name: str
    values: Sequence[float]
    at: Sequence[float] = ()


class Plot(NamedTuple):
    """The picture, in cells: the text of each row, and which curve each cell belongs to (-1: none)."""

    rows: list[str]
    owners: list[list[int]]
    low: float
    high: float
    first: float
    last: float


def plot(series: Sequence[Series], width: int, height: int) -> Plot:
    """The picture of these curves, `width` x `height` cells. Without a finite value it is blank, `low` not a number."""
    shown = [one for one in series if len(one.values)]
    finite = [v for one in shown for v in _finite(one.values)]
    cells, owners = [[0] * width for _ in range(height)], [[-1] * width for _ in range(height)]
    if not finite:
        return Plot([" " * width] * height, owners, math.nan, math.nan, 0, 0)
    low, high = min(finite), max(finite)
    first = min(float(one.at[0] if one.at else 1) for one in shown)
    last = max(float(one.at[-1] if one.at else len(one.values)) for one in shown)
    tops: list[list[int]] = []
    for number in reversed(range(len(series))):  # the first one is drawn last, so it lies on top
        columns = _columns(series[number], first, last, width * 2)
        tops.insert(0, _draw(columns, number, low, high, cells, owners))
    rows = [[chr(0x2800 + cell) if cell else " " for cell in row] for row in cells]
    if len(series) > 1:
        _write_letters(tops, rows, owners)
    return Plot(["".join(row) for row in rows], owners, low, high, first, last)


def _finite(values: Sequence[float]) -> Sequence[float]:
    return values if math.isfinite(sum(values)) else [v for v in values if math.isfinite(v)]


Column = tuple[float, float, float] | None  # lowest, highest and last value; None: a gap


def _columns(series: Series, first: float, last: float, count: int) -> list[Column]:
    """What of a curve falls into each dot column. Between two steps runs a straight line, where both have a value."""
    values, at = series.values, series.at or range(1, len(series.values) + 1)
    whole = math.isfinite(sum(values)) if values else True
    width = (last - first) / count or 1.0
    found: list[Column] = []
    begin = 0
    for x in range(count):
        end = bisect_right(at, first + (x + 1) * width, begin) if x < count - 1 else len(values)
        part = values[begin:end]
        if part:
            found.append(_extent(part, whole))
        elif 0 < begin < len(values):
            between = (first + (x + 0.5) * width - at[begin - 1]) / ((at[begin] - at[begin - 1]) or 1.0)
            value = values[begin - 1] + (values[begin] - values[begin - 1]) * between
            found.append((value, value, value) if math.isfinite(value) else None)
        else:
            found.append(None)
        begin = end
    return found


def _extent(part: Sequence[float], whole: bool) -> Column:
    if not whole:
        part = [v for v in part if math.isfinite(v)]
    return (min(part), max(part), part[-1]) if part else None


def _draw(
    columns: list[Column], number: int, low: float, high: float, cells: list[list[int]], owners: list[list[int]]
) -> list[int]:
    """Set the dots of one curve; the dot row of its last value per column, -1 in a gap."""
    bottom_dot = len(cells) * 4 - 1

    def dot(value: float) -> int:
        return int(share(-value, -high, -low) * bottom_dot)

    before, ends = -1, []
    for x, column in enumerate(columns):
        if column is None:
            before = -1
            ends.append(-1)
            continue
        top, bottom, end = dot(column[1]), dot(column[0]), dot(column[2])
        if before >= 0:  # join with the column before
            if before < top:
                top = before + 1
            elif before > bottom:
                bottom = before - 1
        before = end
        ends.append(end)
        dots, cell = DOTS[x & 1], x >> 1
        for y in range(top, bottom + 1):
            cells[y >> 2][cell] |= dots[y & 3]
            owners[y >> 2][cell] = number
    return ends


def _write_letters(ends: list[list[int]], rows: list[list[str]], owners: list[list[int]]) -> None:
    """Each curve's letter on it, every so often, those of different curves at different places."""
    for number, own in enumerate(ends):
        cells = len(own) // 2
        step = max(len(ends), min(APART, cells))
        for x in range(step * (2 * number + 1) // (2 * len(ends)), cells, step):
            if (y := own[2 * x]) >= 0:
                rows[y >> 2][x], owners[y >> 2][x] = LETTERS[number], number


def scale(plot: Plot, row: int) -> str:
    """The number at the left of a row: the highest value above, the lowest below, in between where there is room."""
    last = len(plot.rows) - 1
    if row == 0:
        return f"{plot.high:.4g}"
    if row == last:
        return f"{plot.low:.4g}"
    if last >= 6 and row == last // 2:
        return f"{plot.high - 2 * row * ((plot.high / 2 - plot.low / 2) / last):.4g}"
    return ""


def steps(plot: Plot, width: int) -> str:
    """The line below: the first step and the last one."""
    left, right = (f"{plot.first:g}", f"step {plot.last:g}") if math.isfinite(plot.low) else ("", "")
    return cut(f"{left}{right:>{max(0, width - len(left))}}", width)
