"""The middle pane: one page of the selected node, or two below each other where the terminal is a wall."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Vertical

from trex_tui.pages.page import Subject
from trex_tui.widgets.node_detail import NodeDetail

LEAST = 20  # cells that a page is made for, however narrow its pane


class NodePages(Vertical):
    """`first` is always there; the second begins with the curves, and is made when there is room for it."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.first = NodeDetail(id="detail")
        self._second: NodeDetail | None = None

    def compose(self) -> ComposeResult:
        yield self.first

    @property
    def shown(self) -> list[NodeDetail]:
        """The pages in sight, from the top."""
        return [page for page in (self.first, self._second) if page is not None and page.display]

    @property
    def chosen(self) -> NodeDetail:
        """The page that has the keys, else the first."""
        return next((page for page in self.shown if page.has_focus), self.first)

    def make_room(self, two: bool) -> None:
        """Show one page, or two."""
        if two and self._second is None:
            self._second = NodeDetail(id="detail-2")
            self._second.tab = "curves"
            self.mount(self._second)
        if self._second is not None:
            self._second.display = two

    def show(self, about: Callable[[int], Subject], fresh: bool) -> None:
        """Draw a subject, which is made for a page's width in cells; `fresh`: it is another one."""
        for page in self.shown:
            page.show(about(max(LEAST, page.content_size.width - 2)), fresh)

    @property
    def courses(self) -> frozenset[str]:
        """Trials whose directories the open pages need."""
        return frozenset(name for page in self.shown for name in page.courses)

    @property
    def listed(self) -> frozenset[str]:
        """Nodes and trials whose files are on show."""
        return frozenset(name for page in self.shown for name in page.listed)
