"""The runs of a workspace as a table: what stands in its columns, and which of them fit. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

from engine.control.protocol import Pulse
from engine.search.tree import ROOT, Score, Tree
from trex_tui.model import format as fmt
from trex_tui.model.store import RunView

GAP = 2
NAME = 24  # cells of a name at most
NARROW = 50  # cells; below, a state is its sign alone: its word stands in the lines about the run


class Column(NamedTuple):
    """`weight`: columns with a higher one are left out first."""

    name: str
    weight: int
    right: bool = False


COLUMNS = (
    Column("state", 0),
    Column("search", 1),
    Column("task", 7),
    Column("best", 2, True),
    Column("interval", 8),
    Column("base", 9, True),
    Column("gain", 3, True),
    Column("time", 5, True),
    Column("ends", 4),
    Column("rounds", 6, True),
    Column("trials", 10, True),
    Column("policy", 11),
    Column("Researcher", 12),
    Column("begun", 13),
)
Cells = Mapping[str, str]


def word(view: RunView) -> str:
    """A run's state in one word."""
    tree = view.tree
    waits = tree.state == "running" and not tree.begun and not tree.paused
    return "queued" if waits else view.word


def leader(view: RunView) -> Score | None:
    """The score of the champion, else of the best so far."""
    if view.tree.champion:
        return view.tree.trial(view.tree.champion).score
    return view.best.score if view.best else None


def trials(tree: Tree) -> tuple[int, int]:
    """How many of the search's trials are done, and how many have failed."""
    states = [trial.state for node in tree.nodes.values() if node.id != ROOT for trial in node.trials.values()]
    return states.count("done"), states.count("failed")


def ends(view: RunView, run: str, pulse: Pulse | None, now: float) -> str:
    """When it ended, when it will end, or where it stands in the queue."""
    tree = view.tree
    if view.over:
        return fmt.day(tree.ended_at) if tree.ended_at is not None else ""
    if pulse is None or view.paused:
        return ""
    if pulse.run == run:
        return f"about {fmt.clock(pulse.eta) if pulse.eta - now < 86400 else fmt.day(pulse.eta)}" if pulse.eta else ""
    return f"no. {pulse.queued.index(run) + 1} in the queue" if run in pulse.queued else ""


def cells(run: str, view: RunView, pulse: Pulse | None, now: float) -> Cells:
    """What stands in each column for one run."""
    tree = view.tree
    if tree.created is None:
        return {"state": fmt.state("planned"), "search": fmt.cut(run, NAME)}
    best, base = leader(view), tree.score(ROOT)
    done, failed = trials(tree)
    return {
        "state": fmt.state(word(view)),
        "search": fmt.cut(run, NAME),
        "task": fmt.cut(fmt.clean(tree.created.task), NAME),
        "best": fmt.number(best.value) if best else "",
        "interval": f"[{fmt.number(best.low)}, {fmt.number(best.high)}]" if best else "",
        "base": fmt.number(base.value) if base else "",
        "gain": fmt.gain(best, base, tree.maximize),
        "time": fmt.duration(tree.elapsed(now)) if tree.begun else "",
        "ends": ends(view, run, pulse, now),
        "rounds": f"{tree.rounds}/{tree.limits.rounds}",
        "trials": f"{done}" + (f" +{failed}{fmt.GLYPHS['failed']}" if failed else ""),
        "policy": tree.created.policy,
        "Researcher": fmt.cut(fmt.clean(tree.created.researcher), NAME),
        "begun": fmt.day(tree.started_at) if tree.begun else "",
    }


def searched(run: str, view: RunView, text: str) -> bool:
    """Whether all words of a filter stand somewhere in what is known of the run."""
    created = view.tree.created
    about = [run, word(view), view.tree.champion, fmt.clean(view.tree.reason)]
    if created is not None:
        about += [created.task, created.title, created.policy, created.researcher, created.base_model, created.by]
    hay = " ".join(about).casefold()
    return all(part in hay for part in text.casefold().split())


def layout(table: list[Cells], width: int) -> list[tuple[Column, int]]:
    """The columns that fit into `width` cells, in their order, each with its width."""
    wide = {
        column.name: max([cell_len(column.name), *(cell_len(row.get(column.name, "")) for row in table)])
        for column in COLUMNS
    }
    if width < NARROW:
        wide["state"] = 1
    used = {column for column in COLUMNS if any(row.get(column.name) for row in table)}
    taken: list[Column] = []
    for column in sorted(used, key=lambda column: column.weight):
        if sum(wide[one.name] + GAP for one in [*taken, column]) - GAP > width and taken:
            break
        taken.append(column)
    return [(column, min(wide[column.name], width)) for column in COLUMNS if column in taken]


def head(columns: list[tuple[Column, int]]) -> str:
    return (" " * GAP).join(_fitted(column.name if wide > 1 else "", column, wide) for column, wide in columns).rstrip()


def line(row: Cells, columns: list[tuple[Column, int]]) -> str:
    return (" " * GAP).join(_fitted(row.get(column.name, ""), column, wide) for column, wide in columns).rstrip()


def _fitted(text: str, column: Column, wide: int) -> str:
    text = text[:1] if wide == 1 else fmt.cut(text, wide)
    return text.rjust(wide - cell_len(text) + len(text)) if column.right else set_cell_size(text, wide)
