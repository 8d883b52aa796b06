"""A page of facts: a name at the left of each, what there is to say wrapped beside it."""

from __future__ import annotations

import textwrap

from trex_tui.model import format as fmt
from trex_tui.pages.page import Page

LABEL = 8  # cells
LEAST = 16


class Facts(Page):
    """`width`: the cells there are."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self._width = width

    def fact(self, name: str, text: str) -> None:
        """One fact; nothing where there is nothing to say."""
        parts = textwrap.wrap(fmt.clean(text), max(LEAST, self._width - LABEL - 1), break_on_hyphens=False)
        for number, part in enumerate(parts):
            self.pair("" if number else name, part, LABEL)
