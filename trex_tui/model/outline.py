"""The tree as a person wants to see it: a run's nodes brought into rows, filtered, sorted, the pruned ones hidden.

It is told at every tick which run is on show and keeps it until the next one; it finds out what has changed. Pure; the
widget draws.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.search import events as ev
from trex_tui.model.rows import Order, Rows
from trex_tui.model.store import RunView, Store
from trex_tui.model.visits import Visits

if TYPE_CHECKING:  # the filter's language is imported when somebody filters: not for the first paint
    from trex_tui.model.match import Test
    from trex_tui.model.query import Query

ORDERS: dict[Order, str] = {"came": "as they came", "best": "best score first", "newest": "newest first"}
NO_FLAGS: frozenset[ev.Flag] = frozenset()


@dataclass(slots=True)
class _Seen:
    """How far the run on show is known: enough to tell growth from another moment of the past."""

    count: int = 0
    last: str = ""
    seq: int = 0


class Outline:
    """`pull` at every tick; `sift`, `sort`, `hide_pruned` at a person's wish."""

    def __init__(self) -> None:
        self.rows, self.visits = Rows(), Visits()
        self.query: Query | None = None
        self.hiding = False
        self._test: Test | None = None
        self._inherits = False
        self._flags: dict[str, frozenset[ev.Flag]] = {}  # of the nodes that have any
        self._view = RunView()
        self._store: weakref.ref[Store] | None = None
        self._seen = _Seen()
        self._leaders: tuple[str, ...] = ()

    def clear(self) -> None:
        """Another run is on show."""
        self.rows.clear()
        self.visits, self._flags, self._seen, self._store = Visits(), {}, _Seen(), None

    def pull(self, store: Store, view: RunView, touched: Iterable[str]) -> int:
        """Take over what a run has gained; how far the cursor's line has moved down."""
        if self._goes_back(store, view):
            self._drop(view)
        elif not self._goes_on(view):
            self._begin_again(view)
        other = self._store is None or self._store() is not store
        self._store, self._view, rows = weakref.ref(store), view, self.rows
        new = view.order[self._seen.count :]
        changed = list(rows.nodes) if other else [name for name in touched if name in rows.nodes]
        branches = self._flagged_anew([*changed, *new])
        for name in (*changed, *new):
            self.visits.see(view.tree, name)
        before = rows.cursor
        rows.add([(name, view.tree.nodes[name].parent) for name in new], self._affected(changed, branches))
        if branches:
            self._hide()
        self._note()
        return rows.cursor - before

    def sift(self, query: Query | None) -> None:
        """Show what passes the query, and its ancestors; None shows all. The cursor stays, if it is in sight."""
        self.query, self._test = query, None
        if query is None:
            self.rows.sift(None)
            return
        from trex_tui.model.match import inherits, test_of

        self._test = test = test_of(query)
        self._inherits = inherits(query)
        self.rows.sift(lambda name: test(self._view, self._view.tree.nodes[name]))

    def sort(self, order: Order) -> None:
        self.rows.rank = self._rank
        self.rows.sort(order)

    def hide_pruned(self, on: bool) -> None:
        self.hiding = on
        self._hide()

    def why_not_in_sight(self, name: str) -> str:
        """Why a node cannot be shown as things are; "" where it can."""
        if self.rows.reveal(name) is not None:
            return ""
        pruned = self.hiding and "pruned" in self._view.inherited(name)
        return f"{name} is pruned and hidden; v shows it" if pruned else f"the filter hides {name}; esc clears it"

    @property
    def hidden(self) -> int:
        """How many pruned branches are out of sight."""
        return len(self.rows.hidden)

    def _rank(self, name: str) -> float:
        """Best score first; without a score, last."""
        score = self._view.tree.score(name)
        sign = -1.0 if self._view.tree.maximize else 1.0
        return math.inf if score is None else sign * score.value

    def _goes_on(self, view: RunView) -> bool:
        """Whether the run on show is the one that is known, or has only grown since."""
        seen = self._seen
        if view.tree.last_seq < seen.seq or len(view.order) < seen.count:
            return False
        return not seen.count or view.order[seen.count - 1] == seen.last

    def _goes_back(self, store: Store, view: RunView) -> bool:
        """Whether an earlier moment of the same past is on show: what has changed since is `touched`."""
        same = self._store is not None and self._store() is store
        return same and 0 < len(view.order) <= self._seen.count and view.tree.last_seq < self._seen.seq

    def _drop(self, view: RunView) -> None:
        """The nodes that were not there yet go; they are the last ones."""
        for name, parent in self.rows.drop(self._seen.count - len(view.order)):
            self.visits.forget(view.tree, name, parent)
            self._flags.pop(name, None)
        self._view = view
        self._hide()
        self._note()

    def _begin_again(self, view: RunView) -> None:
        """Another moment of the run is on show."""
        self.visits, self._flags, self._store, self._view = Visits(), {}, None, view
        self.rows.renew((name, view.tree.nodes[name].parent) for name in view.order)
        self._note()

    def _note(self) -> None:
        order = self._view.order
        self._seen = _Seen(len(order), order[-1] if order else "", self._view.tree.last_seq)
        self._leaders = _leaders(self._view)

    def _flagged_anew(self, names: Iterable[str]) -> list[str]:
        """Which of these a person has flagged, or no longer, since they were seen last."""
        found = []
        for name in names:
            flags = self._view.tree.nodes[name].flags
            if flags != self._flags.get(name, NO_FLAGS):
                self._flags[name] = flags
                found.append(name)
        return found

    def _hide(self) -> None:
        pruned = {name for name, flags in self._flags.items() if "pruned" in flags} if self.hiding else set()
        if pruned != self.rows.hidden:
            self.rows.hide(pruned)

    def _affected(self, changed: list[str], branches: list[str]) -> Iterable[str]:
        """Nodes whose rank, or whose answer to the filter, may be another now: a gain counts against the parent."""
        if self._test is None:
            return changed if self.rows.order == "best" else ()
        nodes = self.rows.nodes
        found = dict.fromkeys(changed)
        found.update((kid.id, None) for name in changed for kid in nodes[name].kids)
        if self._inherits:
            below = (name for branch in branches for name in self._view.tree.subtree(branch))
            found.update((name, None) for name in (*below, *_leaders(self._view), *self._leaders) if name in nodes)
        return found


def _leaders(view: RunView) -> tuple[str, ...]:
    """The nodes that are the best, or were it."""
    return tuple(trial.split("t")[0] for trial in (view.tree.champion, view.best.id if view.best else "") if trial)
