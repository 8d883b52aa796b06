"""A question that is asked once before something is taken away: what it costs, yes or no."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from trex_tui.actions import Ask
from trex_tui.keymap import CONFIRM, bindings
from trex_tui.widgets.key_bar import KeyBar


class Confirm(ModalScreen[bool]):
    """Dismissed with the answer."""

    CSS_PATH = "overlay.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings(CONFIRM)

    def __init__(self, ask: Ask) -> None:
        super().__init__()
        self._ask = ask

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = self._ask.question
            yield Static(self._ask.detail, classes="say", markup=False)
            yield KeyBar()

    def action_answer(self, yes: bool) -> None:
        self.dismiss(yes)
