"""A chart of one or more curves: a legend, the picture, the scale at the left, the steps below.

Each curve has a shade, and its letter stands on it: colour is not needed to tell them apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from trex_tui.model.format import cut
from trex_tui.widgets.braille import LETTERS, Plot, Series, plot, scale, steps

SCALE = 9  # cells for the numbers at the left, the space behind them included
AXIS_FROM = 4  # rows: less have no room for the steps


class BrailleChart(Widget):
    """A title line with the legend, the picture, and where there is room a line with the steps."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"chart--scale", "chart--title", *(f"chart--{c}" for c in LETTERS)}
    DEFAULT_CSS = """
    BrailleChart > .chart--scale { color: $quiet; }
    BrailleChart > .chart--title { color: $accent; text-style: bold; }
    BrailleChart > .chart--a { color: $primary; text-style: bold; }
    BrailleChart > .chart--b { color: $accent; }
    BrailleChart > .chart--c { color: $text-success; }
    BrailleChart > .chart--d { color: $text-warning; }
    BrailleChart > .chart--e { color: $foreground; }
    """

    def __init__(self, title: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._title, self._note = title, ""
        self._series: Sequence[Series] = ()
        self._painted: tuple[tuple[int, int], Plot] | None = None

    def draw(self, series: Sequence[Series], note: str = "") -> None:
        """Show these curves, at most five; the first lies on top. `note` stands behind the title."""
        self._series, self._note, self._painted = series[: len(LETTERS)], note, None
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width, height = self.size
        if y == 0:
            return self._strip(self._legend(width), width)
        axis = height - 1 > AXIS_FROM
        plot = self._plot(max(1, width - SCALE), max(1, height - 1 - axis))
        if axis and y == height - 1:
            return self._strip([Segment(" " * SCALE + steps(plot, width - SCALE), self._style("scale"))], width)
        label = scale(plot, y - 1) if self._has_points(plot) else ""
        segments = [Segment(f"{label:>{SCALE - 1}} ", self._style("scale"))]
        segments += self._segments(plot.rows[y - 1], plot.owners[y - 1])
        return self._strip(segments, width)

    def _strip(self, segments: list[Segment], width: int) -> Strip:
        return Strip(segments).adjust_cell_length(width).apply_style(self.rich_style)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"chart--{name}", partial=True)

    def _legend(self, width: int) -> list[Segment]:
        """The title; the letters of the curves where there are several; the note."""
        parts = [Segment(self._title, self._style("title"))]
        if len(self._series) > 1:
            for letter, series in zip(LETTERS, self._series, strict=False):
                if series.values:
                    parts.append(Segment(f"  {letter} {series.name}", self._style(letter)))
        room = width - sum(cell_len(part.text) for part in parts)
        return [*parts, Segment(cut(f"  {self._note}", room) if self._note else "", self._style("scale"))]

    def _segments(self, row: str, owners: list[int]) -> list[Segment]:
        """Neighbouring cells of one curve together."""
        found, start = [], 0
        for x in range(1, len(row) + 1):
            if x == len(row) or owners[x] != owners[start]:
                style = self._style(LETTERS[owners[start]]) if owners[start] >= 0 else None
                found.append(Segment(row[start:x], style))
                start = x
        return found

    def _plot(self, width: int, height: int) -> Plot:
        if self._painted is None or self._painted[0] != (width, height):
            self._painted = ((width, height), plot(self._series, width, height))
        return self._painted[1]

    def _has_points(self, plot: Plot) -> bool:
        return math.isfinite(plot.low)
