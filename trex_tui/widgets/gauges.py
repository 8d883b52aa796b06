"""The machine in one line: small gauges of one cell and a number. Each falls away whole where there is no room."""

from __future__ import annotations

from textual.content import Content

from trex_tui.model.machine import Gauge

LEVELS = "▁▂▃▄▅▆▇█"


def drawn(gauges: tuple[Gauge, ...]) -> list[Content]:
    """One part per gauge: `cpu ▆ 78%`. An alarm has a sign, not a colour alone."""
    return [_part(gauge) for gauge in gauges]


def _part(gauge: Gauge) -> Content:
    text = "bold $text-warning" if gauge.alarm else ""
    name = f"{gauge.name} " if gauge.name else ""
    level = f"{LEVELS[min(7, max(0, int(gauge.share * 8)))]} " if gauge.share is not None else ""
    return Content.assemble((f"{'! ' if gauge.alarm else ''}{name}", "$quiet"), (level, "$primary"), (gauge.said, text))
