"""Everything about the selected node, in tabs. Pages are made by `trex_tui.pages`; this turns and scrolls them."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from trex_tui.keymap import DETAIL, bindings
from trex_tui.pages import cases, insight, plan, trial_log, why
from trex_tui.pages.page import Subject
from trex_tui.widgets.curves import Curves

TABS = ("why", "plan", "curves", "cases", "insight", "log")
PAGES: dict[str, Callable[[Subject], Content]] = {
    "why": why.page,
    "plan": plan.page,
    "cases": cases.page,
    "insight": insight.page,
    "log": trial_log.page,
}


class NodeDetail(Vertical, can_focus=True):
    """The detail pane. `Turned` is posted when another tab is shown."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(DETAIL)

    class Turned(Message):
        """Another tab is on show; its data may have to be read."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.tab = TABS[0]
        self._about: Subject | None = None
        self._tabs, self._text = Static(id="tabs"), Static(id="page-text")
        self._page = VerticalScroll(self._text, id="page", can_focus=False)
        self._curves = Curves(id="curves")

    def compose(self) -> ComposeResult:
        yield self._tabs
        yield self._page
        yield self._curves

    def show(self, about: Subject, fresh: bool) -> None:
        """Draw a subject; `fresh`: it is another one, so begin at its top."""
        self._about = about
        self.border_title = about.name + (f", trial {about.trial_name}" if about.trial_name else "")
        self._tabs.update(self._tab_line())
        self._curves.display, self._page.display = self.tab == "curves", self.tab != "curves"
        if self.tab == "curves":
            self._curves.draw(about)
            return
        self._text.update(PAGES[self.tab](about))
        if fresh:
            self._page.scroll_home(animate=False, immediate=True)

    def turn_to(self, tab: str) -> None:
        self.tab = tab
        if self._about is not None:
            self.show(self._about, fresh=True)
        self.post_message(self.Turned())

    def _tab_line(self) -> Content:
        """`1 why [2 plan] 3 curves ...`: the open one in brackets, not by colour alone."""
        parts, space = [], " " if self.content_size.width >= sum(len(name) + 4 for name in TABS) else ""
        for number, name in enumerate(TABS, 1):
            open_here = name == self.tab
            text = f"[{number} {name}]" if open_here else f" {number} {name}{space}"
            parts.append(Content.styled(text, "bold $text-accent" if open_here else "$quiet"))
        return Content("").join(parts)

    def action_turn(self, by: int) -> None:
        self.turn_to(TABS[(TABS.index(self.tab) + by) % len(TABS)])

    def action_scroll_by(self, by: int) -> None:
        self._page.scroll_relative(y=by, animate=False)

    def action_scroll_page(self, by: int) -> None:
        self._page.scroll_relative(y=by * max(1, self._page.size.height - 1), animate=False)

    def action_scroll_edge(self, end: bool) -> None:
        self._page.scroll_end(animate=False) if end else self._page.scroll_home(animate=False)
