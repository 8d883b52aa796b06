"""What a page is about, and the few shapes pages are made of: headings, paragraphs, pairs, tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual.content import Content

from engine.executor.job import Result
from engine.search.tree import ROOT, Node, Tree, Trial
from trex_tui.model import format as fmt
from trex_tui.model.folders import FolderView
from trex_tui.model.pairing import Pairing
from trex_tui.model.store import RunView, Store
from trex_tui.model.telemetry import TrialView

HEADING, DIM, GOOD, BAD, MARK = "bold $primary", "$quiet", "$text-success", "$text-warning", "bold $accent"
NO_TEXT = "the text of this row is not in the split file"


@dataclass(frozen=True, slots=True)
class Subject:
    """The node on show, one of its trials, and the cells there are to say it in. `whole`: long texts are not cut;
    `cursor`: the line that is chosen, on pages where one can be; `pairing`: reckons paired differences."""

    store: Store
    run: str
    name: str
    trial_name: str
    width: int
    whole: bool = False
    cursor: int = 0
    pairing: Pairing | None = None

    @property
    def there(self) -> bool:
        """Whether the store knows the node: one that goes back in time may know it no more."""
        return self.run in self.store.runs and self.name in self.tree.nodes

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

    @property
    def rivals(self) -> tuple[str, ...]:
        """The trials that this one is held against: the parent's best, and the base model's."""
        if self.name == ROOT:
            return ()
        best = self.parent.best(self.tree.maximize)
        base = self.tree.nodes[ROOT].best(self.tree.maximize)
        return tuple(dict.fromkeys(trial.id for trial in (best, base) if trial))

    def result(self, trial: str) -> Result | None:
        """A trial's judged validation rows, where its score stands in the journal (at the moment on show)."""
        found = self.tree.nodes[trial.split("t")[0]].trials.get(trial)
        course = self.store.trials.get((self.run, trial))
        return course.result if found and found.score and course else None

    def prompt(self, row: str, *trials: str) -> str:
        """A validation row's text, where one of these trials has it: it is read for rows that were judged wrong."""
        for trial in trials:
            course = self.store.trials.get((self.run, trial))
            if course and row in course.prompts:
                return course.prompts[row]
        return NO_TEXT

    def folder(self, name: str) -> FolderView | None:
        """The directory of the node or of one of its trials, as it was last read."""
        return self.store.folders.get((self.run, name))


class Page:
    """Collects lines; `content` joins them."""

    def __init__(self) -> None:
        self._lines: list[Content] = []

    def __len__(self) -> int:
        return len(self._lines)

    def heading(self, text: str, note: str = "") -> None:
        if self._lines:
            self._lines.append(Content(""))
        said = f"  {fmt.clean(note)}" if note else ""
        self._lines.append(Content.assemble((fmt.clean(text), HEADING), (said, DIM)))

    def text(self, text: str, style: str = "") -> None:
        self._lines.append(Content.styled(fmt.clean(text), style) if text else Content(""))

    def block(self, text: str, style: str = "") -> None:
        """Text with its own lines."""
        for line in text.splitlines() or [""]:
            self.text(line, style)

    def long(self, text: str, limit: int, whole: bool, style: str = "") -> None:
        """A long text: whole with its own lines, else the beginning of it in one flow."""
        self.block(text, style) if whole else self.text(cut(text, limit, whole), style)

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
            row_text = fmt.clean("  ".join(cells).rstrip())
            self._lines.append(Content.styled(row_text, styles[index] if styles else ""))

    def content(self) -> Content:
        return Content("\n").join(self._lines)


def cut(text: str, limit: int, whole: bool) -> str:
    """At most `limit` characters of a long text, and how many more z would show."""
    if whole or len(text) <= limit + limit // 4:  # a few words more are shorter than saying that they are missing
        return text
    return f"{text[:limit].rstrip()} … {len(text) - limit:,} more characters; z shows all"


def without_plan(about: Subject) -> Content:
    """What the pages of a plan say where there is none."""
    out = Page()
    base = about.name == ROOT
    out.text(
        "The base model is judged as it is: no recipe, no training." if base else "The plan is being written.", DIM
    )
    return out.content()
