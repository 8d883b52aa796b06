"""One curve drawn with braille dots: two columns and four rows a cell, min and max of each column kept, so spikes stay.

The scale stands at the left: highest value above, lowest below. Values that are not finite are left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from trex_tui.model.format import cut

DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
SCALE = 10  # cells for the numbers at the left


class BrailleChart(Widget):
    """A chart with a title line, then the plot."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"chart--line", "chart--scale", "chart--title"}

    def __init__(self, title: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._title = title
        self._values: Sequence[float] = ()
        self._note = ""
        self._painted: tuple[tuple[int, int], list[str], tuple[float, float]] | None = None

    def draw(self, values: Sequence[float], note: str) -> None:
        """Show these values; `note` stands behind the title (`0.412 at step 31 of 64`)."""
        self._values, self._note, self._painted = values, note, None
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width, height = self.size
        style = {
            name: self.get_component_rich_style(f"chart--{name}", partial=True) for name in ("line", "scale", "title")
        }
        if y == 0:
            title = cut(f"{self._title}  {self._note}" if self._note else self._title, width)
            return Strip([Segment(title, style["title"])]).adjust_cell_length(width).apply_style(self.rich_style)
        rows, (low, high) = self._plot(max(1, width - SCALE), max(1, height - 1))
        label = _label(y - 1, len(rows), low, high) if self._values else ""
        segments = [Segment(f"{label:>{SCALE - 1}} ", style["scale"]), Segment(rows[y - 1], style["line"])]
        return Strip(segments).adjust_cell_length(width).apply_style(self.rich_style)

    def _plot(self, width: int, height: int) -> tuple[list[str], tuple[float, float]]:
        if self._painted is None or self._painted[0] != (width, height):
            rows, span = plot(self._values, width, height)
            self._painted = ((width, height), rows, span)
        return self._painted[1], self._painted[2]


def plot(values: Sequence[float], width: int, height: int) -> tuple[list[str], tuple[float, float]]:
    """Braille rows for a curve, `width` x `height` cells, and the lowest and highest value."""
    finite = [v for v in values if math.isfinite(v)]
    if not finite:
        return [" " * width] * height, (0.0, 0.0)
    low, high = min(finite), max(finite)
    per_unit = (height * 4 - 1) / ((high - low) or 1.0)
    cells = [[0] * width for _ in range(height)]
    before: int | None = None
    for x, part in enumerate(_columns(finite, width * 2)):
        top, bottom = int((high - max(part)) * per_unit), int((high - min(part)) * per_unit)
        if before is not None:  # join with the column before
            top, bottom = (
                min(top, before + 1 if before < top else top),
                max(bottom, before - 1 if before > bottom else bottom),
            )
        before = int((high - part[-1]) * per_unit)
        for y in range(max(0, top), min(height * 4 - 1, bottom) + 1):
            cells[y >> 2][x >> 1] |= DOTS[x & 1][y & 3]
    return ["".join(chr(0x2800 + cell) if cell else " " for cell in row) for row in cells], (low, high)


def _columns(values: Sequence[float], columns: int) -> list[Sequence[float]]:
    """The values of each dot column: buckets where there are many, each value stretched where there are few."""
    count = len(values)
    if count >= columns:
        return [values[x * count // columns : (x + 1) * count // columns] for x in range(columns)]
    return [values[x * count // columns : x * count // columns + 1] for x in range(columns)]


def _label(row: int, rows: int, low: float, high: float) -> str:
    if row == 0:
        return f"{high:.4g}"
    return f"{low:.4g}" if row == rows - 1 and rows > 1 else ""
