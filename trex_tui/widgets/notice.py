"""One sentence for the person, above the keys: what was done, or why not. It covers nothing and goes by itself."""

from __future__ import annotations

from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from trex_tui.model.format import clean

STAYS = 8.0  # seconds


class Notice(Static):
    """Hidden until `say`."""

    _timer: Timer | None = None

    def say(self, text: str, warning: bool = False) -> None:
        mark = "! " if warning else "  "
        self.update(Content.styled(mark + clean(text), "bold $text-warning" if warning else "bold"))
        self.display = True
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(STAYS, self.hide)

    def hide(self) -> None:
        self.display = False
