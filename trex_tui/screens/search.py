"""The search screen: the live tree, what is selected in it, the log. Shows the store, turns keys into decisions."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from engine.search.tree import ROOT
from trex_tui import actions
from trex_tui.host import Host
from trex_tui.keymap import SEARCH, bindings
from trex_tui.model.store import LogLines, Part, RunView
from trex_tui.pages.page import Subject
from trex_tui.widgets.key_bar import KeyBar
from trex_tui.widgets.line_log import LineLog
from trex_tui.widgets.line_tree import LineTree
from trex_tui.widgets.node_detail import NodeDetail
from trex_tui.widgets.node_row import ROLES, NodeRow
from trex_tui.widgets.notice import Notice
from trex_tui.widgets.status import Status
from trex_tui.widgets.tree_head import TreeHead

EMPTY = """No search yet in this workspace.

n  starts one (the task's folder is asked for)
?  shows every key
q  leaves"""


class NodeTree(LineTree):
    """The tree with the styles of its rows."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"row--{role}" for role in ROLES}


class SearchScreen(Screen[None]):
    """One run at a time; `look_at` chooses it."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(SEARCH)
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - so declared by Textual
    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (18, "-low"), (34, "-tall")]  # noqa: RUF012

    def __init__(self, host: Host, run: str = "") -> None:
        super().__init__()
        self._host = host
        self.run, self._asked_for = "", run
        self.following = True
        self._known = 0  # nodes of the run that the tree widget has
        self._trials: dict[str, str] = {}  # the trial chosen by a person, per node
        self._second = 0
        self._header = Status(host, id="status")
        self._tree_view = NodeTree(NodeRow(host, self._style, lambda: self.run), id="search-tree")
        self._left_side = Vertical(TreeHead(id="tree-head"), self._tree_view, id="left")
        self._node_view = NodeDetail(id="detail")
        self._log_view = LineLog(id="log")
        self._notice = Notice(id="notice")
        self._key_bar = KeyBar(id="keys")

    def compose(self) -> ComposeResult:
        yield self._header
        yield Horizontal(self._left_side, self._node_view, id="body")
        yield Static(EMPTY, id="empty")
        yield self._log_view
        yield self._notice
        yield self._key_bar

    def on_mount(self) -> None:
        self.add_class("-empty")
        self._tree_view.focus()
        self.pull(frozenset({"runs"}), frozenset())

    @property
    def node(self) -> str:
        """The selected node; the root before there is a selection."""
        return self._tree_view.selected or ROOT

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
        """Trials whose directories are worth reading: the one on show and those that run."""
        if self.view is None:
            return frozenset()
        names = {trial.id for trial in self.view.tree.running()} | {self.trial}
        return frozenset((self.run, name) for name in names if name)

    def look_at(self, run: str, node: str = "") -> None:
        """Show another run, and a node of it; a run that is not known yet is shown as soon as it appears."""
        self._asked_for = run
        self.pull(frozenset({"runs"}), frozenset())
        if node and self.run == run:
            self.following = False
            self._tree_view.select(node)
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
        if "tree" in parts or "telemetry" in parts:
            self._grow()
            self._tree_view.refresh()
        if "log" in parts:
            self._log_view.pull()
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
        self.run, self._asked_for, self._known, self.following = wanted, "", 0, True
        self.remove_class("-empty")
        self._trials.clear()
        self._tree_view.clear()
        self._grow()
        self._log_view.show(self.view.log if self.view else LogLines())
        self._header.run = wanted
        self._show_node(fresh=True)
        self._host.look_closer()

    def _grow(self) -> None:
        """Give the widget the nodes that it does not have; where it follows, go where the engine is."""
        view = self.view
        assert view is not None
        new = view.order[self._known :]
        self._tree_view.add((name, view.tree.nodes[name].parent) for name in new)
        self._known += len(new)
        following = ", following (f)" if self.following and not view.over else ""
        self._left_side.border_title = f"tree, {len(view.order)} nodes{following}"
        if self.following and (target := self._interesting(view)) and target != self._tree_view.selected:
            self._tree_view.select(target)
            self._show_node(fresh=True)
            self._host.look_closer()

    def _interesting(self, view: RunView) -> str:
        """Where the engine is: what runs, else the champion or the best, else the newest node."""
        running = view.tree.running()
        if running:
            return running[0].node
        if view.over:
            return view.tree.champion.split("t")[0] or (view.best.node if view.best else ROOT)
        return view.order[-1] if view.order else ""

    def _show_node(self, fresh: bool) -> None:
        if self.view is None or self.node not in self.view.tree.nodes:
            return
        width = max(20, self._node_view.content_size.width - 2)
        self._node_view.show(Subject(self._host.store, self.run, self.node, self.trial, width), fresh)
        self.refresh_bindings()

    def _tick_status(self, parts: frozenset[Part]) -> None:
        second = int(self._host.now())
        if parts or second != self._second:
            self._second = second
            self._header.refresh()
            self._key_bar.refresh()

    def _style(self, role: str) -> Style:
        return self._tree_view.get_component_rich_style(f"row--{role}", partial=True)

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

    def on_resize(self) -> None:
        self.call_after_refresh(self._show_node, False)

    def on_line_tree_moved(self) -> None:
        self.following = False
        self._show_node(fresh=True)
        self._host.look_closer()

    def on_line_tree_opened(self) -> None:
        self.following = False  # somebody reads: keep still
        self._focus_pane(self._node_view)

    def _focus_pane(self, pane: Widget) -> None:
        """Focus a pane; where there is room for one only, the node's takes the place of the tree."""
        if not isinstance(pane, LineLog):
            self.set_class(isinstance(pane, NodeDetail), "-node")
        pane.focus()

    def action_pane(self, by: int) -> None:
        panes: list[Widget] = [self._tree_view, self._node_view, self._log_view]
        here = panes.index(self.focused) if self.focused in panes else 0
        self._focus_pane(panes[(here + by) % len(panes)])

    def on_node_detail_turned(self) -> None:
        self._host.look_closer()

    def action_back(self) -> None:
        self._focus_pane(self._tree_view)

    def action_tab(self, name: str) -> None:
        self._node_view.turn_to(name)
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

    def action_steer(self, name: str) -> None:
        """One of `actions.STEERING`, on what is on show."""
        self._host.decide(actions.STEERING[name](self._host.store, self.selection))

    def action_report(self) -> None:
        found = actions.report(self._host.store, self.run, self._host.workspace.report(self.run))
        if not isinstance(found, (actions.Ask, actions.Refusal)):
            self.say(f"report: {found}{actions.open_file(found)}")
            return
        self._host.decide(found)
