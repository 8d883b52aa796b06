"""The rows of a tree that grows, folds, is filtered and sorted: which node stands in which line. Pure.

Each row keeps the number of lines of its subtree, so an insert costs depth x siblings and not the size of the tree.
What changes many lines at once (a filter, an order, a fold) lays them out anew, at most once for all news of a tick.
The cursor stays on its node whatever happens around it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

from trex_tui.model.row import Row, walk

BULK = 64  # so many new rows at once are cheaper to lay out anew

Order = Literal["came", "best", "newest"]


class Rows:
    """All nodes, the lines in order, the cursor (an index into them), and what a person wants to see."""

    def __init__(self) -> None:
        self.nodes: dict[str, Row] = {}
        self.lines: list[Row] = []
        self.cursor = 0
        self.order: Order = "came"
        self.rank: Callable[[str], float] = _same  # of siblings in the order "best": the lowest comes first
        self.matches: Callable[[str], bool] | None = None  # the filter
        self.hidden: set[str] = set()  # branches out of sight, by their topmost node
        self.chains = False  # single children in a row as one line
        self._folded: set[str] = set()  # before the filter unfolded it
        self._stamp = 1

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def selected(self) -> str:
        """The id under the cursor; "" in an empty tree."""
        return self.lines[self.cursor].id if self.lines else ""

    @property
    def matching(self) -> int:
        """How many nodes pass the filter."""
        return self.lines[0].below if self.lines and self.matches else 0

    def match(self) -> str | None:
        """The node under the cursor where it passes the filter, else the first that does; None where none does."""
        here = self.lines[self.cursor : self.cursor + 1]
        return next((row.id for row in (*here, *self.lines) if row.matches), None)

    def clear(self) -> None:
        """Forget all nodes; keep what the person wants to see."""
        self.nodes.clear()
        self.lines, self.cursor = [], 0
        self.hidden, self._folded = set(), set()

    def renew(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Other nodes in their place. What is in both stays folded, and the cursor on its node or on one above it."""
        before, kept = self._folded, self.lines[self.cursor] if self.lines else None
        folded = [row.id for row in self.nodes.values() if not row.open]
        self.clear()
        self._folded = before
        self.add(pairs)
        for name in folded:
            if name in self.nodes:
                self.nodes[name].open = False
        self.lay_out()
        while kept is not None and kept.id not in self.nodes:
            kept = kept.parent
        self.cursor = (self.reveal(kept.id) if kept else 0) or 0

    def add(self, pairs: Iterable[tuple[str, str]], changed: Iterable[str] = ()) -> int:
        """Add (id, parent id) pairs, parents first (one that is its own parent is the root), and take in what has
        `changed`: whether these nodes match, and their rank.

        Returns how far the cursor's line has moved down.
        """
        before, new = self.cursor, list(pairs)
        work = sum(self.nodes[parent].depth for _, parent in new if parent in self.nodes)
        rough = len(new) >= BULK or self.chains or work > len(self.nodes)
        uneven: dict[str, Row] = {}  # parents whose children must be arranged anew
        for name, parent in new:
            row = self._append(name, None if name == parent else self.nodes[parent])
            if self.matches is None and not rough:
                self._insert(row)
            elif self.matches is None and row.parent is not None:
                uneven[parent] = row.parent
        moved = self._judge([*(name for name, _ in new), *changed], uneven) and self.chains
        for row in uneven.values():
            self._arrange(row)
        moved |= self.order == "best" and self._rank_again([*(name for name, _ in new), *changed])
        if uneven or moved or not self.lines:
            self.lay_out()
        return self.cursor - before

    def drop(self, count: int) -> list[tuple[str, str]]:
        """Take out the nodes that came last, so many; their (id, parent id) pairs, latest first."""
        dropped: list[tuple[str, str]] = []
        uneven: dict[str, Row] = {}
        for _ in range(count):
            name, row = self.nodes.popitem()
            if row.parent is None:
                continue
            if self.matches is not None and row.matches:
                self._count(row, -1, uneven)
            row.parent.kids.pop()
            uneven[row.parent.id] = row.parent
            dropped.append((name, row.parent.id))
        for name, row in uneven.items():
            if name in self.nodes:
                self._arrange(row)
        if dropped:
            self.lay_out()
        return dropped

    def index(self, row: Row) -> int:
        """The line of a row that is in sight."""
        index = 0
        while row.parent is not None:
            index += sum(sibling.visible for sibling in row.parent.children[: row.place])
            row = row.parent
            index += row.stamp == self._stamp
        return index

    def in_sight(self, row: Row) -> bool:
        return row.stamp == self._stamp

    def reveal(self, name: str) -> int | None:
        """Unfold whatever hides a node; its line. None where the filter hides it, or it is of a hidden branch."""
        row = self.nodes[name]
        if not self._reachable(row):
            return None
        above, hidden = row.parent, False
        while above is not None:
            hidden = hidden or not above.open
            above.open, above = True, above.parent
        if hidden:
            self.lay_out()
        if not self.in_sight(row):  # in a chain that is drawn as one line
            head = row
            while not self.in_sight(head) and head.parent is not None:
                head = head.parent
            head.spread = True
            self.lay_out()
        return self.index(row)

    def fold(self) -> bool:
        """Fold or unfold the row under the cursor; False where it has no children in sight."""
        if not self.lines or not self.lines[self.cursor].children:
            return False
        row = self.lines[self.cursor]
        row.open = not row.open
        self.lay_out()
        return True

    def unchain(self, row: Row) -> bool:
        """Show the chain below a row in full; False where it is not drawn as one line."""
        index = self.index(row) + 1
        if index >= len(self.lines) or self.lines[index].above is not row or not self.lines[index].skipped:
            return False
        row.spread = True
        self.lay_out()
        return True

    def sort(self, order: Order) -> None:
        self.order = order
        self._arrange_all()

    def hide(self, names: set[str]) -> None:
        """Take branches out of sight; what was hidden before comes back."""
        self.hidden = names
        self._arrange_all()

    def draw_chains(self, on: bool) -> None:
        """Draw single children in a row as one line, or each as its own."""
        self.chains = on
        for row in self.nodes.values():
            row.spread = False
        self.lay_out()

    def sift(self, matches: Callable[[str], bool] | None) -> None:
        """Show the nodes that match and their ancestors, all unfolded; None shows all again, folded as before."""
        if self.matches is None:
            self._folded = {row.id for row in self.nodes.values() if not row.open}
        rows = list(self.nodes.values())
        for row in rows:
            row.open, row.below = True, 0
        if matches is None:
            for name in self._folded & self.nodes.keys():
                self.nodes[name].open = False
        self.matches = matches
        if matches is not None:
            for row in reversed(rows):  # parents come first in `nodes`
                row.matches = matches(row.id)
                row.below += row.matches
                if row.parent is not None:
                    row.parent.below += row.below
        self._arrange_all()

    def lay_out(self) -> None:
        """All lines anew, the cursor kept on its node, or on the nearest above it that is still in sight."""
        kept: Row | None = self.lines[self.cursor] if self.lines else None
        self._stamp += 1
        root = next(iter(self.nodes.values()), None)
        seen = [] if root is None else list(walk(root, self._stamp, self.chains, self.matches is not None))
        for row in reversed(seen):
            row.visible = (row.stamp == self._stamp) + (sum(kid.visible for kid in row.children) if row.open else 0)
        self.lines = [row for row in seen if row.stamp == self._stamp]
        while kept is not None and not self.in_sight(kept):
            kept = kept.parent
        self.cursor = self.index(kept) if kept else 0

    def _shown(self, row: Row) -> bool:
        return (self.matches is None or row.below > 0) and row.id not in self.hidden

    def _reachable(self, row: Row) -> bool:
        here: Row | None = row
        while here is not None and here.parent is not None:
            if not self._shown(here):
                return False
            here = here.parent
        return True

    def _arrange(self, row: Row) -> None:
        """Which children of a row are in sight, and in which order."""
        if not row.kids:
            row.children = row.kids if self.order == "came" and self.matches is None else []
            return
        if self.matches is None and not self.hidden:
            shown = row.kids if self.order == "came" else list(row.kids)
        else:
            shown = [kid for kid in row.kids if self._shown(kid)]
        if self.order == "newest":
            shown.reverse()
        elif self.order == "best":
            shown.sort(key=lambda kid: self.rank(kid.id))
        row.children = shown
        for place, child in enumerate(shown):
            child.place = place

    def _arrange_all(self) -> None:
        for row in self.nodes.values():
            self._arrange(row)
        self.lay_out()

    def _judge(self, names: Iterable[str], uneven: dict[str, Row]) -> bool:
        """See again which of these match, and note in `uneven` where rows come into sight or go; whether any does."""
        if self.matches is None:
            return False
        changed = False
        for name in names:
            row, old = self.nodes[name], self.nodes[name].matches
            row.matches = self.matches(name)
            if row.matches != old:
                changed = True
                self._count(row, 1 if row.matches else -1, uneven)
        return changed

    def _count(self, row: Row, by: int, uneven: dict[str, Row]) -> None:
        here: Row | None = row
        while here is not None:
            was_shown = here.below > 0
            here.below += by
            if here.parent is not None and was_shown != (here.below > 0):
                uneven[here.parent.id] = here.parent
            here = here.parent

    def _rank_again(self, names: Iterable[str]) -> bool:
        """Sort the siblings of these nodes again; whether any has moved."""
        above = {row.parent.id: row.parent for row in (self.nodes[name] for name in names) if row.parent is not None}
        moved = False
        for row in above.values():
            before = row.children
            self._arrange(row)
            moved |= row.children != before
        return moved

    def _append(self, name: str, parent: Row | None) -> Row:
        row = self.nodes[name] = Row(name, parent)
        if parent is not None:
            parent.kids.append(row)
        if self.order != "came" or self.matches is not None:
            row.children = []  # of its own: `kids` grow without being asked
        return row

    def _insert(self, row: Row) -> None:
        """A line for a new row, where nothing else has to move but down."""
        above = row.parent
        if above is None:
            row.stamp = self._stamp
            self.lines.insert(0, row)
            return
        self._place(row, above)
        if not (above.open and self.in_sight(above)):
            return
        row.stamp = self._stamp
        at = self.index(row)
        self.lines.insert(at, row)
        if at <= self.cursor:
            self.cursor += 1
        growing: Row | None = above
        while growing is not None:
            growing.visible += 1
            growing = growing.parent

    def _place(self, row: Row, above: Row) -> None:
        """Among its siblings in sight: first where the newest is, else last. It has no rank yet."""
        if above.children is not above.kids:
            above.children.insert(0 if self.order == "newest" else len(above.children), row)
        row.place = len(above.children) - 1
        if self.order == "newest":
            for place, child in enumerate(above.children):
                child.place = place


def _same(_name: str) -> float:
    return 0.0
