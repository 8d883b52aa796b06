"""A pane with what there is to say of what is under a list's cursor. It scrolls where it is too long."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType
from textual.containers import VerticalScroll

from trex_tui.keymap import ABOUT, bindings


class About(VerticalScroll, can_focus=True, inherit_bindings=False):
    """Scrolls with our keys."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(ABOUT)
