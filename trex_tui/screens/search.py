"""The search screen: the live tree, what is selected in it, the log. Shows the store, turns keys into decisions."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.events import Resize
from textual.widgets import Static

from engine.search.tree import ROOT
from trex_tui import actions, bulk
from trex_tui.host import Host
from trex_tui.keymap import SEARCH, bindings
from trex_tui.model import format as fmt
from trex_tui.model.store import LogLines, Part, RunView
from trex_tui.pages.page import Subject
from trex_tui.screens.search_keys import SearchKeys
from trex_tui.widgets.key_bar import KeyBar
from trex_tui.widgets.node_detail import NodeDetail
from trex_tui.widgets.notice import Notice
from trex_tui.widgets.scrubber import Scrubber
from trex_tui.widgets.status import Status

WALL, HIGH = 220, 60  # cells from which the log stands at the side, and lines from which two pages have room
EMPTY = """No search yet in this workspace.

n  starts one (the task's folder is asked for)
?  shows every key
q  leaves"""


class SearchScreen(SearchKeys):
    """One run at a time; `look_at` chooses it."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(SEARCH)
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - so declared by Textual
    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (18, "-low"), (34, "-tall")]  # noqa: RUF012

    def __init__(self, host: Host, run: str = "") -> None:
        super().__init__(host)
        self.run, self._asked_for = "", run
        self._trials: dict[str, str] = {}  # the trial chosen by a person, per node
        self._second = 0
        self._log = LogLines()
        self._header = Status(host, id="status")
        self._scrubber = Scrubber(host, id="scrubber")
        self._notice = Notice(id="notice")
        self._key_bar = KeyBar(id="keys")

    def compose(self) -> ComposeResult:
        yield self._header
        yield Horizontal(self._tree, self._pages, id="body")
        yield Static(EMPTY, id="empty")
        yield self._log_view
        yield self._scrubber
        yield self._notice
        yield self._key_bar

    def on_mount(self) -> None:
        self.set_class(not self.run, "-empty")  # the first records may have come before
        self._tree.rows_view.focus()
        self.pull(frozenset({"runs"}), frozenset())

    @property
    def node(self) -> str:
        """The selected node; the root before there is a selection."""
        return self._tree.selected or ROOT

    @property
    def marked(self) -> tuple[str, ...]:
        """The nodes that a person has marked, in the order of marking."""
        return self._tree.marked

    @property
    def view(self) -> RunView | None:
        return self._host.store.runs.get(self.run)

    @property
    def trial(self) -> str:
        """The trial on show: the person's choice, else the one that runs, else the best, else the first."""
        if self.view is None or self.node not in self.view.tree.nodes:
            return ""
        node = self.view.tree.nodes[self.node]
        if (chosen := self._trials.get(self.node, "")) in node.trials:
            return chosen
        running = next((t.id for t in node.trials.values() if t.state == "running"), "")
        best = node.best(self.view.tree.maximize)
        return running or (best.id if best else next(iter(node.trials), ""))

    def wanted(self) -> frozenset[tuple[str, str]]:
        """Trials whose directories are worth reading: the one on show, those that run, those the open tab needs."""
        if self.view is None:
            return frozenset()
        names = {trial.id for trial in self.view.running} | {self.trial} | self._pages.courses
        return frozenset((self.run, name) for name in names if name)

    def listed(self) -> frozenset[tuple[str, str]]:
        """Nodes and trials whose files are on show."""
        return frozenset((self.run, name) for name in self._pages.listed)

    def glanced(self) -> frozenset[tuple[str, str]]:
        """Trials whose loss stands in a line of the tree that is in sight."""
        return frozenset((self.run, name) for name in self._tree.glanced)

    def look_at(self, run: str, node: str = "") -> None:
        """Show another run, and a node of it; a run that is not known yet is shown as soon as it appears."""
        self._asked_for = run
        self.pull(frozenset({"runs"}), frozenset())
        if node and self.run == run:
            self.following = False
            self.say_if(self._tree.select(node))
            self._show_node(fresh=True)
            self._host.look_closer()

    def pull(self, parts: frozenset[Part], touched: frozenset[tuple[str, str]]) -> None:
        """Bring the widgets up to date with what has changed in the store."""
        if not self.is_attached:
            return
        self._choose_run()
        if self.view is None:
            self._tick_status(parts)
            return
        self._scrubber.pull(bool(parts))
        if "tree" in parts or "telemetry" in parts:
            self._grow(touched)
        if "log" in parts:
            self._pull_log()
        family = {"", *self.view.tree.path(self.node)} if touched else ()  # hints hold for what is below them
        if any(run == self.run and node in family for run, node in touched):
            self._show_node(fresh=False)
        self._tick_status(parts)

    def _choose_run(self) -> None:
        wanted = (
            self._asked_for if self._asked_for in self._host.store.runs else self.run or self._host.store.default_run()
        )
        if not wanted or wanted == self.run:
            return
        self.run, self._asked_for, self.following = wanted, "", True
        self.remove_class("-empty")
        self._trials.clear()
        self._tree.show_run(wanted)
        self._grow(frozenset())
        self._pull_log()
        self._header.run = wanted
        self._show_node(fresh=True)
        self._host.look_closer()

    def _pull_log(self) -> None:
        """Another moment, or another run, has another log."""
        log = self.view.log if self.view else LogLines()
        if log is self._log:
            self._log_view.pull()
        else:
            self._log = log
            self._log_view.show(log)

    def _grow(self, touched: frozenset[tuple[str, str]]) -> None:
        """Give the tree what the run has gained; where it follows, go where the engine is."""
        view = self.view
        assert view is not None
        self._tree.pull(view, touched, self.following)
        led = self._tree.rows_view.led  # a person's move that is still on its way to us must not be taken back
        if self.following and not led and (target := self._interesting(view)) and target != self._tree.selected:
            if self._tree.select(target):
                return  # hidden, and nobody has asked for it just now
            self._show_node(fresh=True)
            self._host.look_closer()

    def _interesting(self, view: RunView) -> str:
        """Where the engine is: what runs, else the champion or the best, else the newest node."""
        running = view.running
        if running:
            return running[0].node
        if view.over:
            return view.tree.champion.split("t")[0] or (view.best.node if view.best else ROOT)
        return view.order[-1] if view.order else ""

    def _show_node(self, fresh: bool) -> None:
        if self.view is None or self.node not in self.view.tree.nodes:
            return
        self._pages.show(partial(Subject, self._host.store, self.run, self.node, self.trial), fresh)
        self.refresh_bindings()

    def _tick_status(self, parts: frozenset[Part]) -> None:
        second = int(self._host.now())
        if parts or second != self._second:
            self._second = second
            self._header.refresh()
            self._key_bar.refresh()

    def say(self, text: str, warning: bool = False) -> None:
        self._notice.say(text, warning)

    @property
    def selection(self) -> actions.Selection:
        return actions.Selection(self.run, self.node, self.trial)

    def label_of(self, action: str) -> str:
        """What a key would do now, where that depends on what is selected; "" otherwise."""
        view = self.view
        if view is None or self.node not in view.tree.nodes:
            return ""
        node = view.tree.nodes[self.node]
        trial = node.trials.get(self.trial)
        of_trial = trial.flags if trial else frozenset()
        exact = {
            "steer('pause_run')": "go on" if view.paused else "",
            "steer('pause_branch')": "resume branch" if "paused" in node.flags else "pause branch",
            "steer('pause_trial')": "resume trial" if "paused" in of_trial else "",
            "steer('prune')": "restore" if "pruned" in node.flags else "",
            "steer('pin')": "unpin" if "pinned" in of_trial else "",
            "follow": "stop following" if self.following else "",
        }
        return exact.get(action, "")

    def works(self, action: str) -> bool:
        """Whether a key would do something now; one that would not is left out of the key bar and says why."""
        if action == "follow":
            return self.view is not None and not self.view.over
        decide = actions.STEERING.get(action.removeprefix("steer('").removesuffix("')"))
        return decide is None or not isinstance(decide(self._host.store, self.selection), actions.Refusal)

    def on_resize(self, event: Resize) -> None:
        wall = event.size.width >= WALL
        self.set_class(wall, "-wall")
        self._pages.make_room(wall and event.size.height >= HIGH)
        self.call_after_refresh(self._show_node, False)

    def show_selected(self) -> None:
        """A person has chosen another node: show it, and keep still."""
        self.following = False
        self._tree.moved()
        self._show_node(fresh=True)
        self._host.look_closer()

    def on_line_tree_moved(self) -> None:
        self._tree.rows_view.led = False
        self.show_selected()

    def on_line_tree_opened(self) -> None:
        self.following = False  # somebody reads: keep still
        self._tree.moved()
        self._focus_pane(self._pages.first)

    def on_node_detail_turned(self) -> None:
        self._host.look_closer()

    def on_node_detail_copied(self, event: NodeDetail.Copied) -> None:
        self.app.copy_to_clipboard(fmt.storable(event.text))
        self.say(f"copied: {event.text}")

    def action_tab(self, name: str) -> None:
        self._pages.chosen.turn_to(name)
        if self.has_class("-narrow"):
            self.on_line_tree_opened()

    def action_next_trial(self) -> None:
        names = list(self.view.tree.nodes[self.node].trials) if self.view else []
        if len(names) < 2:
            self.say(f"{self.node} has {'one trial only' if names else 'no trial yet'}", warning=True)
            return
        self._trials[self.node] = names[(names.index(self.trial) + 1) % len(names)]
        self._show_node(fresh=True)
        self._host.look_closer()

    def action_follow(self) -> None:
        self.following = not self.following
        self.pull(frozenset({"tree"}), frozenset())
        if self.following and self.view is not None and (target := self._interesting(self.view)):
            self.say_if(self._tree.select(target))

    def action_steer(self, name: str) -> None:
        """One of `actions.STEERING`, on what is on show, or on all marked nodes."""
        if self.marked and name in bulk.BULK:
            self._host.decide(bulk.decide(self._host.store, self.run, name, self.marked))
            return
        self._host.decide(actions.STEERING[name](self._host.store, self.selection))
