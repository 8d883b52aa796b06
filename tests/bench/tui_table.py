"""Figures side by side, as a table in Markdown; and the machine that they were taken on."""

from __future__ import annotations

import math
import os
import statistics
import subprocess
from collections.abc import Iterator
from typing import NamedTuple


class Figure(NamedTuple):
    """One line of the table: ours and the plain one's, in `unit`; `aim` of the median, or of the p99."""

    what: str
    unit: str
    ours: list[float]
    plain: list[float]
    aim: str = ""


def table(figures: list[Figure]) -> Iterator[str]:
    yield "| what | unit | aim | median | p99 | plain: median | p99 | times |"
    yield "|---|---|---|---|---|---|---|---|"
    for figure in figures:
        times = f"{len(figure.ours)}" + (f", {len(figure.plain)}" if figure.plain else "")
        yield (
            f"| {figure.what} | {figure.unit} | {figure.aim} | {_pair(figure.ours)} | {_pair(figure.plain)} | {times} |"
        )


def _pair(values: list[float]) -> str:
    """Median and p99 (the worst of less than a hundred)."""
    if not values:
        return " | "
    ordered = sorted(values)
    worst = ordered[math.ceil(0.99 * len(ordered)) - 1]
    return f"{_said(statistics.median(values))} | {_said(worst) if len(values) > 1 else ''}"


def _said(value: float) -> str:
    return f"{value:.3f}" if value < 10 else f"{value:,.0f}" if value >= 1000 else f"{value:.1f}"


def processor() -> str:
    """As lscpu names it."""
    said = subprocess.run(["lscpu"], capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"})
    names = [line.split(":", 1)[1].strip() for line in said.stdout.splitlines() if line.startswith("Model name")]
    return f"{names[0] if names else 'unknown processor'}, {os.cpu_count()} cores"
