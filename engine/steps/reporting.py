"""The report as a step: gather the run's facts and write Markdown and HTML."""

from __future__ import annotations

import asyncio
from pathlib import Path

from engine.journal import Journal
from engine.report.gather import gather
from engine.report.write import write_report
from engine.steps.context import Run
from engine.workspace import Workspace


async def report(run: Run) -> None:
    """Write the report; in a thread, because reading every result takes its time."""
    run.doing("the report is being written")
    await asyncio.to_thread(write_run, run.workspace, run.name)


def write_run(workspace: Workspace, run: str) -> tuple[Path, Path]:
    """Markdown and HTML of a run, from its events and its directory."""
    journal = Journal.open_read_only(workspace.journal)
    try:
        insights = {learned.insight: learned.text for learned in journal.insights()}
        data = gather(journal.records(run=run), workspace.run(run), insights)
    finally:
        journal.close()
    return write_report(data, workspace.report(run))
