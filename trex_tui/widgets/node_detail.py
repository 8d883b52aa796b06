"""Everything about the selected node, in tabs. Pages are made by `trex_tui.pages`; this turns and scrolls them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.events import Click
from textual.geometry import Region
from textual.message import Message
from textual.widgets import Static

from trex_tui.keymap import DETAIL, bindings
from trex_tui.model.pairing import Pairing
from trex_tui.pages import files
from trex_tui.pages.page import Subject
from trex_tui.widgets.curves import Curves
from trex_tui.widgets.tab_line import TABS, tab_at, tab_line

MODULES = {"log": "trial_log"}  # of trex_tui.pages, where they are not called like their tab; the curves have none
LEAST = 20  # cells
FOLDED = frozenset({"cases", "flips", "asked"})  # pages that cut long texts until z


def page_of(tab: str) -> Callable[[Subject], Content]:
    """What writes a page, imported when it is first turned to: the first paint does not wait for ten pages."""
    found: Callable[[Subject], Content] = import_module(f"trex_tui.pages.{MODULES.get(tab, tab)}").page
    return found


class NodeDetail(Vertical, can_focus=True):
    """The detail pane. `Turned` is posted when another tab is shown, `Copied` when a path is to be copied."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(DETAIL)

    class Turned(Message):
        """Another tab is on show; its data may have to be read."""

    class Copied(Message):
        """A person wants this text elsewhere."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.tab = TABS[0]
        self._about: Subject | None = None
        self._drawn: Content | None = None
        self._whole, self._cursor = False, 0
        self._pairing = Pairing(self._again)
        self._tabs, self._text = Static(id="tabs"), Static(id="page-text")
        self._page = VerticalScroll(self._text, id="page", can_focus=False)
        self._curves = Curves(id="curves")

    def compose(self) -> ComposeResult:
        yield self._tabs
        yield self._page
        yield self._curves

    def show(self, about: Subject, fresh: bool) -> None:
        """Draw a subject; `fresh`: it is another one, so begin at its top."""
        if fresh:
            self._whole, self._cursor = False, 0
        width = max(LEAST, self.content_size.width - 1)  # the scrollbar's cell
        self._about = about = replace(about, width=width, whole=self._whole, cursor=self._cursor, pairing=self._pairing)
        self.border_title = about.name + (f", trial {about.trial_name}" if about.trial_name else "")
        self._tabs.update(tab_line(self.tab, self.content_size.width), layout=False)  # one line always
        self._curves.display, self._page.display = self.tab == "curves", self.tab != "curves"
        if self.tab == "curves":
            self._curves.draw(about)
            return
        page = page_of(self.tab)(about)
        if self._drawn is None or not page.is_same(self._drawn):  # a long page takes a while to be laid out
            self._text.update(page)
            self._drawn = page
        if fresh:
            self._page.scroll_home(animate=False, immediate=True)

    def on_resize(self) -> None:
        self._again()

    def on_click(self, event: Click) -> None:
        """A click on a tab turns to it."""
        if event.widget is self._tabs and (tab := tab_at(self.tab, self.content_size.width, event.x)):
            self.turn_to(tab)

    def turn_to(self, tab: str) -> None:
        self.tab = tab
        if self._shown is not None:
            self.show(self._shown, fresh=True)
        self.refresh_bindings()
        self.post_message(self.Turned())

    @property
    def courses(self) -> frozenset[str]:
        """Trials whose directories the open tab needs, the one on show left out."""
        about = self._shown
        if about is None:
            return frozenset()
        if self.tab == "curves":
            return frozenset(about.node.trials)
        return frozenset(about.rivals) if self.tab == "flips" else frozenset()

    @property
    def listed(self) -> frozenset[str]:
        """Nodes and trials whose files the open tab lists."""
        about = self._shown
        if about is None:
            return frozenset()
        return frozenset({"recipe": [about.name], "files": files.names(about)}.get(self.tab, []))

    @property
    def file(self) -> Path | None:
        """The file that is chosen on the page of files."""
        found = files.entries(self._shown) if self._shown and self.tab == "files" else []
        return found[min(self._cursor, len(found) - 1)].path if found else None

    @property
    def plain(self) -> str:
        """The text of the open page; "" for a page of charts."""
        return page_of(self.tab)(self._shown).plain if self._shown and self.tab != "curves" else ""

    @property
    def _shown(self) -> Subject | None:
        """What is on show, as long as it is there."""
        return self._about if self._about is not None and self._about.there else None

    def _again(self) -> None:
        if self._shown is not None and self.is_attached:
            self.show(self._shown, fresh=False)

    def check_action(self, action: str, _parameters: tuple[object, ...]) -> bool | None:
        """Keys that mean something on some pages only are left to others elsewhere."""
        if action == "whole":
            return self.tab in FOLDED
        return self.tab == "files" if action == "copy_path" else True

    def action_turn(self, by: int) -> None:
        self.turn_to(TABS[(TABS.index(self.tab) + by) % len(TABS)])

    def action_whole(self) -> None:
        self._whole = not self._whole
        self._again()

    def action_copy_path(self) -> None:
        if self.file is not None:
            self.post_message(self.Copied(str(self.file)))

    @property
    def _scrolled(self) -> VerticalScroll:
        return self._curves if self.tab == "curves" else self._page

    def action_scroll_by(self, by: int) -> None:
        self._choose(self._cursor + by) if self.tab == "files" else self._scrolled.scroll_relative(y=by, animate=False)

    def action_scroll_page(self, by: int) -> None:
        rows = max(1, self._scrolled.size.height - 1)
        self.action_scroll_by(by * rows)

    def action_scroll_edge(self, end: bool) -> None:
        if self.tab == "files":
            self._choose(10**6 if end else 0)
            return
        self._scrolled.scroll_end(animate=False) if end else self._scrolled.scroll_home(animate=False)

    def _choose(self, cursor: int) -> None:
        """Move the cursor on the page of files, and keep it in sight."""
        if self._shown is None:
            return
        self._cursor = max(0, min(cursor, len(files.entries(self._shown)) - 1))
        self._again()
        line = files.line_of_cursor(self._shown)
        self._page.scroll_to_region(Region(0, line, 1, 1), animate=False, immediate=True)
