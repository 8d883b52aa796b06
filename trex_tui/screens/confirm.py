"""A question that is asked once before something is done: what it costs, yes or no."""

from __future__ import annotations

from typing import ClassVar, Protocol

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from trex_tui.keymap import CONFIRM, bindings
from trex_tui.widgets.key_bar import KeyBar

AROUND = 6  # lines of the box that are not the detail: border, padding, gap, keys


class Question(Protocol):
    """What is asked, in a line, and what it costs."""

    @property
    def question(self) -> str: ...
    def explain(self) -> str: ...


class Confirm(ModalScreen[bool]):
    """Dismissed with the answer. A long detail scrolls with the arrows."""

    CSS_PATH = "overlay.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings(CONFIRM)

    def __init__(self, ask: Question) -> None:
        super().__init__()
        self._ask = ask

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = self._ask.question
            with VerticalScroll(id="detail-scroll"):
                yield Static(self._ask.explain(), id="question", markup=False)
            yield KeyBar()

    def on_resize(self) -> None:
        # A share of a box that grows with its content cannot be said in the style sheet.
        self.query_one("#detail-scroll").styles.max_height = max(3, self.size.height - AROUND)

    def action_answer(self, yes: bool) -> None:
        self.dismiss(yes)
