"""What the journal says of the runs of a workspace, read without an engine."""

from __future__ import annotations

from engine.journal import Journal
from engine.search.fold import fold
from engine.search.tree import ROOT_TRIAL, Tree
from engine.workspace import Workspace
from trex_tui.model.format import interval


def trees(workspace: Workspace) -> dict[str, Tree]:
    """All runs of a workspace, from its journal; empty where there is none."""
    if not workspace.journal.exists():
        return {}
    journal = Journal.open_read_only(workspace.journal)
    try:
        return {name: fold(journal.records(run=name)) for name in journal.runs()}
    finally:
        journal.close()


def result_lines(tree: Tree) -> list[str]:
    """What came out, in a few lines."""
    lines = []
    names = {"base": ROOT_TRIAL, "champion": tree.champion}
    for title, name in names.items():
        if name:
            trial = tree.trial(name)
            test = f"; on the sealed test split {interval(trial.test)}" if trial.test else ""
            lines.append(f"{title} {name}: validation {interval(trial.score)}{test}")
    if not tree.champion:
        lines.append(f"no champion: {tree.reason or 'the search has not ended'}")
    return lines


def closing_lines(workspace: Workspace, run: str) -> list[str]:
    """What came out, and where the report lies."""
    lines = result_lines(trees(workspace)[run])
    report = workspace.report(run)
    if (report / "report.md").exists():
        lines += [f"report: {report / 'report.md'}", f"        {report / 'report.html'}"]
    return lines
