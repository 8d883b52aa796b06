"""How values become text: scores, durations, states, bars. Pure; no colours and no widgets.

Every state has a glyph and a word, so that colour is never its only sign. All glyphs are one cell wide.
"""

from __future__ import annotations

import time as clock_time
from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

from engine.plan import Direction, TrialConfig
from engine.search.tree import Score

GLYPHS: dict[str, str] = {
    "planned": "·",
    "queued": "○",
    "running": "►",
    "interrupted": "!",
    "done": "●",
    "failed": "✗",
    "cancelled": "–",
    "paused": "‖",
    "stopped": "■",
    "pruned": "×",
    "pinned": "▪",
}
BEST = "★"
SHORT: dict[Direction, str] = {
    "baseline": "baseline",
    "refine_data": "refine",
    "synthesise_data": "synth",
    "adjust_training": "adjust",
}
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_SPARKS = "▁▂▃▄▅▆▇█"
_CONTROL = dict.fromkeys((*range(32), *range(127, 160)), " ")


def number(value: float) -> str:
    """A metric's value: three decimals below 100, then fewer."""
    return f"{value:.3f}" if abs(value) < 100 else f"{value:.5g}"


def score(value: Score | None) -> str:
    """`0.813 ±0.044`: half of the 95% interval."""
    if value is None:
        return "no score"
    return f"{number(value.value)} ±{number((value.high - value.low) / 2)}"


def interval(value: Score | None) -> str:
    """`0.813 [0.769, 0.857]`."""
    if value is None:
        return "no score"
    return f"{number(value.value)} [{number(value.low)}, {number(value.high)}]"


def gain(new: Score | None, old: Score | None, maximize: bool) -> str:
    """`+0.024` where `new` is better than `old` by that, whatever the metric's direction; "" where one is missing."""
    if new is None or old is None:
        return ""
    difference = (new.value - old.value) * (1 if maximize else -1)
    return f"{difference:+.3f}"


def duration(seconds: float) -> str:
    """`42 s`, `7 min 10 s`, `3 h 05 min`, `2 d 4 h`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s" if whole % 60 else f"{whole // 60} min"
    if whole < 86400:
        minutes = whole % 3600 // 60
        return f"{whole // 3600} h {minutes:02d} min" if minutes else f"{whole // 3600} h"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def size(count: float) -> str:
    """`820 KB`, `12.4 MB`, `3.1 GB`."""
    for name, unit in (("GB", 1e9), ("MB", 1e6)):
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count / 1e3:.0f} KB"


def clock(moment: float, seconds: bool = False) -> str:
    """Local time of day of a Unix time."""
    return clock_time.strftime("%H:%M:%S" if seconds else "%H:%M", clock_time.localtime(moment))


def day(moment: float) -> str:
    """Local date and time of day of a Unix time."""
    return clock_time.strftime("%Y-%m-%d %H:%M", clock_time.localtime(moment))


def state(word: str) -> str:
    """Glyph and word: `● done`."""
    return f"{GLYPHS.get(word, '?')} {word}"


def plural(count: int, word: str) -> str:
    """`1 trial`, `2 trials`."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def bar(fraction: float, width: int) -> str:
    """A horizontal bar of `width` cells, filled by eighths."""
    eighths = round(max(0.0, min(1.0, fraction)) * width * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width, "░")


def sparkline(values: Sequence[float], width: int) -> str:
    """The course of `values` in at most `width` cells; the mean of each bucket."""
    if not values or width < 1:
        return ""
    cells = min(width, len(values))
    means = []
    for cell in range(cells):
        part = values[
            cell * len(values) // cells : max(cell * len(values) // cells + 1, (cell + 1) * len(values) // cells)
        ]
        means.append(sum(part) / len(part))
    low, high = min(means), max(means)
    span = (high - low) or 1.0
    return "".join(_SPARKS[round((mean - low) / span * 7)] for mean in means)


def knob(value: object) -> str:
    """One value of a configuration: `0.0003`, `cosine`."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def knobs(config: TrialConfig) -> dict[str, str]:
    """A configuration as text, in the order of its fields."""
    return {name: knob(getattr(config, name)) for name in config.__struct_fields__}


def clean(text: str) -> str:
    """One line without control characters: text of models and data must not steer the terminal."""
    return text.translate(_CONTROL)


def cut(text: str, width: int) -> str:
    """At most `width` cells; an ellipsis says that something is missing."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…"
