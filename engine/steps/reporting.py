"""The report as a step of the loop."""

from __future__ import annotations

import asyncio

from engine.report.make import make_report
from engine.steps.context import Run


async def report(run: Run) -> None:
    """Write the report; in a thread, because reading every result takes its time."""
    run.doing("the report is being written")
    await asyncio.to_thread(make_report, run.workspace, run.name)
