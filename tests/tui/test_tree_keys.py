"""The tree, named after what a person does with it: filters, sorts, marks, jumps, folds, zooms, copies."""

from __future__ import annotations

import pytest

from engine.search import events as ev
from engine.workspace import Workspace

from . import script
from .fake_engine import FakeEngine
from .person import LARGE, MIDDLE, SMALL, Person, looking, misplaced

PHONE, WALL = (40, 12), (300, 100)


def lines(one: Person) -> list[str]:
    """The nodes in sight, from the top."""
    return [row.id for row in one.search._tree.outline.rows.lines]


def title(one: Person) -> str:
    return str(one.search._tree.border_title)


async def filter_by(one: Person, text: str) -> None:
    await one.press("slash")
    await one.until(lambda: one.app.focused and one.app.focused.id == "filter-line", "the line has the keys")
    await one.press(*(KEYS.get(char, char) for char in text))


KEYS = {
    ">": "greater_than_sign",
    ".": "full_stop",
    ":": "colon",
    " ": "space",
    "=": "equals_sign",
    "<": "less_than_sign",
}


async def test_filters_while_typing_and_keeps_the_ancestors(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace, SMALL) as one:
        await filter_by(one, "score>0.865")
        await one.until(lambda: lines(one) == ["n0", "n2", "n4", "n5"], "the matches and those above them")
        await one.sees("2 of 7 match", "/ score>0.865", "(n2 adjust)", "● n4 adjust")
        assert misplaced(one.app) == []
        await one.press("enter")
        assert one.selected == "n4"
        await one.press("escape")
        assert len(lines(one)) == 7 and one.selected == "n4"


async def test_is_told_what_is_wrong_with_a_filter_while_typing(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace) as one:
        await filter_by(one, "scor>0.6")
        await one.sees("there is no `scor`; did you mean score?")
        assert len(lines(one)) == 7
        await one.press("enter")
        assert one.app.focused and one.app.focused.id == "filter-line"
        await one.press("escape")
        assert one.app.focused and one.app.focused.id == "search-tree"
        assert "did you mean" not in one.screen


async def test_recalls_an_earlier_filter(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace) as one:
        for text in ("n4", "is:pruned"):
            await filter_by(one, text)
            await one.press("enter", "escape")
        await one.press("slash", "up", "up")
        await one.until(lambda: lines(one) == ["n0", "n2", "n4"], "the first filter again")
        await one.press("down")
        await one.until(lambda: lines(one) == ["n0", "n3"], "the second")


async def test_a_new_node_comes_into_sight_only_if_it_matches(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records) as engine, looking(workspace) as one:
        await filter_by(one, "is:fork")
        await one.press("enter")
        await one.until(lambda: lines(one) == ["n0"], "nothing matches")
        await engine.publish(ev.NodeAdded(node="n7", parent="n1"))
        await engine.publish(ev.Forked(node="n8", source="n1", plan=script.plan("refine_data", "mine"), by="ana"))
        await one.until(lambda: lines(one) == ["n0", "n8"] or lines(one) == ["n0", "n1", "n8"], "the fork")
        await one.sees("1 of 9 match")


async def test_sorts_siblings_by_score_and_by_age(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace) as one:
        assert lines(one) == ["n0", "n1", "n2", "n4", "n5", "n6", "n3"]
        await one.press("O")
        assert lines(one) == ["n0", "n2", "n4", "n5", "n6", "n1", "n3"]
        await one.sees("best score first")
        await one.press("O")
        assert lines(one) == ["n0", "n3", "n2", "n4", "n6", "n5", "n1"]
        assert "newest first" in title(one)
        await one.press("O")
        assert lines(one) == ["n0", "n1", "n2", "n4", "n5", "n6", "n3"]


async def test_marks_nodes_and_steps_out_layer_by_layer(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace) as one:
        await one.press("g", "j", "space", "j", "space", "k", "j", "j", "space", "space")
        assert one.search.marked == ("n1", "n2")
        assert "2 marked" in title(one)
        row = next(row for row in one.screen.splitlines() if "n1 baseline" in row)
        assert row.startswith(" ◆")
        await filter_by(one, "n2")
        await one.press("enter", "Z")
        await one.press("escape")
        assert one.search._tree.filtered and not one.search.has_class("-zoom-tree")
        await one.press("escape")
        assert not one.search._tree.filtered and one.search.marked
        await one.press("tab", "escape")
        assert one.search.marked == () and one.app.focused.id == "detail"  # type: ignore[union-attr]
        await one.press("escape")
        assert one.app.focused.id == "search-tree"  # type: ignore[union-attr]


async def test_jumps_to_the_best_to_what_runs_and_to_what_comes_next(
    workspace: Workspace, running: script.Script
) -> None:
    async with FakeEngine(workspace, running.records) as engine, looking(workspace) as one:
        await one.press("comma")
        assert one.selected == "n4"
        await one.press("full_stop")
        assert one.selected == "n6"
        await engine.publish(ev.NodeAdded(node="n7", parent="n1"))
        await one.sees("n7 thinking")
        await one.press("comma", "semicolon")
        assert one.selected == "n6"  # its second trial is queued
        await one.press("semicolon")
        assert one.selected == "n7"


