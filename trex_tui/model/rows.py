"""The rows of a tree that can grow and fold: which node stands in which line. Pure; the widget draws it.

Each row keeps the number of visible rows of its subtree, so an insert costs depth x siblings and not the size of the
tree. The cursor stays on its node whatever grows above it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

GUIDES = 8  # levels drawn as guides; deeper ones as a number
BULK = 64  # so many new rows at once are cheaper to lay out anew


class Row:
    """A node. `visible`: rows of its subtree in sight, itself included; `place`: its index among its siblings."""

    __slots__ = ("children", "depth", "id", "open", "parent", "place", "visible")

    def __init__(self, name: str, parent: Row | None) -> None:
        self.id, self.parent = name, parent
        self.children: list[Row] = []
        self.open, self.visible = True, 1
        self.place = len(parent.children) if parent else 0
        self.depth: int = parent.depth + 1 if parent else 0


class Rows:
    """All nodes, those in sight in order, and the cursor (an index into those in sight)."""

    def __init__(self) -> None:
        self.nodes: dict[str, Row] = {}
        self.lines: list[Row] = []
        self.cursor = 0

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def selected(self) -> str:
        """The id under the cursor; "" in an empty tree."""
        return self.lines[self.cursor].id if self.lines else ""

    def add(self, pairs: Iterable[tuple[str, str]]) -> int:
        """Add (id, parent id) pairs, parents first; a parent that is the node itself makes the root.

        Returns how far the cursor's line has moved down.
        """
        before, new = self.cursor, list(pairs)
        for name, parent in new:
            row = self.nodes[name] = Row(name, None if name == parent else self.nodes[parent])
            if len(new) < BULK:
                self._insert(row)
            if row.parent is not None:
                row.parent.children.append(row)
        if len(new) >= BULK:
            self.lay_out()
        return self.cursor - before

    def index(self, row: Row) -> int:
        """The line of a row that is in sight."""
        index = 0
        while row.parent is not None:
            index += 1 + sum(sibling.visible for sibling in row.parent.children[: row.place])
            row = row.parent
        return index

    def reveal(self, name: str) -> int:
        """Unfold whatever hides a node; its line."""
        row = self.nodes[name]
        above, hidden = row.parent, False
        while above is not None:
            hidden = hidden or not above.open
            above.open, above = True, above.parent
        if hidden:
            self.lay_out()
        return self.index(row)

    def fold(self) -> bool:
        """Fold or unfold the row under the cursor; False where it has no children."""
        if not self.lines or not self.lines[self.cursor].children:
            return False
        row = self.lines[self.cursor]
        row.open = not row.open
        self.lay_out()
        return True

    def lay_out(self) -> None:
        """All lines anew, the cursor kept on its node, or on the fold that hides it now."""
        kept = self.lines[self.cursor] if self.lines else None
        self.lines = list(_walk(next(iter(self.nodes.values())))) if self.nodes else []
        for row in reversed(self.lines):
            row.visible = 1 + (sum(child.visible for child in row.children) if row.open else 0)
        while kept is not None and not _in_sight(kept):
            kept = kept.parent
        self.cursor = self.index(kept) if kept else 0

    def _insert(self, row: Row) -> None:
        above = row.parent
        if above is None:
            self.lines.insert(0, row)
            return
        if not (above.open and _in_sight(above)):
            return
        at = self.index(above) + above.visible
        self.lines.insert(at, row)
        if at <= self.cursor:
            self.cursor += 1
        growing: Row | None = above
        while growing is not None:
            growing.visible += 1
            growing = growing.parent


def guides(row: Row) -> str:
    """The branch in front of a row, two cells a level; far down the depth as a number, then the last levels."""
    parts: list[str] = []
    here = row
    while here.parent is not None and len(parts) < GUIDES:
        last = here.place == len(here.parent.children) - 1
        parts.append(("└ " if last else "├ ") if here is row else ("  " if last else "│ "))
        here = here.parent
    head = f"{here.depth}» " if here.depth else ""
    folded = f"[+{len(row.children)}] " if row.children and not row.open else ""
    return head + "".join(reversed(parts)) + folded


def _in_sight(row: Row) -> bool:
    above = row.parent
    while above is not None:
        if not above.open:
            return False
        above = above.parent
    return True


def _walk(root: Row) -> Iterator[Row]:
    stack = [root]
    while stack:
        row = stack.pop()
        yield row
        if row.open:
            stack.extend(reversed(row.children))
