"""What a person may make of an insight: edit, pin, delete it. Each accepted change is one event of the run it is from.

Not what the Researcher is given (`engine.mind`) and not how an insight stands (`engine.search.insights`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.control import protocol as p
from engine.errors import BadInput, one_line
from engine.search.events import InsightChanged, Learned
from engine.search.insights import Insight, as_it_stands
from engine.search.tree import Tree

if TYPE_CHECKING:
    from engine.service import Engine


def owner(engine: Engine, insight: str) -> tuple[str, Tree]:
    """The run that learned it, and its tree. Raises BadInput."""
    for run, tree in engine.trees.items():
        if insight in tree.insights:
            return run, tree
    raise BadInput(f"no insight `{insight}` in this workspace", hint="`trex insights` lists them")


def changed(tree: Tree, command: p.ChangeInsight) -> InsightChanged:
    """The command as an event. Raises BadInput for one that would change nothing, or what is deleted."""
    learned = tree.insights[command.insight]
    now = as_it_stands(learned, tree.insight_changes.get(command.insight))
    if now.deleted and command.deleted is not False:
        raise BadInput(f"{now.insight} is deleted", hint=f"`trex insights restore {now.insight}` brings it back")
    event = InsightChanged(
        insight=now.insight,
        by=command.by,
        text=_words(learned, now, command.text),
        pinned=now.pinned if command.pinned is None else command.pinned,
        deleted=now.deleted if command.deleted is None else command.deleted,
    )
    if _same(as_it_stands(learned, event), now):
        raise BadInput(f"{now.insight} stands like that already")
    return event


def _words(learned: Learned, now: Insight, asked: str | None) -> str:
    """The person's words in one line; empty where they are those with which the insight was learned."""
    if asked is None:
        return now.text if now.original else ""
    text = one_line(" ".join(asked.split()))
    return "" if text == learned.text else text


def _same(one: Insight, other: Insight) -> bool:
    return (one.text, one.pinned, one.deleted) == (other.text, other.pinned, other.deleted)


def said(event: InsightChanged, before: InsightChanged | None) -> str:
    """What the change does to the plans to come."""
    name, was = event.insight, before or InsightChanged(insight=event.insight, by="")
    if event.deleted:
        return f"{name} is deleted: no plan is given it any more"
    parts = ["is there again"] if was.deleted else []
    if event.pinned != was.pinned:
        parts.append("is pinned: plans are given it first of all" if event.pinned else "is not pinned any more")
    if event.text != was.text:
        parts.append("is given in the new words" if event.text else "is given again as it was learned")
    return f"{name} {' and '.join(parts)}"
