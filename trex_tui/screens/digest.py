"""Since you left: what was tried, what was learned, what it cost, what comes next, for every run that has moved."""

from __future__ import annotations

import textwrap
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from engine.amounts import seconds
from engine.errors import BadInput
from trex_tui.host import Host
from trex_tui.keymap import DIGEST, bindings
from trex_tui.model import format as fmt
from trex_tui.model.digest import Digest, digest
from trex_tui.model.store import Part
from trex_tui.widgets.key_bar import KeyBar
from trex_tui.widgets.notice import Notice

STYLES = {"": "", "good": "$text-success", "bad": "bold $text-warning", "quiet": "$quiet"}
NOBODY_LEFT = "When somebody last looked is not known: this is everything."


def make(host: Host, words: tuple[str, ...]) -> Since:
    """`words`: how long ago (`8h`), else since the last visit. Raises BadInput."""
    if len(words) > 1:
        raise BadInput(f"`{' '.join(words)}` is more than one duration", hint="write one, such as `:digest 8h`")
    return Since(host, host.now() - seconds(words[0]) if words else host.left_at)


class Since(ModalScreen[None]):
    """`since`: Unix seconds; 0 = the beginning. Tab shows everything, and what is new again."""

    CSS_PATH = "digest.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings(DIGEST)

    def __init__(self, host: Host, since: float) -> None:
        super().__init__()
        self._host, self._left = host, since
        self._since = since

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            with VerticalScroll(id="help-scroll", can_focus=False):
                yield Static(id="digest-text")
            yield Notice(id="notice")
            yield KeyBar()

    def on_resize(self) -> None:
        self.call_after_refresh(self._write)

    def pull(self, parts: frozenset[Part], _touched: frozenset[tuple[str, str]]) -> None:
        if "runs" in parts or "tree" in parts:
            self._write()

    def _write(self) -> None:
        if not self.is_attached:
            return
        width = max(20, self.query_one("#help-scroll").scrollable_content_region.width - 1)
        self.query_one("#box").border_title = "since you left" if self._since else "since the beginning"
        self.query_one("#digest-text", Static).update(text(self._digests(), width, bool(self._left)))

    def _digests(self) -> list[Digest]:
        """The run on show first, then the others that have moved, the latest first."""
        live, now, first = self._host.live, self._host.now(), self._host.selection.run
        moved = {
            name: view
            for name, view in live.runs.items()
            if view.tree.created is not None and (view.tree.last_time > self._since or name == first)
        }
        order = sorted(moved, key=lambda name: (name != first, -moved[name].tree.last_time))
        return [digest(name, moved[name], self._since, now) for name in order]

    def action_turn(self) -> None:
        """From what is new to everything, and back."""
        self._since = 0.0 if self._since else self._left
        self._write()
        self.query_one("#help-scroll").scroll_home(animate=False)

    def action_line(self, by: int) -> None:
        self.query_one("#help-scroll").scroll_relative(y=by, animate=False)

    def action_page(self, by: int) -> None:
        scroll = self.query_one("#help-scroll")
        scroll.scroll_relative(y=by * max(1, scroll.size.height - 1), animate=False)

    def action_edge(self, last: bool) -> None:
        scroll = self.query_one("#help-scroll")
        scroll.scroll_end(animate=False) if last else scroll.scroll_home(animate=False)

    def action_close(self) -> None:
        self.dismiss()


def text(digests: list[Digest], width: int, left: bool) -> Content:
    """All of it, laid out for `width` cells."""
    lines: list[Content] = [] if left else [Content.styled(fmt.cut(NOBODY_LEFT, width), "$quiet")]
    for said in digests:
        lines += [*(Content.styled(line, "bold $primary") for line in textwrap.wrap(said.head, width)), Content("")]
        for section in said.sections:
            lines.append(Content.styled(section.title, "bold"))
            for line in section.lines:
                lines += [Content.styled(row, STYLES[line.tone]) for row in _wrapped(line.text, width)]
            lines.append(Content(""))
    return Content("\n").join(lines or [Content("No search yet; n starts one.")])


def _wrapped(line: str, width: int) -> list[str]:
    return textwrap.wrap(line, width, initial_indent="  ", subsequent_indent="    ") or [""]
