"""A run's report from its workspace: the journal read, the run's directory read, Markdown and HTML written."""

from __future__ import annotations

from pathlib import Path

from engine.journal import Journal
from engine.report.gather import gather
from engine.report.write import write_report
from engine.workspace import Workspace


def make_report(workspace: Workspace, run: str) -> tuple[Path, Path]:
    """Paths of the Markdown and the HTML file. Raises BadInput for a run without events, MachineFailure for a disk."""
    journal = Journal.open_read_only(workspace.journal)
    try:
        insights = {learned.insight: learned.text for learned in journal.insights(deleted=True)}
        data = gather(journal.records(run=run), workspace.run(run), insights)
    finally:
        journal.close()
    return write_report(data, workspace.report(run))
