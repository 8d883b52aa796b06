"""What was learned, in all runs: found by words or by meaning, with its evidence; edited, pinned, deleted.

Words filter at each letter. The nearest by meaning come from the embedding worker, a process of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar, Literal

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from engine.control import protocol as p
from engine.errors import TrexError
from trex_tui import lessons as deciding
from trex_tui.actions import Decision, Refusal
from trex_tui.forms.insight import InsightSheet
from trex_tui.forms.sheet import Order
from trex_tui.host import Host
from trex_tui.keymap import CLOSE, EVIDENCE, INSIGHT_LINE, INSIGHT_LIST, INSIGHTS, bindings
from trex_tui.model import format as fmt
from trex_tui.model.knowledge import ORDERS, Lesson, lessons, matching
from trex_tui.model.nearest import NONE_NEAR, Nearest
from trex_tui.model.store import Part, Store
from trex_tui.pages import evidence
from trex_tui.screens.form import Form
from trex_tui.widgets.key_bar import KeyBar
from trex_tui.widgets.notice import Notice

SHOWN = 200  # a list of more is not read but filtered
MOST = 20  # found by meaning
PERIOD = 2.0  # seconds between looks at scores, which change all the time while a search runs
SHARE = 30  # a look that takes long is not taken again for so many times as long
NONE_YET = "Nothing was learned yet: after each round the Researcher, or a rule, writes down one sentence."
NONE_HERE = "there is no insight here"
NONE_SUCH_NOR_NEAR = f"No insight has these words, and {NONE_NEAR}."
NONE_SUCH = "No insight has these words. Enter on the line above asks for the nearest by meaning."


class _Options(OptionList, inherit_bindings=False):
    """Textual's list; where there is no line of it on the screen, a page is nothing (Textual's own fails there)."""

    def _move_page(self, direction: Literal[-1, 1]) -> None:
        if self.scrollable_content_region.height:
            super()._move_page(direction)


class InsightList(_Options, inherit_bindings=False):
    """The insights."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(INSIGHT_LIST)


class EvidenceList(_Options, inherit_bindings=False):
    """All that is known of one insight, line by line."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(EVIDENCE)


class SearchLine(Input):
    """Words to filter by, or a text to find the nearest to."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(INSIGHT_LINE)


def make(host: Host, words: tuple[str, ...]) -> InsightsScreen:
    return InsightsScreen(host, " ".join(words))


