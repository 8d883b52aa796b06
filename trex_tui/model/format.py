"""How values become text: scores, durations, states, bars. Pure; no colours and no widgets.

Every state has a glyph and a word, so that colour is never its only sign. All glyphs are one cell wide.
"""

from __future__ import annotations

import math
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
_CONTROL: dict[int, str] = {
    **dict.fromkeys((*range(32), *range(127, 160), 0x2028, 0x2029), " "),
    **dict.fromkeys((0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)), ""),  # turn the direction
    **dict.fromkeys(range(0xD800, 0xE000), "\ufffd"),  # halves of surrogate pairs: no terminal can be sent them
}
NO_NUMBER = "?"  # for what is not finite, or so large that it cannot be meant
_LONGEST, _LARGEST = 1e11, 1e21  # seconds, bytes


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


def figure(value: float, form: str, unit: float = 1) -> str:
    """A number in a format such as `,.0f`, in a unit; `?` where it cannot be meant."""
    return f"{value / unit:{form}}" if abs(value) < _LARGEST else NO_NUMBER


def duration(seconds: float) -> str:
    """`42 s`, `7 min 10 s`, `3 h 05 min`, `2 d 4 h`."""
    if not abs(seconds) < _LONGEST:
        return NO_NUMBER
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
    if not abs(count) < _LARGEST:
        return NO_NUMBER
    for name, unit in (("GB", 1e9), ("MB", 1e6)):
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count / 1e3:.0f} KB"


def clock(moment: float, seconds: bool = False) -> str:
    """Local time of day of a Unix time."""
    return _local(moment, "%H:%M:%S" if seconds else "%H:%M")


def day(moment: float) -> str:
    """Local date and time of day of a Unix time."""
    return _local(moment, "%Y-%m-%d %H:%M")


def _local(moment: float, form: str) -> str:
    try:
        return clock_time.strftime(form, clock_time.localtime(moment))
    except (ValueError, OverflowError, OSError):  # not finite, or no year that there is
        return NO_NUMBER


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


def share(value: float, low: float, high: float) -> float:
    """Where a value lies between two others, from 0 to 1; all of them finite, however far apart."""
    span = high - low
    if math.isinf(span):
        return share(value / 2, low / 2, high / 2)
    return max(0.0, min(1.0, (value - low) / (span or 1.0)))


def sparkline(values: Sequence[float], width: int) -> str:
    """The course of `values` in at most `width` cells; the mean of each bucket, a gap where that is not finite."""
    if not values or width < 1:
        return ""
    cells = min(width, len(values))
    means = []
    for cell in range(cells):
        part = values[
            cell * len(values) // cells : max(cell * len(values) // cells + 1, (cell + 1) * len(values) // cells)
        ]
        means.append(sum(part) / len(part))
    finite = [mean for mean in means if math.isfinite(mean)]
    if not finite:
        return " " * cells
    low, high = min(finite), max(finite)
    return "".join(_SPARKS[round(share(mean, low, high) * 7)] if math.isfinite(mean) else " " for mean in means)


def knob(value: object) -> str:
    """One value of a configuration: `0.0003`, `cosine`."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def knobs(config: TrialConfig) -> dict[str, str]:
    """A configuration as text, in the order of its fields."""
    return {name: knob(getattr(config, name)) for name in config.__struct_fields__}


def clean(text: str) -> str:
    """One line without control characters: text of models and data must not steer the terminal."""
    return text.translate(_CONTROL)


def storable(text: str) -> str:
    """The text as it can be encoded: half of a surrogate pair, as in odd names of files, becomes `?`."""
    return text.encode("utf-8", "replace").decode("utf-8")


def cut(text: str, width: int) -> str:
    """At most `width` cells; an ellipsis says that something is missing."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…"
