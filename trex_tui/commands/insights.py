"""`trex insights`: what was learned in all runs of the workspace."""

from __future__ import annotations

import argparse
import asyncio

from engine.insights import Insights, Row
from engine.journal import Journal
from engine.search.events import Learned
from trex_tui.commands.look import print_json


def insights(options: argparse.Namespace) -> int:
    """All insights of the workspace."""
    found = _journal_insights(options)
    if options.json:
        return print_json(found)
    for learned in found:
        print(f"{learned.insight}  {learned.text}")
    return 0


def search_insights(options: argparse.Namespace) -> int:
    """The insights nearest to a text."""
    rows = [Row(id=e.insight, task=e.task, text=e.text) for e in _journal_insights(options)]
    hits = asyncio.run(_nearest(Insights(rows, options.space.cache / "insights"), options.text))
    if options.json:
        return print_json([{"insight": row.id, "similarity": near, "text": row.text} for row, near in hits])
    for row, near in hits:
        print(f"{near:.2f}  {row.id}  {row.text}")
    return 0


async def _nearest(index: Insights, text: str) -> list[tuple[Row, float]]:
    try:
        return [(index.rows[hit.id], hit.similarity) for hit in await index.nearest(text, 10)]
    finally:
        await index.close()


def _journal_insights(options: argparse.Namespace) -> list[Learned]:
    journal = Journal.open_read_only(options.space.journal)
    try:
        return journal.insights()
    finally:
        journal.close()
