"""Two to four configurations side by side, live: what differs, the curves over each other, scores, costs, flips.

`c` opens it with the marked nodes, else with the selected one beside its parent; a line at the bottom adds and removes.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Static

from engine.errors import BadInput, TrexError
from trex_tui.actions import NO_RUN
from trex_tui.host import Host
from trex_tui.keymap import COMPARE, bindings
from trex_tui.model import compare as cmp
from trex_tui.model import format as fmt
from trex_tui.model.compare import Address, Side, What
from trex_tui.model.pairing import Pairing
from trex_tui.model.store import Part, Store
from trex_tui.model.telemetry import TrialView
from trex_tui.pages import compare as page
from trex_tui.widgets.braille import Series
from trex_tui.widgets.braille_chart import BrailleChart
from trex_tui.widgets.key_bar import KeyBar
from trex_tui.widgets.notice import Notice

HINT = "add n3, RUN:n4, n4t1 or a plan's file; -n3 takes one out"


def make(host: Host, words: tuple[str, ...]) -> Compare:
    """`words` as they are typed behind `:compare`; none: what is marked, or selected. Raises TrexError."""
    at, store = host.selection, host.store
    if at.run not in store.runs:
        raise BadInput(NO_RUN)
    names = words or host.marked
    if not names:
        return Compare(host, cmp.beside(store, *at), ())
    trials = tuple(cmp.address(name, store, at.run) for name in names if not cmp.is_file(name))
    files = tuple(name for name in names if cmp.is_file(name))
    if len(trials) == 1 and not files:
        trials = cmp.beside(store, *trials[0])
    if len(trials) + len(files) > cmp.MOST:
        raise BadInput(f"at most {cmp.MOST} can stand side by side, and these are {len(trials) + len(files)}")
    return Compare(host, trials, files)


class Compare(Screen[None]):
    """Redrawn whenever one of them changes."""

    CSS_PATH = "compare.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings(COMPARE)
    AUTO_FOCUS = ""

    def __init__(self, host: Host, trials: tuple[Address, ...], files: tuple[str, ...]) -> None:
        super().__init__()
        self._host, self._what, self._files = host, list[What](trials), files
        self._shown: Store | None = None
        self._whole = False
        self._drawn: tuple[object, ...] = ()
        self._pairing = Pairing(self._draw)
        self._head, self._above, self._below = Static(id="compare-head"), Static(), Static()
        self._chart = BrailleChart("loss", id="compare-loss")
        self._body = VerticalScroll(self._above, self._chart, self._below, id="page", can_focus=False)
        self._line = Input(placeholder=HINT, id="compare-line", compact=True)
        self._notice = Notice(id="notice")

    def compose(self) -> ComposeResult:
        yield from (self._head, self._body, self._line, self._notice, KeyBar(id="keys"))

    def on_mount(self) -> None:
        for name in self._files:
            self._add(name)
        self._draw()
        self._host.look_closer()

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    def wanted(self) -> frozenset[tuple[str, str]]:
        """The trials whose curves and results are on show."""
        return frozenset((side.run, side.trial.id) for side in self._sides() if side.trial)

    def pull(self, parts: frozenset[Part], touched: frozenset[tuple[str, str]]) -> None:
        if not self.is_attached:
            return
        ours = {(one.run, one.node) for one in self._what if isinstance(one, Address)}
        if touched & ours or self._shown is not self._host.store or ("tree" in parts and not touched):
            self._draw()

    def say(self, text: str, warning: bool = False) -> None:
        self._notice.say(text, warning)

    def _sides(self) -> list[Side]:
        return cmp.resolve(self._host.store, self._what)

    def _draw(self) -> None:
        if not self.is_attached:
            return
        self._shown = self._host.store
        sides, width = self._sides(), max(20, self._body.scrollable_content_region.width)
        self._head.update(self._title(sides))
        self._above.update(page.above(sides, width, self._pairing))
        courses = [side.course or TrialView() for side in sides]
        curves = [Series(side.label, c.loss, c.at) for side, c in zip(sides, courses, strict=True)]
        self._chart.display = any(series.values for series in curves)
        self._chart.draw(curves)
        self._draw_below(sides, width)

    def _draw_below(self, sides: list[Side], width: int) -> None:
        """Only where something in it has changed: it may be thousands of rows long."""
        shown = width, self._whole, *cmp.cost(sides), *((side.label, side.score, id(side.result)) for side in sides)
        if shown != self._drawn:
            self._drawn = shown
            self._below.update(page.below(sides, width, self._whole, self._pairing))

    def _title(self, sides: list[Side]) -> Content:
        few = "  (one more is needed)" if len(sides) < cmp.LEAST else ""
        past = f"  as it was at {fmt.day(self._host.now())}" if self._host.store is not self._host.live else ""
        names = ", ".join(side.label for side in sides)
        return Content.assemble(("compare", "bold $primary"), f"  {fmt.clean(names)}{few}", (past, "bold $accent"))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        words, self._line.value = event.value.split(), ""
        for word in words:
            self._take_out(word[1:]) if word.startswith("-") else self._add(word)

    @work
    async def _add(self, word: str) -> None:
        """Another side, or the reason why not."""
        try:
            if len(self._what) >= cmp.MOST:
                raise BadInput(f"at most {cmp.MOST} can stand side by side", hint="take one out: -n3")
            if cmp.is_file(word):
                from trex_tui.commands.compare import imported

                self._what.append(await asyncio.to_thread(imported, word))
            else:
                self._what.append(cmp.address(word, self._host.store, self._host.selection.run))
        except TrexError as problem:
            self.say(str(problem), warning=True)
            return
        self._draw()
        self._host.look_closer()

    def _take_out(self, word: str) -> None:
        """`n4`, `n4t1`, a label, or a letter."""
        sides = self._sides()
        for index, (letter, side) in enumerate(zip(page.LETTERS, sides, strict=False)):
            if word in (letter, side.label, side.node.id if side.node else ""):
                del self._what[index]
                self._draw()
                return
        self.say(f"`{word}` is none of them: {', '.join(side.label for side in sides)}", warning=True)

    def action_pane(self, _by: int) -> None:
        """Between what is shown and the line that adds."""
        self.set_focus(None if self._line.has_focus else self._line)

    def action_whole(self) -> None:
        self._whole = not self._whole
        self._draw()

    def action_close(self) -> None:
        """Out of the line first, then out of the screen."""
        if self._line.has_focus:
            self.set_focus(None)
        else:
            self.dismiss()

    def action_scroll_by(self, by: int) -> None:
        self._body.scroll_relative(y=by, animate=False)

    def action_scroll_page(self, by: int) -> None:
        self._body.scroll_relative(y=by * max(1, self._body.size.height - 1), animate=False)

    def action_scroll_edge(self, end: bool) -> None:
        self._body.scroll_end(animate=False) if end else self._body.scroll_home(animate=False)
