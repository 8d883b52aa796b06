"""All searches of the workspace: task, state, best against base, trials, time. Enter looks at one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from engine.search.tree import ROOT
from trex_tui.host import Host
from trex_tui.keymap import CLOSE, RUNS, bindings
from trex_tui.model import format as fmt
from trex_tui.model.store import Part, RunView
from trex_tui.widgets.key_bar import KeyBar


class RunList(OptionList, inherit_bindings=False):
    """The list, with our keys."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(RUNS)


def make(host: Host, _words: tuple[str, ...]) -> Runs:
    return Runs(host)


class Runs(ModalScreen[None]):
    """Enter shows the run on the search screen."""

    CSS_PATH = "overlay.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings(CLOSE)

    def __init__(self, host: Host) -> None:
        super().__init__()
        self._host = host

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = f"searches, {len(self._host.live.runs)}"
            yield Static(id="runs-head", markup=False)
            yield RunList(id="runs-list", markup=False)
            yield KeyBar()

    def on_mount(self) -> None:
        self._fill()

    def on_resize(self) -> None:
        self._fill()

    def pull(self, parts: frozenset[Part], _touched: frozenset[tuple[str, str]]) -> None:
        if "runs" in parts:
            self._fill()

    def _fill(self) -> None:
        shown = self.query_one(RunList)
        option = shown.highlighted_option
        kept = (option.id if option else None) or self._host.selection.run
        names = list(reversed(self._host.live.runs))
        width = max(30, shown.scrollable_content_region.width - 2)
        head, *rows = lines(self._host.live.runs, self._host.now(), width)
        self.query_one("#runs-head", Static).update(f" {head}" if names else "No search yet; n starts one.")
        shown.clear_options()
        shown.add_options([Option(row, id=name) for name, row in zip(names, rows, strict=True)])
        if kept in names:
            shown.highlighted = names.index(kept)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss()
        if event.option_id:
            self._host.look_at(event.option_id)

    def action_close(self) -> None:
        self.dismiss()


HEAD = ("state", "search", "task", "best", "gain", "started", "time", "rounds", "policy")


def lines(runs: Mapping[str, RunView], now: float, width: int) -> list[str]:
    """A heading and a line per run, newest first; columns that do not fit fall away from the right."""
    table = [HEAD, *(cells(name, runs[name], now) for name in reversed(list(runs)))]
    widths = [max(cell_len(row[column]) for row in table) for column in range(len(HEAD))]
    fitting = len(HEAD)
    while fitting > 1 and sum(widths[:fitting]) + 2 * (fitting - 1) > width:
        fitting -= 1
    return [_padded(row[:fitting], widths, width) for row in table]


def _padded(row: tuple[str, ...], widths: list[int], width: int) -> str:
    columns = (set_cell_size(cell, wide) for cell, wide in zip(row, widths, strict=False))
    return fmt.cut("  ".join(columns).rstrip(), width)


def cells(name: str, view: RunView, now: float) -> tuple[str, ...]:
    """What stands in the columns for one run."""
    tree = view.tree
    if tree.created is None:
        return (fmt.state("planned"), name, *[""] * (len(HEAD) - 2))
    best = tree.trial(tree.champion).score if tree.champion else view.best.score if view.best else None
    return (
        fmt.state(view.word),
        fmt.cut(name, 24),
        fmt.cut(fmt.clean(tree.created.task), 24),
        fmt.score(best),
        fmt.gain(best, tree.score(ROOT), tree.maximize),
        fmt.day(tree.started_at),
        fmt.duration(tree.elapsed(now)),
        str(len(view.order) - 1),
        tree.created.policy,
    )
