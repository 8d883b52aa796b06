"""The command line over whatever screen is on show: one line, what could stand there above it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from trex_tui.keymap import CLOSE, bindings
from trex_tui.model import format as fmt
from trex_tui.widgets.command_line import CommandLine, Complete

GAP = "  "


class Command(ModalScreen[str]):
    """Dismissed with the line; "" where nothing was said."""

    CSS_PATH = "command.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings(CLOSE)

    def __init__(self, complete: Complete, said: Sequence[str], value: str = "", wrong: str = "") -> None:
        super().__init__()
        self._line = CommandLine(complete, said, value)
        self._begun, self._wrong = value, wrong  # what is wrong is said until the line is changed

    def compose(self) -> ComposeResult:
        with Vertical(id="command"):
            yield Static(id="command-offers", markup=False)
            with Horizontal(id="command-row"):
                yield Label(":", id="command-mark")
                yield self._line

    def on_mount(self) -> None:
        self._line.focus()

    def on_command_line_offers(self, offers: CommandLine.Offers) -> None:
        above = self.query_one("#command-offers", Static)
        if self._wrong and self._line.value == self._begun:
            above.update(Content.styled(f"! {self._wrong}", "bold $text-warning"))
            return
        last = [line.rpartition(" ")[2] for line in offers.lines]
        above.update(Content.styled(fmt.cut(GAP.join(last), max(10, self.size.width - 2)), "$quiet"))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip())

    def action_close(self) -> None:
        self.dismiss("")
