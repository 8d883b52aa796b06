"""Every key, read from the bindings of the screen below and of all its panes: nothing is written down twice."""

from __future__ import annotations

import textwrap
from typing import ClassVar

from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingsMap, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Input, Static

from trex_tui.keymap import CLOSE, HELP, bindings
from trex_tui.model import format as fmt
from trex_tui.model.query import FIGURES, OPERATORS, WORDS
from trex_tui.widgets.key_bar import KeyBar
from trex_tui.widgets.node_row import MARKED

PANES = {
    "NodeTree": "In the tree",
    "NodeDetail": "In the node's pane",
    "LineLog": "In the log",
    "LineList": "In the list",
    "About": "Below the list",
    "InsightList": "In the list",
    "SearchLine": "In the line of the words",
    "EvidenceList": "In the evidence",
    "DataPage": "In a pane",
    "FilterLine": "In the line of the filter",
    "FileLog": "In the lines",
    "FindLine": "In the line of the text",
    "RunFilter": "In the line of the words",
    "ModelFilter": "In the line of the words",
}
"""Widget class -> the title above its keys. A widget of ours with keys that is not named here fails a test."""
ELSEWHERE = "In this pane"
KEYS = {
    "question_mark": "?", "pagedown": "page down", "pageup": "page up", "escape": "esc", "asterisk": "*",
    "up": "↑", "down": "↓", "left": "←", "right": "→", "slash": "/", "colon": ":", "comma": ",", "semicolon": ";",
    "full_stop": ".", "left_square_bracket": "[", "right_square_bracket": "]", "left_curly_bracket": "{",
    "right_curly_bracket": "}", "plus": "+", "minus": "-", "underscore": "_", "equals_sign": "=",
    "exclamation_mark": "!",
}  # fmt: skip
LEGEND = ("planned", "queued", "running", "paused", "interrupted", "done", "failed", "cancelled", "pruned", "pinned")
COLUMN, COLUMN_NARROW = 22, 9
NARROW = 56  # cells; below them the keys' column is small, and long names stand on a line of their own

Rows = list[tuple[str, str]]


class Help(ModalScreen[None]):
    """Scrolls with the arrows; `/` shows only what holds a text; esc closes it."""

    CSS_PATH = "overlay.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings((*CLOSE, *HELP))

    def __init__(self, below: Screen[object]) -> None:
        super().__init__()
        self._below = below

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = "help: every key"
            yield Input(id="help-find", placeholder="a key or a word", compact=True)
            with VerticalScroll(id="help-scroll"):
                yield Static(id="help-text")
            yield KeyBar()

    def on_mount(self) -> None:
        self.query_one("#help-find").display = False
        self.query_one("#help-scroll").focus()

    def on_resize(self) -> None:
        self.call_after_refresh(self._lay_out)

    def _lay_out(self) -> None:
        width = self.query_one("#help-scroll").scrollable_content_region.width
        wanted = self.query_one("#help-find", Input).value
        self.query_one("#help-text", Static).update(text(self._below, self.app, max(24, width), wanted))

    def on_input_changed(self) -> None:
        self._lay_out()

    def on_input_submitted(self) -> None:
        self.query_one("#help-scroll").focus()

    def action_find(self) -> None:
        field = self.query_one("#help-find", Input)
        field.display = True
        field.focus()

    def action_close(self) -> None:
        """Out of the search first, then out of the help."""
        field = self.query_one("#help-find", Input)
        if not field.display:
            self.dismiss()
            return
        field.value, field.display = "", False
        self.query_one("#help-scroll").focus()


def text(screen: Screen[object], app: App[object], width: int, wanted: str = "") -> Content:
    """The help of a screen, laid out for `width` cells; with `wanted`, only the keys that it stands in."""
    lines: list[Content] = []
    for title, found in sections(screen, app):
        kept = [row for row in found if wanted.casefold() in " ".join(row).casefold()]
        if not kept:
            continue
        lines.append(Content.styled(title, "bold $primary"))
        lines += [line for row in kept for line in _row(*row, width)]
        lines.append(Content(""))
    if not lines:
        return Content(f"no key says `{fmt.clean(wanted)}`")
    if wanted:
        return Content("\n").join(lines)
    lines.append(Content.styled("Signs", "bold $primary"))
    lines.extend(Content(f"  {line}") for line in _signs(width - 2))
    return Content("\n").join(lines)


def _row(keys: str, said: str, width: int) -> list[Content]:
    """One action: its keys, and what they do beside them or, where the keys need the room, below."""
    column = COLUMN if width >= NARROW else COLUMN_NARROW
    first, *more = textwrap.wrap(said, max(10, width - column - 2))
    name = (f"  {keys:<{column}}", "bold $text-accent")
    if cell_len(keys) >= column:
        below = (first, *more)
        return [Content.styled(*name), *(Content(" " * (column + 2) + line) for line in below)]
    return [Content.assemble(name, first), *(Content(" " * (column + 2) + line) for line in more)]


def _signs(width: int) -> list[str]:
    states = "   ".join(fmt.state(word).replace(" ", "\u00a0") for word in LEGEND)
    said = (
        states,
        f"{fmt.BEST} the best so far, or the champion.  ± half of the 95% interval of a score.",
        "‖ t1: the node's second trial is paused; ▪ t1: it is pinned; fork: a person made this node.",
        f"{MARKED} a marked node.  (n2): only what is below it passes the filter.  ⋯3: three single children left out.",
        f"A filter compares {', '.join(FIGURES)} with a number ({' '.join(OPERATORS)}), "
        f"finds {': '.join(WORDS)}: by a word, and any other word in the text; joined by AND, OR, NOT and brackets.",
        "Leaving the interface or closing the terminal changes nothing: the engine works on.",
    )
    return [line for part in said for line in textwrap.wrap(part, width)]


def sections(screen: Screen[object], app: App[object]) -> list[tuple[str, Rows]]:
    """(title, [(keys, what they do)]) of the app, the screen and each pane, from their live bindings."""
    found = [] if screen.is_modal else [("Everywhere", _rows(_as_set(app._bindings, app)))]
    found.append(("On this screen", _rows(_as_set(screen._bindings, app))))
    seen: set[str] = set()
    for widget in screen.walk_children():
        name = type(widget).__name__
        if name not in seen:
            seen.add(name)
            found.append((PANES.get(name, ELSEWHERE), _rows(_as_set(widget._bindings, app))))
    return [(title, rows) for title, rows in found if rows]


def _as_set(bound: BindingsMap, app: App[object]) -> dict[str, list[Binding]]:
    """With the keys of the person's own settings."""
    own = bound.copy()
    own.apply_keymap(app._keymap)
    return own.key_to_bindings


def _rows(keys: dict[str, list[Binding]]) -> Rows:
    """Keys of one action together, in the order in which they were bound."""
    actions: dict[str, tuple[list[str], str]] = {}
    for key, bound in keys.items():
        for binding in bound:
            if binding.tooltip:
                actions.setdefault(binding.action, ([], binding.tooltip))[0].append(KEYS.get(key, key))
    return [(", ".join(names), said) for names, said in actions.values()]