class InsightsScreen(Screen[None]):
    """One insight is selected; its evidence stands beside the list, or in its place where there is room for one."""

    CSS_PATH = "insights.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings((*INSIGHTS, *CLOSE))
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - so declared by Textual

    def __init__(self, host: Host, text: str = "") -> None:
        super().__init__()
        self._host = host
        self._order = next(iter(ORDERS))
        self._all: list[Lesson] = []
        self._shown: dict[str, Lesson] = {}
        self._near: dict[str, float] = {}  # similarity of what was found by meaning
        self._far = ""  # what nothing is near to
        self._lines: list[evidence.Line] = []
        self._due, self._seen = 0.0, 0  # when to look again; the last event at the last look
        self._said: object = None
        self._nearest = Nearest(host.workspace)
        self._head = Static(id="insights-head", markup=False)
        self._line = SearchLine(
            text, placeholder="/ words to filter by; enter: the nearest by meaning", id="search-line"
        )
        self._list = InsightList(id="insights-list", markup=False)
        self._evidence = EvidenceList(id="evidence", markup=False)
        self._empty = Static(id="insights-empty", markup=False)

    def compose(self) -> ComposeResult:
        yield self._head
        yield self._line
        yield Horizontal(self._list, self._evidence, id="insights-body")
        yield self._empty
        yield Notice(classes="notice")
        yield KeyBar()

    def on_mount(self) -> None:
        self._list.focus()
        self._look()

    async def on_unmount(self) -> None:
        await self._nearest.close()

    def on_resize(self) -> None:
        self.call_after_refresh(self._fill)

    # --- what is shown -------------------------------------------------------------------------------------------

    def pull(self, _parts: frozenset[Part], _touched: frozenset[tuple[str, str]]) -> None:
        """What was learned or changed shows at once, scores a little later."""
        if not self.is_attached:
            return
        changed = self._host.store.last_seq != self._seen and time.monotonic() > self._due
        if changed or self._stamp() != self._said:
            self._look()

    def _look(self) -> None:
        store, begun = self._host.store, time.monotonic()
        self._seen, self._said = store.last_seq, self._stamp()
        self._all = lessons({name: view.tree for name, view in store.runs.items()})
        self._fill()
        self._due = begun + max(PERIOD, SHARE * (time.monotonic() - begun))

    def _stamp(self) -> object:
        """Differs as soon as something was learned, or somebody has changed an insight."""
        runs = self._host.store.runs.items()
        return [(name, len(v.tree.insights), len(v.tree.insight_changes), len(v.tree.deeds)) for name, v in runs]

    def _fill(self) -> None:
        """The list anew, the cursor kept on its insight."""
        kept, at = self._selected_id, self._list.highlighted or 0
        chosen = self._chosen()
        self._shown = {lesson.insight.insight: lesson for lesson in chosen[:SHOWN]}
        width = max(20, self._list.scrollable_content_region.width - 2)
        options = [Option(evidence.row(x, width, self._near.get(name)), id=name) for name, x in self._shown.items()]
        with self.prevent(OptionList.OptionHighlighted):
            self._list.set_options(options)
            if options:
                place = list(self._shown).index(kept) if kept in self._shown else min(at, len(options) - 1)
                self._list.highlighted = place
        far = bool(self._far) and self._far == self._line.value.strip()
        self._empty.update(NONE_YET if not self._all else NONE_SUCH_NOR_NEAR if far else NONE_SUCH)
        self.set_class(not options, "-empty")
        self._head.update(self._said_of(len(chosen)))
        self._tell()

    def _chosen(self) -> list[Lesson]:
        if self._near:
            found = [lesson for lesson in self._all if lesson.insight.insight in self._near]
            return sorted(found, key=lambda lesson: -self._near[lesson.insight.insight])
        return sorted(matching(self._all, self._line.value), key=ORDERS[self._order])

    def _said_of(self, count: int) -> str:
        whole = fmt.plural(len(self._all), "insight")
        if self._near:
            return f"insights: the {count} nearest by meaning, of {len(self._all):,}"
        shown = f"{whole}, {self._order} first" if count == len(self._all) else f"{count:,} of {whole}"
        return f"{shown}; only {SHOWN} are listed, filter with /" if count > SHOWN else shown

    def _tell(self) -> None:
        """All that is known of the selected one."""
        lesson = self.selected
        old = self._evidence.highlighted
        self._lines = evidence.lines(lesson) if lesson else []
        with self.prevent(OptionList.OptionHighlighted):
            self._evidence.set_options(Option(line.text, disabled=line.still) for line in self._lines)
            same = self._evidence.border_title == (lesson.insight.insight if lesson else "")
            self._evidence.highlighted = min(old, len(self._lines) - 1) if same and old and self._lines else None
        self._evidence.border_title = lesson.insight.insight if lesson else ""
        self.refresh_bindings()

    @property
    def _selected_id(self) -> str:
        option = self._list.highlighted_option
        return (option.id or "") if option else ""

    @property
    def selected(self) -> Lesson | None:
        return self._shown.get(self._selected_id)

    def label_of(self, action: str) -> str:
        """What a key would do now, where that depends on what is selected; "" otherwise."""
        lesson = self.selected
        if action == "close":
            return "" if self.focused is self._list and not (self._line.value or self._near) else "list"
        if lesson is None:
            return ""
        exact = {"pin": "unpin" if lesson.insight.pinned else "", "delete": "restore" if lesson.insight.deleted else ""}
        return exact.get(action, "")

    def works(self, action: str) -> bool:
        lesson = self.selected
        if action not in ("edit", "pin", "delete", "undo"):
            return True
        return lesson is not None and not isinstance(getattr(deciding, action)(self._host.live, lesson), Refusal)

    # --- what a person does --------------------------------------------------------------------------------------

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_list is self._list:
            self._tell()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        if event.option_list is self._list:
            self.add_class("-evidence")
            self._evidence.focus()
            if self._evidence.highlighted is None:
                self._evidence.action_first()
            return
        line = self._lines[event.option_index]
        if not line.node:
            self._host.say("this line leads to no node; the lines with a node do", warning=True)
        elif line.run not in self._host.store.runs:
            self._host.say(f"{line.run} is not in this workspace", warning=True)
        else:
            self.dismiss()
            self._host.look_at(line.run, line.node)

    def on_input_changed(self) -> None:
        self._near = {}
        self._fill()

    def action_search(self) -> None:
        self.action_to_list()
        self._line.focus()

    def action_ask(self) -> None:
        """The nearest by meaning to what stands in the line."""
        text = self._line.value.strip()
        if not text:
            self.action_to_list()
            return
        self._host.say("looking for the nearest by meaning")
        self._ask(text)

    @work(exclusive=True, group="nearest")
    async def _ask(self, text: str) -> None:
        try:
            found = await self._nearest.find((lesson.insight for lesson in self._all), text, MOST)
        except TrexError as problem:
            self._host.say(f"the nearest by meaning cannot be found: {problem}; words still filter", warning=True)
            return
        if self._line.value.strip() != text:
            return  # somebody has written on
        self._near, self._far = found, "" if found else text
        self._host.say(f"{len(found)} near it" if found else NONE_NEAR, warning=not found)
        self.action_to_list()
        self._list.highlighted = None
        self._fill()

    def action_next_order(self) -> None:
        """The next order."""
        names = list(ORDERS)
        self._order = names[(names.index(self._order) + 1) % len(names)]
        self._near = {}
        self._fill()

    def action_edit(self) -> None:
        lesson = self.selected
        decision = deciding.edit(self._host.live, lesson) if lesson else Refusal(NONE_HERE)
        if isinstance(decision, Refusal):
            self._host.decide(decision)
        elif self._host.store is not self._host.live:
            self._host.say(self._host.travel.refusal, warning=True)
        else:
            self._fill_in(decision)

    @work
    async def _fill_in(self, filled: InsightSheet) -> None:
        async def send(order: Order) -> p.Reply:
            assert isinstance(order, p.ChangeInsight), "this form makes nothing else"
            return await self._host.send(order)

        reply = await self.app.push_screen_wait(Form(filled, send))
        if reply is not None:
            self._host.say(reply.text)

    def action_pin(self) -> None:
        self._decide(deciding.pin)

    def action_delete(self) -> None:
        self._decide(deciding.delete)

    def action_undo(self) -> None:
        self._decide(deciding.undo)

    def _decide(self, how: Callable[[Store, Lesson], Decision]) -> None:
        self._host.decide(how(self._host.live, self.selected) if self.selected else Refusal(NONE_HERE))

    def action_pane(self) -> None:
        """From the list to the evidence, and back."""
        if self.focused is self._evidence:
            self.action_to_list()
        elif self._list.highlighted is not None:
            self._list.action_select()

    def action_close(self) -> None:
        """One step out: from the evidence to the list, from what was searched to all, from here to the search."""
        if self.focused is not self._list:
            self.action_to_list()
        elif self._line.value or self._near:
            self._near = {}
            self._line.value = ""
            self._fill()
        else:
            self.dismiss()

    def action_to_list(self) -> None:
        self.remove_class("-evidence")
        self._list.focus()
