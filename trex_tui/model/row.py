"""One row of the tree, the walk that gives the lines, the guides in front of a row. Pure; `rows` keeps the order."""

from __future__ import annotations

from collections.abc import Iterator

GUIDES = 8  # levels drawn as guides; deeper ones as a number
CHAIN = 2  # so many single children in a row are worth hiding


class Row:
    """A node. `kids`: its children as they came; `children`: those in sight, in the order asked for (the same list
    while nothing is hidden or sorted); `place`: its index among them; `visible`: lines of its subtree, its own
    included; `above`: the row whose child it is drawn as, `skipped` rows between them left out; `spread`: its chain is
    shown in full; `matches`: it passes the filter; `below`: how many of its subtree do; `stamp`: the layout it is in.
    """

    __slots__ = (
        "above", "below", "children", "depth", "id", "kids", "matches", "open", "parent", "place", "skipped", "spread",
        "stamp", "visible",
    )  # fmt: skip

    def __init__(self, name: str, parent: Row | None) -> None:
        self.id, self.parent, self.above = name, parent, parent
        self.kids: list[Row] = []
        self.children = self.kids
        self.open, self.spread, self.matches = True, False, False
        self.visible, self.place, self.skipped, self.below, self.stamp = 1, 0, 0, 0, 0
        self.depth: int = parent.depth + 1 if parent else 0


def walk(root: Row, stamp: int, chains: bool, filtered: bool) -> Iterator[Row]:
    """Every row that is unfolded, in order. Those that have a line get this layout's `stamp`; with `chains`, what
    stands between the ends of a chain of single children has none, unless it is `filtered` and matches."""
    stack = [root]
    while stack:
        row = stack.pop()
        row.stamp = stamp
        yield row
        if not row.open:
            continue
        inner = _chain(row, filtered) if chains else []
        for one in inner:
            one.above, one.skipped = one.parent, 0
            one.stamp = stamp if row.spread else 0
            yield one
        last = inner[-1] if inner else row
        for child in last.children:
            child.above, child.skipped = (last, 0) if row.spread or not inner else (row, len(inner))
        stack.extend(reversed(last.children))


def _chain(row: Row, filtered: bool) -> list[Row]:
    """The rows between this one and the end of the chain of single children that begins here."""
    inner: list[Row] = []
    while len(row.children) == 1:
        row = row.children[0]
        if len(row.children) != 1 or not row.open or (filtered and row.matches):
            break
        inner.append(row)
    return inner if len(inner) >= CHAIN else []


def guides(row: Row, levels: int = GUIDES) -> str:
    """The branch in front of a row, two cells a level; far down the depth as a number, then the last levels."""
    parts: list[str] = []
    here = row
    while here.above is not None and here.parent is not None and len(parts) < levels:
        last = here.parent.children[-1] is here
        parts.append(("└ " if last else "├ ") if here is row else ("  " if last else "│ "))
        here = here.above
    head = f"{here.depth}» " if here.depth else ""
    left_out = f"⋯{row.skipped} " if row.skipped else ""
    folded = f"[+{len(row.children)}] " if row.children and not row.open else ""
    return head + "".join(reversed(parts)) + left_out + folded
