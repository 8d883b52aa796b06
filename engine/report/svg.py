"""Small pieces of SVG: elements, scales, ticks. Colours are classes of the page's style sheet. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

Value = str | float | int


def element(tag: str, inner: str = "", **attributes: Value) -> str:
    """One element; `cls` stands for `class`, `_` in a name for `-`. `inner` is markup, attributes are escaped."""
    names = {"cls": "class"}
    given = "".join(
        f' {names.get(key, key.replace("_", "-"))}="{escape(_text(value))}"' for key, value in attributes.items()
    )
    return f"<{tag}{given}>{inner}</{tag}>" if inner else f"<{tag}{given}/>"


def label(x: float, y: float, text: str, cls: str = "") -> str:
    """Text at a point; `cls`: `soft`, `strong`, `mid`, `end`."""
    return element("text", escape(text), x=x, y=y, cls=cls)


def line(x1: float, y1: float, x2: float, y2: float, cls: str) -> str:
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, cls=cls)


def dot(x: float, y: float, cls: str, tip: str, radius: float = 4.5) -> str:
    """A filled circle that says `tip` under the pointer."""
    return element("circle", element("title", escape(tip)), cx=x, cy=y, r=radius, cls=cls)


def path(points: Iterable[tuple[float, float]], cls: str) -> str:
    """An open line through the points."""
    steps = [f"{_text(x)} {_text(y)}" for x, y in points]
    return element("path", d="M" + " L".join(steps), cls=cls) if steps else ""


def drawing(width: float, height: float, parts: Iterable[str], title: str) -> str:
    """A whole drawing, scaled to the width it is given."""
    return element(
        "svg",
        "".join(parts),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_text(width)} {_text(height)}",
        role="img",
        aria_label=title,
    )


@dataclass(frozen=True)
class Scale:
    """Maps [low, high] to [start, end] linearly; an empty range to the middle."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        if self.high <= self.low:
            return (self.start + self.end) / 2
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, most: int = 6) -> list[float]:
        """Round values inside the range, at most `most` of them."""
        if self.high <= self.low:
            return [self.low]
        rough = (self.high - self.low) / max(1, most - 1)
        power: float = 10.0 ** math.floor(math.log10(rough))
        step = next(m * power for m in (1, 2, 2.5, 5, 10, 20) if m * power >= rough)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [n * step for n in range(first, last + 1)]


def padded(values: Sequence[float], share: float = 0.06) -> tuple[float, float]:
    """The values' range with a margin; [0, 1] of nothing. Values that are not finite are left out."""
    finite = [v for v in values if math.isfinite(v)]
    if not finite:
        return 0.0, 1.0
    low, high = min(finite), max(finite)
    margin = (high - low) * share or abs(low) * share or 0.5
    return low - margin, high + margin


def thinned(count: int, most: int) -> list[int]:
    """At most `most` indices of `count`, evenly spread, the first and the last among them."""
    if count <= most:
        return list(range(count))
    return sorted({round(i * (count - 1) / (most - 1)) for i in range(most)})


def _text(value: Value) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
