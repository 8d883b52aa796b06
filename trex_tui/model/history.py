"""The past: what the store knew after the first so many records. Plain data, like the store itself.

A state is the same fold that the live store makes. Going forward folds on; going back begins at the nearest state that
was kept. A kept state shares its nodes with those before and after it, and a node is copied before a record changes
it, so that a kept state of 10,000 nodes costs a few lists of references and not 10,000 copies.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import TypeVar

from engine.search import events as ev
from engine.search.tree import ROOT, Tree
from trex_tui.model.store import RunView, Store

SPACING = 4096  # records between kept states
MANY = 2000  # records between two moments: of so many nobody looks which nodes they name
NEAR = 64  # a state this far behind the last step back is kept too: the next step back is a short one

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kept:
    """A state after `count` records. Its nodes are shared: nobody changes them any more."""

    count: int
    runs: dict[str, RunView]
    last_seq: int = 0
    unreadable: str = ""


class PastStore(Store):
    """A store that can be kept and put back. What its fold changes is copied first, where a kept state shares it."""

    def __init__(self) -> None:
        super().__init__()
        self._own: set[tuple[str, str]] = set()  # nodes that no kept state shares

    def keep(self, count: int) -> Kept:
        """The state now; `count` is the number of records that led to it."""
        self._own.clear()
        return Kept(count, {name: _separate(view) for name, view in self.runs.items()}, self.last_seq, self.unreadable)

    def put_back(self, kept: Kept) -> None:
        """Be as it was then."""
        self._own.clear()
        self.runs = {name: _separate(view) for name, view in kept.runs.items()}
        self.last_seq, self.unreadable = kept.last_seq, kept.unreadable

    def moved(self, run: str, between: Sequence[ev.Record]) -> None:
        """Another moment of the run is on show, so many records further on or back: what is to be drawn anew."""
        self._dirty |= {"runs", "tree", "log", "status", "telemetry"}
        self._touched.add((run, ""))
        if run in self.runs and len(between) > MANY:
            self._touched.update((run, name) for name in self.runs[run].order)
        else:
            self._touched.update((run, name) for record in between if record.run == run for name in named(record.event))

    def _fold(self, record: ev.Record) -> None:
        if (view := self.runs.get(record.run)) is not None:
            for name in _changed_by(record.event, view.tree):
                if (record.run, name) not in self._own and name in view.tree.nodes:
                    self._own.add((record.run, name))
                    _copy_node(view, name)
        super()._fold(record)


class History:
    """Records in their order, and the store after any number of them: `show`, then read `store`."""

    def __init__(self, records: Iterable[ev.Record] = ()) -> None:
        self.records: list[ev.Record] = []
        self.store = PastStore()
        self.count = 0  # records that led to the state of the store
        self._kept = [Kept(0, {})]
        self._near = self._kept[0]
        self.extend(records)

    @property
    def last_seq(self) -> int:
        return self.records[-1].seq if self.records else 0

    def extend(self, records: Iterable[ev.Record]) -> None:
        """Records that came after those that are known."""
        self.records.extend(records)

    def show(self, count: int) -> None:
        """Bring the store to the state after the first `count` records, 0 to all of them."""
        back, kept = count < self.count, self._nearest(count)
        if back or kept.count > self.count:
            self.store.put_back(kept)
            self.count = kept.count
        if back:
            self._fold_to(max(self.count, count - NEAR))
            self._near = self.store.keep(self.count)
        self._fold_to(count)

    def _nearest(self, count: int) -> Kept:
        """The latest kept state that is not later than `count`."""
        spaced = self._kept[bisect_right(self._kept, count, key=lambda kept: kept.count) - 1]
        return self._near if spaced.count <= self._near.count <= count else spaced

    def _fold_to(self, count: int) -> None:
        """Fold on, keeping a state wherever one is due."""
        while self.count < count:
            due = self._kept[-1].count + SPACING
            end = due if self.count < due <= count else count
            self.store.records(self.records[self.count : end])
            self.count = end
            if end == due:
                self._kept.append(self.store.keep(end))


def named(event: ev.AnyEvent) -> set[str]:
    """The nodes that an event names, by their trials too, and the root."""
    names = {ROOT, *(getattr(event, field, "") for field in ("node", "parent", "source"))}
    trials = event.trials if isinstance(event, ev.Collected | ev.TestOpened) else (getattr(event, "trial", ""),)
    names.update(trial.split("t")[0] for trial in trials)
    return names


def _changed_by(event: ev.AnyEvent, tree: Tree) -> set[str]:
    """The nodes that a record may change: all that it names, the root, and what ran when an engine took over."""
    names = named(event)
    if isinstance(event, ev.InsightChanged) and event.insight in tree.insights:
        names.add(tree.insights[event.insight].node)
    if isinstance(event, ev.Adopted):
        names.update(trial.node for trial in tree.running())
    return names


def _copy_node(view: RunView, name: str) -> None:
    """Put a copy of the node in its place, with copies of its trials."""
    node = view.tree.nodes[name] = _copied(view.tree.nodes[name])
    node.trials = {trial: _copied(old) for trial, old in node.trials.items()}
    if view.best is not None and view.best.node == name:
        view.best = node.trials[view.best.id]


def _separate(view: RunView) -> RunView:
    """A view that can change without changing this one, its nodes left out."""
    made = _copied(view)
    made.tree, made.log = _copied(view.tree), _copied(view.log)
    return made


def _copied(thing: T) -> T:
    """One level deep: its containers are copied, what stands in them is shared."""
    kind: type = type(thing)
    made: T = object.__new__(kind)
    for name, container in _fields(kind):
        value = getattr(thing, name)
        setattr(made, name, value.copy() if container else value)
    return made


@cache
def _fields(kind: type) -> tuple[tuple[str, bool], ...]:
    """The fields of a dataclass, and whether each holds a list, a set or a dict."""
    return tuple((f.name, f.default_factory in (list, set, dict)) for f in fields(kind))
