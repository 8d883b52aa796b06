"""From an action that needs more to be said, or read, to its form, question or answer. Loaded when first used."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from textual.app import App

from engine import strict
from engine.control import protocol as p
from engine.errors import BadInput
from engine.room import room_for
from engine.search.tree import Tree
from engine.task import Task
from engine.workspace import Workspace
from trex_tui import consequences, desktop
from trex_tui.actions import Ask, Decision, Open, Refusal, Selection, no_adapter, person
from trex_tui.editor import edit
from trex_tui.forms import plan_text
from trex_tui.forms.budget import BudgetSheet
from trex_tui.forms.export import ExportSheet
from trex_tui.forms.fork import ForkSheet, Known
from trex_tui.forms.hint import HintSheet
from trex_tui.forms.new_run import NewRunSheet
from trex_tui.forms.sheet import Sheet
from trex_tui.model import garbage, telemetry
from trex_tui.model.format import plural
from trex_tui.model.store import Store

Now = Callable[[], float]
Send = Callable[[p.Command], Awaitable[p.Reply]]
Said = tuple[str, bool]
"""A sentence, and whether it is a warning."""


def sheet(asked: Open, store: Store, workspace: Workspace, now: Now) -> Sheet:
    """The form. Raises BadInput where there is nothing to fill in yet."""
    run, node, trial = asked.at

    def tree() -> Tree:
        return store.runs[run].tree

    match asked.what:
        case "fork":
            return fork_sheet(asked.at, store, workspace, now)
        case "hint":
            return HintSheet(run, tree, node, person())
        case "export":
            shown = "" if no_adapter(tree(), asked.at) else trial
            return ExportSheet(run, tree, shown, partial(exported, workspace, run))
        case _:
            return BudgetSheet(run, tree, person(), now, lambda: room_for(workspace.run(run)).used)


def fork_sheet(at: Selection, store: Store, workspace: Workspace, now: Now) -> ForkSheet:
    """The form of a fork. Raises BadInput where there is no plan yet."""
    known = partial(known_of, workspace, at)
    return ForkSheet(at.run, lambda: store.runs[at.run].tree, at.node, at.trial, person(), now, known)


def known_of(workspace: Workspace, at: Selection) -> Known:
    """What the run's task allows a trial, and what the trial on show has taken of the memory."""
    steps = telemetry.read(workspace.trial(at.run, at.trial), telemetry.Offsets()).steps if at.trial else ()
    task = task_of(workspace, at.run)
    memory = max((step.memory for step in steps), default=None)
    return Known(task.budget.examples_per_trial if task else None, memory)


def task_of(workspace: Workspace, run: str) -> Task | None:
    """The run's task as it was when the run was asked for; None where it cannot be read."""
    kept = workspace.run(run) / "task.json"
    try:
        return strict.from_json(strict.read_text(kept).encode(), Task, source=str(kept))
    except BadInput:
        return None


def new_run(task: str, run: str, store: Store, workspace: Workspace) -> NewRunSheet:
    """The form of a new search: of this task, else as the run on show. The store is only asked, never kept."""
    trees = {name: view.tree for name, view in store.runs.items() if view.tree.created}
    like = trees[run].created if run in trees and not task else None
    return NewRunSheet(like, trees, workspace, task)


def exported(workspace: Workspace, run: str, trial: str, target: Path) -> Path:
    """Write a trial's adapter to the new folder `target`. Blocks. Raises TrexError."""
    from engine.export import export_adapter
    from engine.journal import Journal

    journal = Journal.open_read_only(workspace.journal)
    try:
        records = list(journal.records(run=run))
    finally:
        journal.close()
    return export_adapter(workspace.run(run), trial, target, records)


async def fork_from_editor(
    app: App[int], at: Selection, store: Store, workspace: Workspace, now: Now
) -> p.Command | None:
    """The plan on show in the person's editor, until it is right or left alone; then None. Raises TrexError."""
    form = fork_sheet(at, store, workspace, now)
    await asyncio.to_thread(form.prepare)
    text = plan_text.document(form.title, form.rows)
    first = plan_text.values(text, form.rows)
    while (text := edit(app, text, ".toml") or "") != "":
        try:
            values = plan_text.values(text, form.rows)
            if values == first:
                return None
            command = form.command(values)
            problem = form.remarks(values).below
            if not problem.startswith("! ") or isinstance(command, p.GiveHint):
                return command
        except BadInput as error:
            problem = str(error)
        text = plan_text.with_problem(text, problem.removeprefix("! "))
    return None


async def report(run: str, store: Store, workspace: Workspace, send: Send) -> Said:
    """The report of a search that has ended; written anew where it goes on. It judges nothing and opens no split."""
    view = store.runs[run]
    there = next(filter(Path.is_file, (workspace.report(run) / name for name in ("report.html", "report.md"))), None)
    if there is None or (store.link.kind == "live" and not view.over):
        if store.link.kind != "live":
            return store.link.text or "not connected to the engine yet", True
        reply = await send(p.MakeReport(id=0, run=run, by=person()))
        if not reply.ok:
            return reply.text, True
        there = Path(reply.text)
        there = html if (html := there.with_suffix(".html")).is_file() else there
    far = "" if view.over else " (of how far it is; the test split stays sealed)"
    return f"report: {there}{desktop.open_file(there)}{far}", False


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
