"""`trex insights`: what was learned in all runs of the workspace, and what a person makes of it."""

from __future__ import annotations

import argparse
import asyncio

from engine.control import protocol as p
from engine.errors import BadInput
from engine.journal import Journal
from engine.search.insights import Insight
from trex_tui.actions import person
from trex_tui.commands.look import print_json
from trex_tui.commands.steer import say
from trex_tui.forms.insight import LONGEST
from trex_tui.model.format import clean
from trex_tui.model.knowledge import marks
from trex_tui.model.nearest import NONE_NEAR, Nearest

PINNED = {"pin": True, "unpin": False}
DELETED = {"delete": True, "restore": False}


def insights(options: argparse.Namespace) -> int:
    """All insights of the workspace, the deleted ones marked so."""
    found = _journal_insights(options, deleted=True)
    if options.json:
        return print_json(found)
    for insight in found:
        said = f" [{', '.join(marks(insight))}]" if marks(insight) else ""
        print(f"{insight.insight}{said}  {clean(insight.text)}")
    return 0


def search_insights(options: argparse.Namespace) -> int:
    """The insights nearest to a text."""
    there = _journal_insights(options)
    texts = {insight.insight: insight.text for insight in there}
    hits = asyncio.run(_nearest(Nearest(options.space), there, options.text))
    if options.json:
        return print_json([{"insight": id_, "similarity": near, "text": texts[id_]} for id_, near in hits.items()])
    if not hits:
        print(NONE_NEAR if there else "nothing was learned yet")
    for id_, near in hits.items():
        print(f"{near:.2f}  {id_}  {clean(texts[id_])}")
    return 0


def edit(options: argparse.Namespace) -> int:
    """`trex insights edit ID "text"`."""
    if len(options.text) > LONGEST:
        raise BadInput(f"the insight has {len(options.text):,} letters, {LONGEST:,} are allowed", hint="shorten it")
    return say(options, p.ChangeInsight(id=1, insight=options.insight, text=options.text, by=person()))


def change(options: argparse.Namespace) -> int:
    """pin, unpin, delete, restore: one after the other; the first refusal ends it."""
    pinned, deleted = PINNED.get(options.change), DELETED.get(options.change)
    for insight in options.insight:
        say(options, p.ChangeInsight(id=1, insight=insight, pinned=pinned, deleted=deleted, by=person()))
    return 0


async def _nearest(index: Nearest, there: list[Insight], text: str) -> dict[str, float]:
    try:
        return await index.find(there, text, 10)
    finally:
        await index.close()


def _journal_insights(options: argparse.Namespace, *, deleted: bool = False) -> list[Insight]:
    journal = Journal.open_read_only(options.space.journal)
    try:
        return journal.insights(deleted=deleted)
    finally:
        journal.close()
