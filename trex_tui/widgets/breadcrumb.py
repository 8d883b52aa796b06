"""From the root to the selected node, in one line above the tree: `n0 › n2 › n7`, cut in the middle."""

from __future__ import annotations

from rich.cells import cell_len
from textual.content import Content
from textual.widget import Widget

from trex_tui.model.row import Row
from trex_tui.model.rows import Rows

STEP, CUT = " › ", "…"


class Breadcrumb(Widget):
    """Refresh it when the selection has moved."""

    def __init__(self, rows: Rows, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows = rows

    def render(self) -> Content:
        rows = self._rows
        if not rows.lines:
            return Content("")
        before, _, here = path(rows.lines[rows.cursor], self.size.width).rpartition(STEP)
        return Content.assemble((before + STEP if before else "", "$quiet"), (here, "bold"))


def path(row: Row, width: int) -> str:
    """The way to a row in at most `width` cells: the root, what fits of the end, an ellipsis between them."""
    last: list[str] = []
    root, here, used = "", row, 0
    while here.parent is not None:
        used += cell_len(STEP) + cell_len(here.id)
        if last and used + cell_len("n0" + STEP + CUT) > width:
            root = CUT
            break
        last.insert(0, here.id)
        here = here.parent
    top = "n0" if here.parent is not None else here.id
    return STEP.join([top, *([root] if root else []), *last])
