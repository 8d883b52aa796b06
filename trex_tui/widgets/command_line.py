"""The line at the bottom in which one says what to do: typing, completing with tab, going back to what was said before.

It knows no command: what may be said is given to it, what was said is its message.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message
from textual.widgets import Input

from trex_tui.keymap import COMMAND, bindings
from trex_tui.spoken import shared

Complete = Callable[[str], list[str]]


class CommandLine(Input):
    """`complete` gives the lines that this one may become; `said` what was said before, oldest first."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(COMMAND)

    class Offers(Message):
        """What could be said now."""

        def __init__(self, lines: Sequence[str]) -> None:
            super().__init__()
            self.lines = tuple(lines)

    def __init__(self, complete: Complete, said: Sequence[str], value: str = "") -> None:
        super().__init__(value, select_on_focus=False, id="command-line")
        self._complete, self._said = complete, list(said)
        self._at = len(self._said)
        self._typed = value

    def on_mount(self) -> None:
        self._offer()

    def on_input_changed(self) -> None:
        self._offer()

    def _offer(self) -> None:
        self.post_message(self.Offers(self._complete(self.value)))

    def action_complete(self) -> None:
        """As far as all that fit agree; the whole word, and a space, where one is left."""
        found = self._complete(self.value)
        longest = shared(found)
        if len(found) == 1:
            longest = f"{found[0]} "
        if len(longest) > len(self.value):
            self.value = longest
            self.cursor_position = len(longest)

    def action_earlier(self, by: int) -> None:
        """What was said before, and at last what was being typed."""
        if self._at == len(self._said):
            self._typed = self.value
        self._at = max(0, min(len(self._said), self._at + by))
        self.value = self._said[self._at] if self._at < len(self._said) else self._typed
        self.cursor_position = len(self.value)
