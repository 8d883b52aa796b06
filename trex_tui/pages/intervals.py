"""Scores as dots with bars, one under the other on one scale: who is better than whom beyond the noise. Pure text."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.cells import cell_len

from engine.search.tree import Score
from trex_tui.model import format as fmt

LEAST = 10  # cells of the picture; with less there are the numbers only


def dots(rows: Sequence[tuple[str, Score | None]], width: int) -> list[str]:
    """A line per row, `n4t1  0.877 ±0.037     ├──●──┤`, and below them the two ends of the scale."""
    known = [score for _, score in rows if score and _finite(score)]
    names = max((cell_len(name) for name, _ in rows), default=0)
    figures = max((len(fmt.score(score)) for _, score in rows), default=0)
    room = width - names - figures - 4
    heads = [f"{name}{' ' * (names - cell_len(name))}  {fmt.score(score):<{figures}}" for name, score in rows]
    if room < LEAST or not known:
        return [head.rstrip() for head in heads]
    low, high = min(score.low for score in known), max(score.high for score in known)
    lines = [f"{head}  {bar(score, low, high, room)}".rstrip() for head, (_, score) in zip(heads, rows, strict=True)]
    ends = fmt.number(low), fmt.number(high)
    return [*lines, " " * (names + figures + 4) + fmt.cut(f"{ends[0]}{ends[1].rjust(room - len(ends[0]))}", room)]


def bar(score: Score | None, low: float, high: float, room: int) -> str:
    """`   ├──●──┤`: the interval and the value on a scale from `low` to `high`."""
    if score is None or not _finite(score):
        return ""
    begin, at, end = (round(fmt.share(value, low, high) * (room - 1)) for value in (score.low, score.value, score.high))
    cells = [" "] * room
    cells[begin : end + 1] = "─" * (end + 1 - begin)
    cells[begin], cells[end], cells[at] = "├", "┤", "●"
    return "".join(cells).rstrip()


def _finite(score: Score) -> bool:
    return all(math.isfinite(value) for value in (score.value, score.low, score.high))
