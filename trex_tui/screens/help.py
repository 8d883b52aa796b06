"""Every key, read from the bindings of the screen below and of all its panes: nothing is written down twice."""

from __future__ import annotations

import textwrap
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from trex_tui.keymap import CLOSE, bindings
from trex_tui.model import format as fmt
from trex_tui.widgets.key_bar import KeyBar

PANES = {
    "NodeTree": "In the tree",
    "NodeDetail": "In the node's pane",
    "LineLog": "In the log",
    "RunList": "In the list",
}
KEYS = {
    "question_mark": "?", "pagedown": "page down", "pageup": "page up", "escape": "esc",
    "asterisk": "*", "up": "↑", "down": "↓", "left": "←", "right": "→",
}  # fmt: skip
LEGEND = ("planned", "queued", "running", "paused", "interrupted", "done", "failed", "cancelled", "pruned", "pinned")
COLUMN = 22


class Help(ModalScreen[None]):
    """Scrolls with the arrows; esc closes it."""

    CSS_PATH = "overlay.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings(CLOSE)

    def __init__(self, below: Screen[object]) -> None:
        super().__init__()
        self._below = below

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = "help: every key"
            with VerticalScroll(id="help-scroll"):
                yield Static(id="help-text")
            yield KeyBar()

    def on_resize(self) -> None:
        self.call_after_refresh(self._lay_out)

    def _lay_out(self) -> None:
        width = self.query_one("#help-scroll").scrollable_content_region.width
        self.query_one("#help-text", Static).update(text(self._below, self.app, max(30, width)))

    def action_close(self) -> None:
        self.dismiss()


def text(screen: Screen[object], app: App[object], width: int) -> Content:
    """The help of a screen, laid out for `width` cells."""
    lines: list[Content] = []
    for title, found in sections(screen, app):
        lines.append(Content.styled(title, "bold $primary"))
        for keys, said in found:
            first, *more = textwrap.wrap(said, max(10, width - COLUMN - 2))
            lines.append(Content.assemble((f"  {keys:<{COLUMN}}", "bold $text-accent"), first))
            lines.extend(Content(" " * (COLUMN + 2) + line) for line in more)
        lines.append(Content(""))
    lines.append(Content.styled("Signs", "bold $primary"))
    lines.extend(Content(f"  {line}") for line in _signs(width - 2))
    return Content("\n").join(lines)


def _signs(width: int) -> list[str]:
    states = "   ".join(fmt.state(word).replace(" ", "\u00a0") for word in LEGEND)
    said = (
        states,
        f"{fmt.BEST} the best so far, or the champion.  ± half of the 95% interval of a score.",
        "‖ t1: the node's second trial is paused; ▪ t1: it is pinned; fork: a person made this node.",
        "Leaving the interface or closing the terminal changes nothing: the engine works on.",
    )
    return [line for part in said for line in textwrap.wrap(part, width)]


def sections(screen: Screen[object], app: App[object]) -> list[tuple[str, list[tuple[str, str]]]]:
    """(title, [(keys, what they do)]) of the app, the screen and each pane, from their live bindings."""
    found = [
        ("Everywhere", _rows(app._bindings.key_to_bindings)),
        ("On this screen", _rows(screen._bindings.key_to_bindings)),
    ]
    seen: set[str] = set()
    for widget in screen.walk_children():
        name = type(widget).__name__
        if name in PANES and name not in seen:
            seen.add(name)
            found.append((PANES[name], _rows(widget._bindings.key_to_bindings)))
    return [(title, rows) for title, rows in found if rows]


def _rows(keys: dict[str, list[Binding]]) -> list[tuple[str, str]]:
    """Keys of one action together, in the order in which they were bound."""
    actions: dict[str, tuple[list[str], str]] = {}
    for key, bound in keys.items():
        for binding in bound:
            if binding.tooltip:
                actions.setdefault(binding.action, ([], binding.tooltip))[0].append(KEYS.get(key, key))
    return [(", ".join(names), said) for names, said in actions.values()]
