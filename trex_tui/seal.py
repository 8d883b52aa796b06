"""The one gate to the terminal: no text of models, data or files leaves the interface as a control sequence.

What pages show is cleaned where it is written too (`trex_tui.model.format.clean`); this holds where somebody forgot.
Not for files or for what commands print.
"""

from __future__ import annotations

import re

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

# C0, C1, marks that turn the direction of writing, separators of lines, halves of surrogate pairs.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def sealed(text: str) -> str:
    """As wide as it was, and harmless: marks without a width go, the rest becomes spaces."""
    safe = _UNSAFE.sub(lambda found: " " * cell_len(found[0]), text)
    if safe == text:
        return text
    width = cell_len(text)
    # A joiner left over would join with what makes up for the width.
    return set_cell_size(safe if cell_len(safe) == width else safe.replace("\u200d", ""), width)


class Seal(LineFilter):
    """Every line of every widget passes through here, borders and titles too. Textual keeps what came out.

    `inner`: Textual's own filters, which are applied first. One filter in place of several: each costs a new line.
    """

    def __init__(self, inner: tuple[LineFilter, ...] = ()) -> None:
        super().__init__()
        self.inner = inner

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        for one in self.inner:
            segments = one.apply(segments, background)
        for segment in segments:
            if not segment.text.isprintable():  # quick, and never true of what is unsafe
                return [Segment(sealed(text), style) for text, style, _ in segments]
        return segments
