"""What stands on the screen, and whether it can be read: the contrast of every cell that holds a character.

The measure is that of WCAG 2: 4.5 for text, 3 for what only guides the eye (frames, guides, bars, curves).
"""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.command import CommandPalette
from textual.geometry import Region
from textual.screen import ModalScreen
from textual.widget import Widget

TEXT, DECORATION = 4.5, 3.0
DIM = 0.5  # how much of a dim colour is left
_DRAWN = ((0x2500, 0x259F), (0x2800, 0x28FF))  # frames and blocks, braille
_SIGNS = frozenset("·…")

RGB = tuple[int, int, int]


def in_sight(app: App[object]) -> str:
    """The screen that is on top as text. Around a window there are blanks: what lies below it is another scene."""
    rows = []
    regions = _regions(app)
    for y, strip in enumerate(app.screen._compositor.render_strips()):
        row, x = "", 0
        for character in strip.text:
            row += character if any(region.contains(x, y) for region in regions) else " " * cell_len(character)
            x += cell_len(character)
        rows.append(row)
    return "\n".join(rows)


def unreadable(app: App[object]) -> list[str]:
    """Faults: (column, line, characters, contrast) of text that is too faint, on the screen that is on top."""
    shown = _regions(app)
    faults = []
    for y, strip in enumerate(app.screen._compositor.render_strips()):
        for x, segment in _placed(strip):
            text = segment.text.strip()
            if (
                text
                and any(region.contains(x, y) for region in shown)
                and (ratio := _contrast(segment)) < _least(app, text)
            ):
                faults.append(f"{text!r} at {x},{y}: contrast {ratio:.2f}")
    return faults


def _regions(app: App[object]) -> list[Region]:
    """What must be readable: everything; with a window over it, the window."""
    if not isinstance(app.screen, ModalScreen):
        return [app.screen.region]
    return [region for child in app.screen.children for region in _boxes(child)]


def _boxes(widget: Widget) -> list[Region]:
    """A widget's place; of one that has none itself, as the palette's frame, the places of what is in it."""
    if not widget.display:
        return []
    return [widget.region] if widget.region.area else [box for child in widget.children for box in _boxes(child)]


def _placed(strip: object) -> Iterator[tuple[int, Segment]]:
    x = 0
    for segment in strip:  # type: ignore[attr-defined]
        lead = len(segment.text) - len(segment.text.lstrip())
        yield x + lead, segment
        x += segment.cell_length


def _least(app: App[object], text: str) -> float:
    drawn = all(c.isspace() or c in _SIGNS or any(a <= ord(c) <= b for a, b in _DRAWN) for c in text)
    if drawn and isinstance(app.screen, CommandPalette):
        return 0.0  # Textual's own window has an edge of ground against ground
    return DECORATION if drawn else TEXT


def _contrast(segment: Segment) -> float:
    style = segment.style or Style()
    ink, paper = style.color, style.bgcolor
    if ink is None or paper is None or ink.is_default or paper.is_default:
        return 0.0  # whatever the terminal has: not ours to promise
    front, back = _rgb(ink), _rgb(paper)
    if style.reverse:
        front, back = back, front
    if style.dim:
        front = tuple(round(b + (f - b) * DIM) for f, b in zip(front, back, strict=True))  # type: ignore[assignment]
    light, dark = sorted((_luminance(front), _luminance(back)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _rgb(color: Color) -> RGB:
    return tuple(color.get_truecolor())  # type: ignore[return-value]


def _luminance(rgb: RGB) -> float:
    parts = [c / 255 for c in rgb]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
