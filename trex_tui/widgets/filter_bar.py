"""The line below the tree in which a filter is written. It reads and recalls; it does not filter."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Static

from trex_tui.keymap import FILTER, bindings
from trex_tui.model.query import All, Query, QueryError, parse, settled

PAUSE = 0.05  # seconds without a key until the tree is filtered: a person types faster than 10,000 nodes are looked at
HINT = "score>0.6 state:failed lr<1e-4 has:insight NOT ..."


class FilterLine(Input):
    """The line itself, with the keys of the bar."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(FILTER)

    class Recalled(Message):
        """An earlier filter is asked for, or a later one."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    class Left(Message):
        """The person is done with the line; `kept`: the filter stays."""

        def __init__(self, kept: bool) -> None:
            super().__init__()
            self.kept = kept

    def action_recall(self, by: int) -> None:
        self.post_message(self.Recalled(by))

    def action_leave_line(self, kept: bool) -> None:
        self.post_message(self.Left(kept))


class FilterBar(Vertical):
    """`Changed` is posted with each new query that can be read, `Done` when the line is left."""

    class Changed(Message):
        """The tree should be filtered by this; None: it should not."""

        def __init__(self, query: Query | None) -> None:
            super().__init__()
            self.query = query

    class Done(Message):
        """`kept`: the filter stays; otherwise it is given up."""

        def __init__(self, kept: bool) -> None:
            super().__init__()
            self.kept = kept

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._line = FilterLine(placeholder=HINT, compact=True, select_on_focus=False, id="filter-line")
        self._problem = Static(id="filter-problem", markup=False)
        self._earlier: list[str] = []
        self._place = 0  # among the earlier ones; behind them all: what is being written
        self._draft = ""
        self._timer = self.set_timer(PAUSE, partial(self._read, True), pause=True)

    def compose(self) -> ComposeResult:
        yield Horizontal(Static("/", id="filter-sign"), self._line, id="filter-row")
        yield self._problem

    @property
    def text(self) -> str:
        return self._line.value

    def write(self) -> None:
        """Let the person write."""
        self._place, self._draft = len(self._earlier), self.text
        self._line.focus()

    def empty(self) -> None:
        """Nothing is written any more."""
        self._line.value = ""
        self._problem.display = False

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._timer.stop()
        self._timer = self.set_timer(PAUSE, partial(self._read, True))

    def _read(self, writing: bool = False) -> Query | None:
        """Say what is wrong, or tell what is asked for. A word that is being written is waited for."""
        self._timer.stop()
        try:
            query = parse(settled(self.text) if writing else self.text)
        except QueryError as error:
            self._problem.update(str(error))
            self._problem.display = True
            return None
        self._problem.display = False
        self.post_message(self.Changed(None if query == All() else query))
        return query

    def on_filter_line_recalled(self, event: FilterLine.Recalled) -> None:
        if self._place == len(self._earlier):
            self._draft = self.text
        self._place = max(0, min(self._place + event.by, len(self._earlier)))
        self._line.value = [*self._earlier, self._draft][self._place]
        self._line.cursor_position = len(self._line.value)

    def on_filter_line_left(self, event: FilterLine.Left) -> None:
        event.stop()
        if not event.kept:
            self.post_message(self.Done(False))
            return
        query = self._read()
        if query is None:
            return  # the sentence below the line says why
        if self.text.strip() and self.text not in self._earlier[-1:]:
            self._earlier.append(self.text)
        self.post_message(self.Done(query != All()))
