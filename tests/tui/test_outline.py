"""The tree as a person wants it: after any growing, filtering, sorting, hiding and folding it is what a plain walk over
the run would show, and the cursor stays where it was."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.search import events as ev
from engine.search.policies import tally
from trex_tui.model.match import test_of as meaning
from trex_tui.model.outline import Outline
from trex_tui.model.query import All, parse
from trex_tui.model.row import guides
from trex_tui.model.rows import Rows
from trex_tui.model.store import RunView, Store

from . import script

FILTERS = ("", "score>0.6", "state:failed OR is:best", "gain>0 NOT is:pruned", "n3", "depth<2 state:done")
STEPS = ("add", "score", "cancel", "prune", "fold", "filter", "sort", "hide", "move", "back")


class Growing:
    """A run that grows by itself, and its store."""

    def __init__(self) -> None:
        self.store, self._seq, self.past = Store(), 0, []
        self.say(script.created(rounds=99))
        self.say(ev.Launched(trial="n0t0", node="n0"))
        self.say(script.finished("n0t0", 0.5))

    def say(self, event: ev.AnyEvent) -> None:
        self._seq += 1
        self.store.records([ev.Record(seq=self._seq, time=float(self._seq), run="r1", event=event)])
        self.past.append(event)

    @property
    def view(self) -> RunView:
        return self.store.runs["r1"]

    def node(self, number: int) -> str:
        return self.view.order[number % len(self.view.order)]

    def do(self, step: str, number: int) -> None:
        name, tree = self.node(number), self.view.tree
        match step:
            case "add":
                new = f"n{len(tree.nodes)}"
                self.say(ev.NodeAdded(node=new, parent=name))
                self.say(ev.Planned(node=new, plan=script.plan("adjust_training", f"idea {number}")))
            case "score" if name != "n0" and tree.nodes[name].state == "queued":
                self.say(ev.Launched(trial=f"{name}t0", node=name))
                self.say(script.finished(f"{name}t0", 0.3 + number % 60 / 100))
            case "cancel" if name != "n0" and tree.nodes[name].state == "queued":
                kind = "cancelled" if number % 2 else "idea"
                self.say(ev.Failed(trial=f"{name}t0", node=name, kind=kind, cause="no time"))
            case "prune" if name != "n0":
                on = "pruned" not in tree.nodes[name].flags
                self.say(ev.FlagSet(node=name, flag="pruned", on=on, by="ana"))


def expected(growing: Growing, outline: Outline, folded: set[str], name: str = "n0") -> Iterator[str]:
    """The lines, by the plainest recursion over the run."""
    view, rows = growing.view, outline.rows
    yield name
    if name in folded:
        return
    kids = list(view.tree.nodes[name].children)
    if rows.order == "newest":
        kids.reverse()
    if rows.order == "best":
        kids.sort(key=lambda kid: -score.value if (score := view.tree.score(kid)) else float("inf"))
    test = meaning(outline.query or All())
    for kid in kids:
        pruned = outline.hiding and "pruned" in view.tree.nodes[kid].flags
        if not pruned and any(test(view, view.tree.nodes[below]) for below in view.tree.subtree(kid)):
            yield from expected(growing, outline, folded, kid)


def check(growing: Growing, outline: Outline) -> None:
    rows = outline.rows
    folded = {row.id for row in rows.nodes.values() if not row.open}
    assert [row.id for row in rows.lines] == list(expected(growing, outline, folded))
    for line, row in enumerate(rows.lines):
        assert rows.index(row) == line
    counted = {name: int(of.visits) for name, of in tally(growing.view.tree).items()}
    assert {name: outline.visits.of[name] for name in counted} == counted
    if outline.query is not None:
        test = meaning(outline.query)
        assert rows.matching == sum(test(growing.view, node) for node in growing.view.tree.nodes.values())


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 10**6)), min_size=10, max_size=60))
def test_the_lines_are_what_a_plain_walk_gives_after_anything(steps: list[tuple[str, int]]) -> None:
    growing, outline = Growing(), Outline()
    outline.pull(growing.store, growing.view, [])
    growing.store.take_dirty()
    for step, number in steps:
        kept = outline.rows.selected
        match step:
            case "fold":
                outline.rows.fold()
            case "filter":
                text = FILTERS[number % len(FILTERS)]
                outline.sift(parse(text) if text else None)
            case "sort":
                outline.sort(("came", "best", "newest")[number % 3])
            case "hide":
                outline.hide_pruned(number % 2 == 0)
            case "move":
                kept = outline.rows.lines[number % len(outline.rows)].id
                outline.rows.cursor = number % len(outline.rows)
            case "back":  # a moment of the past, and back to now
                past = Growing()
                for event in growing.past[3 : 3 + number % 20]:
                    past.say(event)
                outline.pull(past.store, past.view, [])
                check(past, outline)
                kept = ""
            case _:
                growing.do(step, number)
        _, touched = growing.store.take_dirty()
        outline.pull(growing.store, growing.view, [node for _, node in touched])
        check(growing, outline)
        above = growing.view.tree.path(kept) if kept in growing.view.tree.nodes else [outline.rows.selected]
        assert outline.rows.selected in above


def chain(length: int) -> Rows:
    rows = Rows()
    rows.add([("n0", "n0"), *((f"n{i}", f"n{i - 1}") for i in range(1, length))])
    return rows


def test_a_chain_of_single_children_is_one_line_and_its_end_another() -> None:
    rows = chain(8)
    rows.add([("n8", "n7"), ("n9", "n7")])
    rows.draw_chains(True)
    assert [row.id for row in rows.lines] == ["n0", "n7", "n8", "n9"]
    assert guides(rows.lines[1]) == "└ ⋯6 "
    assert guides(rows.lines[3]) == "  └ "
    assert [rows.index(row) for row in rows.lines] == [0, 1, 2, 3]


def test_a_node_inside_a_chain_is_shown_when_somebody_goes_there() -> None:
    rows = chain(10)
    rows.draw_chains(True)
    assert len(rows) == 2
    assert rows.reveal("n4") == 4
    assert len(rows) == 10
    rows.draw_chains(False)
    rows.draw_chains(True)
    assert rows.unchain(rows.lines[0]) and not rows.unchain(rows.lines[0])


def test_a_chain_grows_while_it_is_drawn_as_one_line() -> None:
    rows = chain(9)
    rows.draw_chains(True)
    rows.add([("n9", "n8")])
    assert [row.id for row in rows.lines] == ["n0", "n9"]
    rows.add([("n10", "n4")])
    assert [row.id for row in rows.lines] == ["n0", "n4", "n5", "n9", "n10"]


def test_a_match_inside_a_chain_is_never_left_out() -> None:
    rows = chain(9)
    rows.draw_chains(True)
    rows.sift(lambda name: name in ("n4", "n8"))
    assert [row.id for row in rows.lines] == ["n0", "n4", "n8"]
    assert [row.matches for row in rows.lines] == [False, True, True]


def test_a_chain_of_thousands_is_filtered_sorted_and_collapsed_without_overflow() -> None:
    rows = chain(5000)
    rows.sort("newest")
    rows.sift(lambda name: name.endswith("99"))
    assert rows.matching == 50 and rows.reveal("n4999") == 4999
    rows.sift(None)
    rows.draw_chains(True)
    assert len(rows) == 2
    assert rows.reveal("n2500") == 2500


def test_what_was_folded_before_the_filter_is_folded_after_it() -> None:
    rows = chain(6)
    rows.cursor = 2
    rows.fold()
    rows.sift(lambda name: name == "n5")
    assert len(rows) == 6
    rows.sift(None)
    assert [row.id for row in rows.lines] == ["n0", "n1", "n2"]


def test_a_gain_is_judged_again_when_the_parent_gets_its_score() -> None:
    growing, outline = Growing(), Outline()
    for step, number in (("add", 0), ("add", 1), ("score", 2)):
        growing.do(step, number)
    outline.sift(parse("gain>0"))
    outline.pull(growing.store, growing.view, [])
    assert outline.rows.matching == 0
    growing.store.take_dirty()
    growing.do("score", 1)  # 0.31; its child has 0.32
    outline.pull(growing.store, growing.view, [node for _, node in growing.store.take_dirty()[1]])
    assert outline.rows.match() == "n2"
