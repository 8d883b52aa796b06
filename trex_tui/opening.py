"""From an action that needs more to be said to its form, or to its question. Loaded when the first one is opened."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from engine import strict
from engine.control import protocol as p
from engine.errors import BadInput
from engine.room import room_for
from engine.search.tree import Tree
from engine.task import Task
from engine.workspace import Workspace
from trex_tui import consequences
from trex_tui.actions import Ask, Decision, Open, Refusal, Selection, person
from trex_tui.forms.budget import BudgetSheet
from trex_tui.forms.fork import ForkSheet
from trex_tui.forms.hint import HintSheet
from trex_tui.forms.sheet import Sheet
from trex_tui.model import garbage
from trex_tui.model.format import plural
from trex_tui.model.store import Store


def sheet(asked: Open, store: Store, workspace: Workspace, now: Callable[[], float]) -> Sheet:
    """The form. Raises BadInput where there is nothing to fill in yet."""
    run, node, trial = asked.at

    def tree() -> Tree:
        return store.runs[run].tree

    match asked.what:
        case "fork":
            return ForkSheet(run, tree, node, trial, person(), now, lambda: examples_per_trial(workspace, run))
        case "hint":
            return HintSheet(run, tree, node, person())
        case _:
            return BudgetSheet(run, tree, person(), now, lambda: room_for(workspace.run(run)).used)


def examples_per_trial(workspace: Workspace, run: str) -> int | None:
    """What the run's task allows a trial; None where the task cannot be read."""
    kept = workspace.run(run) / "task.json"
    try:
        return strict.from_json(strict.read_text(kept).encode(), Task, source=str(kept)).budget.examples_per_trial
    except BadInput:
        return None


async def cleaning(at: Selection, store: Store, workspace: Workspace) -> Decision:
    """The question whether to remove what nobody needs, with its preview; or what stays, and why."""
    chosen = garbage.items(store.runs[at.run].tree)
    found = await asyncio.to_thread(garbage.measured, chosen, partial(workspace.trial, at.run))
    free = garbage.removable(found)
    said = garbage.lines(found)
    if not free:
        return Refusal("; ".join(said))
    detail = "\n".join([*said, "", consequences.CLEANING])
    command = p.Collect(id=0, run=at.run, trials=free, by=person())
    return Ask(f"Remove the adapters of {plural(len(free), 'trial')}?", lambda: detail, command)
