"""The search loop, as one page: decide, carry out, record, again.

`decide` (engine.search.decide) is pure and says what; the steps (engine.steps) do it and journal what came of it.
Nothing here remembers anything between two turns that is not in the tree.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

from engine.room import collect
from engine.search import decide as d
from engine.search.events import ChampionChosen, Failed, NodeAdded, RunEnded, RunPaused, TestOpened
from engine.search.policies import choose
from engine.search.tree import Tree
from engine.steps import data, planning, reporting, restore, trials
from engine.steps.context import Run


async def search(run: Run) -> str:
    """Work on a run until it has ended or waits for a person; returns what it waits for."""
    while True:
        command = d.decide(run.tree, run.now(), run.cheapest, run.room())
        if isinstance(command, d.Wait):
            return command.reason
        await carry_out(run, command)


async def carry_out(run: Run, command: d.Command) -> None:
    """One step. Every outcome, a failure too, is an event."""
    match command:
        case d.MakePlan(node):
            await unless_held(run, node, planning.plan(run, node))
        case d.PrepareData(node):
            await unless_held(run, node, data.prepare(run, node))
        case d.Judge(trial, split):
            if split == "validation" and data.is_lost(run, node := run.tree.trial(trial).node):
                await unless_held(run, node, data.prepare_again(run, node))
                return
            trials.launch(run, trial, split)
        case d.Follow(trial, split):
            await trials.follow(run, trial, split)
        case d.Interrupt(trial, split, why):
            await trials.interrupt(run, trial, split, why)
        case d.Cancel(trial, cause):
            run.record(Failed(node=run.tree.trial(trial).node, trial=trial, kind="cancelled", cause=cause))
        case d.Diagnose(node):
            await unless_held(run, node, planning.diagnose(run, node))
        case d.Grow():
            grow(run)
        case d.ChooseChampion(reason):
            run.record(ChampionChosen(trial=d.champion(run.tree), reason=reason))
        case d.OpenTest(names):
            run.record(TestOpened(trials=names, by="report"))
        case d.Report():
            await reporting.report(run)
            run.record(RunEnded(state="stopped" if run.tree.stop_by else "done", reason=run.tree.champion_reason))
        case d.Collect(names):
            collect(run.workspace, run.name, names, "engine", run.write)
        case d.PauseRun(reason):
            run.record(RunPaused(by="engine", reason=reason))
        case d.EndRun(reason, state):
            run.record(RunEnded(state=state, reason=reason))
        case d.Wait():
            return


async def unless_held(run: Run, node: str, step: Coroutine[None, None, None]) -> None:
    """Take the step, but drop it as soon as a person holds its node: a pause does not wait for a minute of thinking."""
    work = asyncio.create_task(step)
    try:
        while not work.done():
            run.changed.clear()
            news = asyncio.create_task(run.changed.wait())
            await asyncio.wait({work, news}, return_when=asyncio.FIRST_COMPLETED)
            news.cancel()
            if not work.done() and d.is_held(run.tree, node):
                return
    finally:
        if not work.done():
            work.cancel()
            await asyncio.wait({work})
    work.result()


def grow(run: Run) -> None:
    """The policy chooses a parent; the node exists from here on. What the journal lost is taken up again first."""
    if restore.node(run, next_name(run.tree)):
        return
    choice = choose(run.tree)
    why = choice.rivals
    run.record(NodeAdded(node=next_name(run.tree), parent=choice.parent, direction=choice.direction, why=why))


def next_name(tree: Tree) -> str:
    """Nodes are numbered in the order in which they are added; numbers are never used again."""
    return f"n{len(tree.nodes)}"
