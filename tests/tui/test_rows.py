"""The tree's rows: always what a plain walk would give, and the cursor stays on its node."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.strip import Strip

from trex_tui.model.row import Row, guides
from trex_tui.model.rows import BULK, Rows
from trex_tui.widgets.line_tree import LineTree, Spot


def walk(rows: Rows, name: str = "n0") -> list[str]:
    """What should stand in the lines, by the plainest recursion."""
    row = rows.nodes[name]
    return [name, *(line for child in row.children for line in walk(rows, child.id))] if row.open else [name]


def check(rows: Rows) -> None:
    assert [row.id for row in rows.lines] == walk(rows)
    for line, row in enumerate(rows.lines):
        assert rows.index(row) == line
        assert row.visible == len(walk(rows, row.id))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["add", "fold", "move"]), st.integers(0, 10**6)), max_size=60))
def test_lines_are_what_a_walk_gives_after_any_growing_and_folding(steps: list[tuple[str, int]]) -> None:
    rows = Rows()
    rows.add([("n0", "n0")])
    for step, number in steps:
        if step == "move":
            rows.cursor = number % len(rows)
            continue
        kept = rows.selected
        if step == "fold":
            rows.fold()
        else:
            rows.add([(f"n{len(rows.nodes)}", f"n{number % len(rows.nodes)}")])
        assert rows.selected == kept
        check(rows)


def test_many_at_once_are_the_same_as_one_by_one() -> None:
    pairs = [("n0", "n0"), *((f"n{i}", f"n{(i * 7) % i}") for i in range(1, BULK * 3))]
    together, single = Rows(), Rows()
    together.add(pairs)
    for pair in pairs:
        single.add([pair])
    assert [row.id for row in together.lines] == [row.id for row in single.lines]
    check(together)


def test_ten_thousand_nodes_and_the_cursor_stays_on_its_node() -> None:
    rows = Rows()
    rows.add([("n0", "n0"), *((f"n{i}", f"n{i // 3}") for i in range(1, 10_000))])
    rows.cursor = rows.reveal("n9999")
    before = rows.cursor
    moved = rows.add([("early", "n1")])
    assert rows.selected == "n9999"
    assert rows.cursor == before + moved
    assert len(rows) == 10_001


def test_a_chain_of_thousands_does_not_overflow() -> None:
    rows = Rows()
    rows.add([("n0", "n0"), *((f"n{i}", f"n{i - 1}") for i in range(1, 5000))])
    deep = rows.nodes["n4999"]
    assert guides(deep).startswith("4991» ") and len(guides(deep)) < 30
    rows.cursor = 0
    assert rows.fold() and len(rows) == 1
    assert rows.reveal("n4999") == 4999


def test_folding_above_the_cursor_puts_it_on_the_fold() -> None:
    rows = Rows()
    rows.add([("n0", "n0"), ("n1", "n0"), ("n2", "n1"), ("n3", "n0")])
    rows.cursor = rows.reveal("n2")
    rows.nodes["n1"].open = False
    rows.lay_out()
    assert rows.selected == "n1"
    assert guides(rows.nodes["n1"]) == "├ [+1] "


class TreeApp(App[None]):
    """The widget alone; counts how many rows it paints."""

    painted = 0

    def compose(self) -> ComposeResult:
        yield LineTree(self._paint, Rows())

    def _paint(self, spot: Spot) -> Strip:
        self.painted += 1
        return Strip.blank(spot.width)


async def test_only_the_lines_in_sight_are_painted() -> None:
    app = TreeApp()
    async with app.run_test(size=(80, 24)) as pilot:
        tree = app.query_one(LineTree)
        tree.grown(tree.rows.add([("n0", "n0"), *((f"n{i}", f"n{i // 3}") for i in range(1, 10_000))]))
        tree.focus()
        await pilot.press("G")
        await pilot.pause()
        app.painted = 0
        tree.grown(tree.rows.add([("n10000", "n1")]))
        await pilot.pause()
        assert 0 < app.painted <= 24 * 3
        last: Row = tree.rows.lines[-1]
        assert tree.selected == last.id
        assert 0 <= tree.rows.cursor - tree.scroll_offset.y < tree.size.height
