"""All searches of the workspace: task, state, best against base, trials, time. Enter looks at one."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from trex_tui.keymap import CLOSE, RUNS, bindings
from trex_tui.model import format as fmt
from trex_tui.model.store import Part, RunView, Store
from trex_tui.widgets.key_bar import KeyBar


class RunList(OptionList):
    """The list, with our keys."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(RUNS)


class Runs(ModalScreen[str]):
    """Dismissed with the name of the run to look at, or "" """

    CSS_PATH = "overlay.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings(CLOSE)

    def __init__(self, store: Store, now: Callable[[], float], current: str) -> None:
        super().__init__()
        self._store, self._now, self._current = store, now, current

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = f"searches, {len(self._store.runs)}"
            yield Static("No search yet; n starts one." if not self._store.runs else "", id="runs-none")
            yield RunList(id="runs-list", markup=False)
            yield KeyBar()

    def on_mount(self) -> None:
        self.query_one("#runs-none").display = not self._store.runs
        self._fill()

    def on_resize(self) -> None:
        self._fill()

    def pull(self, parts: frozenset[Part], _touched: frozenset[tuple[str, str]]) -> None:
        if "runs" in parts:
            self._fill()

    def _fill(self) -> None:
        shown = self.query_one(RunList)
        option = shown.highlighted_option
        kept = (option.id if option else None) or self._current
        names = list(reversed(self._store.runs))
        width = max(30, shown.scrollable_content_region.width - 2)
        shown.clear_options()
        shown.add_options([Option(row(n, self._store.runs[n], self._now(), width), id=n) for n in names])
        if kept in names:
            shown.highlighted = names.index(kept)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_id or "")

    def action_close(self) -> None:
        self.dismiss("")


def row(name: str, view: RunView, now: float, width: int) -> str:
    """One run in a line of `width` cells; what is less important falls away from the right."""
    tree = view.tree
    if tree.created is None:
        return name
    best = tree.trial(tree.champion).score if tree.champion else view.best.score if view.best else None
    grown = fmt.gain(best, tree.score("n0"), tree.maximize)
    parts = [
        f"{fmt.state(view.word):<12}",
        f"{fmt.cut(fmt.clean(tree.created.task), 18):<18}",
        f"{fmt.score(best):<14}",
        f"{grown:>6}",
        f"{name:<18}",
        f"{fmt.day(tree.started_at):<16}",
        f"{fmt.duration(tree.elapsed(now)):>12}",
        f"{fmt.plural(len(view.order) - 1, 'round'):>10}",
        f"policy {tree.created.policy}",
    ]
    text = parts[0]
    for part in parts[1:]:
        if len(text) + len(part) + 2 > width:
            break
        text += "  " + part
    return text
