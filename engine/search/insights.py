"""Insights as they stand: what was learned, and what people have made of it since. Pure.

Not their retrieval (`engine.insights`) and not what may be changed (`engine.lessons`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from engine.search.events import AnyEvent, InsightChanged, Learned


class Insight(msgspec.Struct, frozen=True, kw_only=True):
    """One insight. `original`: the words that a person has replaced by `text`; empty where nobody has.

    `by`: who changed it last, empty where everything about it is as it was learned.
    """

    insight: str
    node: str
    task: str
    text: str
    supports: tuple[str, ...] = ()
    contradicts: tuple[str, ...] = ()
    source: Literal["researcher", "rule"] = "researcher"
    original: str = ""
    pinned: bool = False
    deleted: bool = False
    by: str = ""


def as_it_stands(learned: Learned, change: InsightChanged | None) -> Insight:
    """The insight after the last change, where there was one."""
    change = change or InsightChanged(insight=learned.insight, by="")
    edited = bool(change.text) and change.text != learned.text
    return Insight(
        insight=learned.insight,
        node=learned.node,
        task=learned.task,
        text=change.text if edited else learned.text,
        supports=learned.supports,
        contradicts=learned.contradicts,
        source=learned.source,
        original=learned.text if edited else "",
        pinned=change.pinned,
        deleted=change.deleted,
        by=change.by if edited or change.pinned or change.deleted else "",
    )


def standing(events: Iterable[AnyEvent]) -> list[Insight]:
    """All insights of these events, in the order in which they were first learned; the deleted ones too."""
    learned: dict[str, Learned] = {}
    changes: dict[str, InsightChanged] = {}
    for event in events:
        if isinstance(event, Learned):
            learned[event.insight] = event
        elif isinstance(event, InsightChanged):
            changes[event.insight] = event
    return [as_it_stands(event, changes.get(name)) for name, event in learned.items()]