async def test_is_told_why_there_is_nowhere_to_jump(workspace: Workspace, finished: script.Script) -> None:
    async with FakeEngine(workspace, finished.records), looking(workspace) as one:
        await one.press("full_stop")
        await one.sees("nothing runs now: the search is done")
        await one.press("semicolon")
        await one.sees("nothing comes next: the search is done")


async def test_is_told_where_the_search_would_grow(workspace: Workspace, running: script.Script) -> None:
    done = [script.finished("n6t0", 0.85), ev.Launched(trial="n6t1", node="n6")]
    async with FakeEngine(workspace, running.records) as engine, looking(workspace) as one:
        await engine.publish(*done)
        await one.sees("n6t1 starts")
        await one.press("semicolon")
        await one.sees("nothing is queued; the next round would be below n")


async def test_hides_pruned_branches_and_shows_them_again(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records) as engine, looking(workspace) as one:
        await one.press("v")
        assert "n3" not in lines(one)
        await one.sees("1 pruned branch hidden; v shows it again")
        await engine.publish(ev.FlagSet(node="n2", flag="pruned", on=True, by="ana"))
        await one.until(lambda: lines(one) == ["n0", "n1"], "what is pruned now goes too")
        await one.press("comma")
        await one.press("v")
        assert len(lines(one)) == 7


async def test_folds_with_z_and_collapses_chains(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records) as engine, looking(workspace) as one:
        await one.press("g", "j", "j", "z")
        await one.sees("[+1]")
        await one.press("z")
        await engine.publish(*(ev.NodeAdded(node=f"n{i}", parent=f"n{i - 1 if i > 7 else 5}") for i in range(7, 12)))
        await one.until(lambda: "n11" in lines(one))
        await one.press("minus")
        assert lines(one) == ["n0", "n1", "n2", "n4", "n5", "n11", "n6", "n3"]
        await one.sees("⋯4")


@pytest.mark.parametrize("size", [SMALL, MIDDLE, WALL], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_zooms_a_pane_and_back(workspace: Workspace, running: script.Script, size: tuple[int, int]) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace, size) as one:
        for pane, other, keys in (("left", "log", ()), ("pages", "log", ("tab",)), ("log", "body", ("shift+tab",))):
            await one.press("escape", *keys, "Z")
            shown, gone = one.search.query_one(f"#{pane}"), one.search.query_one(f"#{other}")
            assert shown.size.width > size[0] - 10 and not gone.region.area
            assert misplaced(one.app) == []
            await one.press("Z")
            assert gone.region.area


async def test_copies_the_node_and_the_page(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace) as one:
        await one.press("comma", "y")
        assert one.app.clipboard == "n4 adjust_training, done: 0.877 ±0.037 (n4t1), +0.014 against n2; run r1"
        await one.press("Y")
        assert "Two passes over 512 rows." in one.app.clipboard
        await one.press("4", "Y")
        await one.sees("a page of charts has no text to copy")


async def test_leaves_the_mouse_to_the_terminal(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace) as one:
        asked: list[str] = []
        driver = one.app._driver
        driver._disable_mouse_support = lambda: asked.append("off")  # type: ignore[union-attr]
        driver._enable_mouse_support = lambda: asked.append("on")  # type: ignore[union-attr]
        await one.press("m")
        await one.sees("the mouse is the terminal's")
        await one.press("m")
        assert asked == ["off", "on"]


async def test_uses_the_mouse(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace, SMALL) as one:
        await one.pilot.click("#search-tree", offset=(20, 2))
        assert one.selected == "n2"
        await one.pilot.click("#search-tree", offset=(3, 2))  # on its guides
        await one.sees("[+1]")
        await one.pilot.click("#search-tree", offset=(3, 2))
        assert len(lines(one)) == 7
        await one.pilot.click("#search-tree", offset=(20, 1), times=2)
        await one.sees("Hypothesis")
        assert one.selected == "n1"


@pytest.mark.parametrize("size", [PHONE, SMALL, MIDDLE, LARGE, WALL], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_everything_has_its_place_from_a_phone_to_a_wall(
    workspace: Workspace, running: script.Script, size: tuple[int, int]
) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace, size) as one:
        await one.sees("n4 adjust", "★", "n6 adjust", "? help", "q quit", "p pause", " x ", " enter ")
        assert misplaced(one.app) == []
        await filter_by(one, "score>0.8")
        await one.sees("4 of 7 match")
        assert misplaced(one.app) == []
        await one.press("enter", "enter")
        assert one.app.focused and one.app.focused.id == "detail"
        await one.sees("n4, trial n4t1")
        assert misplaced(one.app) == []


async def test_sees_more_of_a_row_the_wider_it_is(workspace: Workspace, running: script.Script) -> None:
    async with FakeEngine(workspace, running.records), looking(workspace, LARGE) as one:
        await one.sees("visits loss", "n4 adjust ★ best", "n0 › n2 › n4 › n6")
        await one.press("comma")
        await one.until(lambda: "▁" in next(row for row in one.screen.splitlines() if "n4 adjust" in row), "its loss")
