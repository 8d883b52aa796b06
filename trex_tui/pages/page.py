"""What a page is about, and the few shapes pages are made of: headings, paragraphs, pairs, tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual.content import Content

from engine.search.tree import Node, Tree, Trial
from trex_tui.model import format as fmt
from trex_tui.model.store import RunView, Store
from trex_tui.model.telemetry import TrialView

HEADING, DIM, GOOD, BAD, MARK = "bold $primary", "$quiet", "$text-success", "$text-warning", "bold $accent"


@dataclass(frozen=True, slots=True)
class Subject:
    """The node on show, one of its trials, and the cells there are to say it in."""

    store: Store
    run: str
    name: str
    trial_name: str
    width: int

    @property
    def view(self) -> RunView:
        return self.store.runs[self.run]

    @property
    def tree(self) -> Tree:
        return self.view.tree

    @property
    def node(self) -> Node:
        return self.tree.nodes[self.name]

    @property
    def parent(self) -> Node:
        return self.tree.nodes[self.node.parent]

    @property
    def trial(self) -> Trial | None:
        return self.node.trials.get(self.trial_name)

    @property
    def course(self) -> TrialView | None:
        """What was read from the trial's directory."""
        return self.store.trials.get((self.run, self.trial_name))


class Page:
    """Collects lines; `content` joins them."""

    def __init__(self) -> None:
        self._lines: list[Content] = []

    def heading(self, text: str, note: str = "") -> None:
        if self._lines:
            self._lines.append(Content(""))
        self._lines.append(Content.assemble((text, HEADING), (f"  {note}" if note else "", DIM)))

    def text(self, text: str, style: str = "") -> None:
        self._lines.append(Content.styled(fmt.clean(text), style) if text else Content(""))

    def pair(self, name: str, value: str, width: int = 12) -> None:
        self._lines.append(Content.assemble((f"{name:<{width}} ", DIM), fmt.clean(value)))

    def table(self, rows: Sequence[Sequence[str]], styles: Sequence[str] = (), right: bool = True) -> None:
        """Columns padded to their widest cell; the first column to the left, the others to the right."""
        widths = [max(cell_len(row[column]) for row in rows) for column in range(len(rows[0]))]
        for index, row in enumerate(rows):
            cells = [
                cell + " " * (wide - cell_len(cell)) if not (right and column) else " " * (wide - cell_len(cell)) + cell
                for column, (cell, wide) in enumerate(zip(row, widths, strict=True))
            ]
            self._lines.append(Content.styled("  ".join(cells).rstrip(), styles[index] if styles else ""))

    def content(self) -> Content:
        return Content("\n").join(self._lines)
