"""Models: what is known, what is here and whole, who uses it; fetching one, and bringing in one's own.

Nothing here waits: looking through the models folder goes on in a thread, a fetch in a process of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widgets import Input, Static

from engine.control import protocol as p
from engine.errors import TrexError
from trex_tui.forms.import_model import ImportModelSheet
from trex_tui.forms.sheet import Order
from trex_tui.host import Host
from trex_tui.keymap import CLOSE, LIST_FILTER, MODELS, bindings
from trex_tui.model import format as fmt
from trex_tui.model import model_table as table
from trex_tui.model.store import Part
from trex_tui.pages import model_about
from trex_tui.screens.fetches import Fetches
from trex_tui.screens.form import Form
from trex_tui.widgets.about import About
from trex_tui.widgets.key_bar import KeyBar
from trex_tui.widgets.line_list import LineList
from trex_tui.widgets.notice import Notice

if TYPE_CHECKING:
    from engine.models import Entry, Listed


def _found(folder: Path) -> tuple[list[Listed], Mapping[str, Entry]]:
    """What is in the models folder, and what could be. Blocks. Raises TrexError, OSError."""
    from engine import models  # a tenth of a second, with its HTTP client: not in the thread that keys wait for

    return models.list_models(folder), models.CATALOGUE


class ModelFilter(Input):
    """Words that a model must have."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(LIST_FILTER)


def make(host: Host, words: tuple[str, ...]) -> Models:
    return Models(host, " ".join(words))


class Models(Fetches):
    """A list, and below it what there is to say of the model under the cursor; enter shows all of that."""

    CSS_PATH = "runs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings((*MODELS, *CLOSE))
    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (16, "-low"), (30, "-tall")]  # noqa: RUF012 - so declared by Textual

    def __init__(self, host: Host, text: str = "") -> None:
        super().__init__(host)
        self._all: list[Listed] | None = None
        self._shown: dict[str, Listed] = {}
        self._lines: dict[str, str] = {}
        self._said = ""
        self._head = Static(id="models-head", markup=False)
        self._columns = Static(id="models-columns", markup=False)
        self._list = LineList(self._paint, id="models-list")
        self._about = Static(id="model-about", markup=False)
        self._pane = About(self._about, id="about-scroll")
        self._line = ModelFilter(
            text, placeholder="words: installed, Researcher, a name", id="list-filter", compact=True
        )

    def compose(self) -> ComposeResult:
        yield self._head
        yield self._columns
        yield self._list
        yield self._pane
        yield Horizontal(Static("/", id="filter-mark"), self._line, id="list-filter-row")
        yield Notice(classes="notice")
        yield KeyBar()

    def on_mount(self) -> None:
        self.set_class(bool(self._line.value), "-filtering")
        self._list.focus()
        self._fill()
        self._look()

    def on_resize(self) -> None:
        self.call_after_refresh(self._fill)

    # --- what is shown -------------------------------------------------------------------------------------------

    @property
    def chosen(self) -> Listed | None:
        """The model under the cursor."""
        return self._shown.get(self._list.selected)

    def look(self) -> None:
        self._look()

    def tell_progress(self) -> None:
        self._draw_head()

    @work(exclusive=True, group="look")
    async def _look(self) -> None:
        """What is in the models folder; a file that has changed is read through there, which takes a while."""
        try:
            self._all, self._catalogue = await asyncio.to_thread(_found, self._host.workspace.models)
        except (TrexError, OSError) as problem:
            self._all = []
            self._host.say(f"the models folder cannot be read: {problem}", warning=True)
        self._fill()

    def pull(self, parts: frozenset[Part], _touched: frozenset[tuple[str, str]]) -> None:
        said = self._progress()
        if self.is_attached and (said != self._said or "runs" in parts):
            if self._said and not said:  # what was fetched, perhaps while this screen was closed, has come or not
                self._look()
            self._said = said
            self._draw_head()
            self.refresh_bindings()

    def _progress(self) -> str:
        return self.fetching.said if self.fetching else ""

    def _draw_head(self) -> None:
        where = str(self._host.workspace.models)
        if fetching := self.fetching:
            self._head.update(f"► {fmt.clean(fetching.said)}  (esc stops it)")
        elif self._all is None:
            self._head.update(f"looking through {where}")
        else:
            here = sum(1 for model in self._all if model.installed)
            self._head.update(f"{fmt.plural(len(self._all), 'model')}, {here} installed in {where}")

    def _fill(self) -> None:
        if not self.is_attached:
            return
        known = [model for model in self._all or [] if table.searched(model, self._line.value)]
        uses = table.uses(self._host.live.runs)
        width = max(20, self._list.scrollable_content_region.width - 2)
        head, *rows = table.lines([table.row(model, uses.get(model.name, table.Use())) for model in known], width)
        self._shown = {model.name: model for model in known}
        self._lines = dict(zip(self._shown, rows, strict=True))
        self._columns.update(f"  {head}" if known else "")
        self._list.fill(list(self._shown))
        self._draw_head()
        self._tell()

    def _tell(self) -> None:
        """What there is to say of the model under the cursor."""
        model = self.chosen
        if model is not None:
            use, width = table.uses(self._host.live.runs).get(model.name, table.Use()), self.size.width - 4
            self._about.update(
                model_about.page(model, use, self._catalogue.get(model.name), self.has_class("-whole"), width)
            )
        else:
            self._about.update("no model has these words" if self._all else "")
        self.refresh_bindings()

    def _paint(self, name: str, _width: int) -> list[Segment]:
        return [Segment(self._lines[name])]

    def label_of(self, action: str) -> str:
        if action == "close":
            return "stop" if self.fetching else "back"
        return {"open": "details"}.get(action, "")

    def works(self, action: str) -> bool:
        model = self.chosen
        if action == "find":
            return self.focused is not self._line
        if action.startswith("fetch"):
            return model is not None and model.name in self._catalogue and not model.installed and not self.fetching
        return True

    # --- what a person does --------------------------------------------------------------------------------------

    def on_line_list_moved(self) -> None:
        self._tell()

    def on_line_list_opened(self) -> None:
        self.add_class("-whole")
        self._pane.focus()
        self._tell()

    def on_input_changed(self) -> None:
        self._fill()

    def action_find(self) -> None:
        self.add_class("-filtering")
        self._line.focus()

    def action_to_list(self) -> None:
        self._list.focus()

    def action_pane(self) -> None:
        if self.focused is self._pane:
            self._to_the_list()
        else:
            self._pane.focus()

    def _to_the_list(self) -> None:
        self.remove_class("-whole")
        self._list.focus()
        self._tell()

    @work
    async def action_take_in(self) -> None:
        async def do(order: Order) -> p.Reply:
            assert callable(order), "this form sends nothing"
            try:
                return await asyncio.to_thread(order)
            except TrexError as problem:
                return p.Reply(id=0, ok=False, text=str(problem))

        reply = await self.app.push_screen_wait(Form(ImportModelSheet(self._host.workspace), do))
        if reply is not None:
            self._host.say(reply.text)
            self._look()

    def action_close(self) -> None:
        """One step out: of the details, of the filter, of a fetch that is going on (asks), of this screen."""
        if self.focused is self._pane:
            self._to_the_list()
        elif self.has_class("-filtering"):
            self.remove_class("-filtering")
            self._line.value = ""
            self._list.focus()
        elif self.fetching is not None:
            self.ask_to_stop()
        else:
            self.dismiss()
