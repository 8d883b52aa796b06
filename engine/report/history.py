"""What the journal tells beside the scores: incidents, the Researcher's calls, insights and who used them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import get_args

from engine.report.model import Best, Calls, Incident, Insight
from engine.search import events as ev
from engine.search.fold import DEEDS
from engine.search.insights import as_it_stands
from engine.search.steering import said
from engine.search.tree import Tree


def incidents(records: Sequence[ev.Record]) -> tuple[Incident, ...]:
    """Failures, interruptions, pauses, fall-backs, notes and what a person did, in order."""
    start = records[0].time if records else 0.0
    found = []
    for record in records:
        if (found_one := _incident(record.event)) is not None:
            where, kind, text = found_one
            found.append(Incident(seconds=record.time - start, where=where, kind=kind, text=text))
    return tuple(found)


def _incident(event: ev.AnyEvent) -> tuple[str, str, str] | None:
    match event:
        case ev.Failed():
            where = event.trial or event.node
            split = "" if event.split == "validation" else f" on {event.split}"
            return where + split, f"failed ({event.kind})", event.cause or "no cause given"
        case ev.Interrupted():
            return event.trial, "interrupted", event.cause or "no cause given"
        case ev.Noted():
            return event.node, event.kind, event.text
        case _ if isinstance(event, DEEDS):
            return getattr(event, "node", ""), "person", said(event)
        case ev.Finished() if event.changed:
            return event.trial, "changed", event.changed
        case ev.RunPaused():
            return "", "paused", event.reason or f"by {event.by}"
        case ev.Adopted():
            return "", "resumed", f"another engine took the run up after {event.idle_seconds:.0f} s"
        case _:
            return None


def calls(asked: Iterable[ev.Asked]) -> tuple[Calls, ...]:
    """The Researcher's calls summed per purpose, in the order of a round."""
    by_purpose: dict[str, list[ev.Asked]] = {}
    for call in asked:
        by_purpose.setdefault(call.purpose, []).append(call)
    return tuple(
        Calls(
            purpose=purpose,
            calls=len(group),
            refused=sum(bool(c.refused) for c in group),
            seconds=sum(c.seconds for c in group),
            prompt_tokens=sum(c.prompt_tokens for c in group),
            answer_tokens=sum(c.answer_tokens for c in group),
            refusals=tuple(f"{c.node}, {c.purpose}: {c.refused}" for c in group if c.refused),
        )
        for purpose in get_args(ev.Purpose)
        if (group := by_purpose.get(purpose))
    )


def insights(tree: Tree, earlier: Mapping[str, str]) -> tuple[Insight, ...]:
    """This run's insights, then those of earlier runs that a plan was given. `earlier`: text by id, where known."""
    given, named = _uses(tree, "insights_given"), _uses(tree, "insights_named")
    own = [
        Insight(
            id=event.insight,
            text=_standing(tree, event),
            source=event.source,
            node=event.node,
            supports=event.supports,
            contradicts=event.contradicts,
            given_to=given.get(event.insight, ()),
            named_by=named.get(event.insight, ()),
        )
        for event in tree.insights.values()
    ]
    foreign = [name for name in dict.fromkeys((*given, *named)) if name not in tree.insights]
    return (
        *own,
        *(
            Insight(
                id=name,
                text=earlier.get(name, ""),
                source="earlier run",
                given_to=given.get(name, ()),
                named_by=named.get(name, ()),
                earlier=True,
            )
            for name in foreign
        ),
    )


def _standing(tree: Tree, learned: ev.Learned) -> str:
    """The insight's words as they are now, and what a person has done to it."""
    insight = as_it_stands(learned, tree.insight_changes.get(learned.insight))
    done = {"edited": insight.original, "pinned": insight.pinned, "deleted": insight.deleted}
    marks = " and ".join(name for name, holds in done.items() if holds)
    return f"{insight.text} ({marks} by {insight.by or 'a person'})" if marks else insight.text


def _uses(tree: Tree, part: str) -> dict[str, tuple[str, ...]]:
    """Insight id -> nodes whose plan lists it under `part`."""
    found: dict[str, tuple[str, ...]] = {}
    for node in tree.nodes.values():
        for name in dict.fromkeys(getattr(node.plan, part) if node.plan else ()):
            found[name] = (*found.get(name, ()), node.id)
    return found


def progress(records: Sequence[ev.Record], tree: Tree) -> tuple[Best, ...]:
    """Each validation score as it came, and the best until then; what a person pruned is left out."""
    found: list[Best] = []
    for record in records:
        event = record.event
        if not isinstance(event, ev.Finished) or tree.flagged(event.node, "pruned"):
            continue
        before = found[-1].best if found else event.score
        best = event.score if tree.better(event.score, before) else before
        found.append(Best(seconds=record.time - records[0].time, trial=event.trial, value=event.score, best=best))
    return tuple(found)


def plan_sources(tree: Tree) -> dict[str, int]:
    """Number of plans by who wrote them."""
    counts: dict[str, int] = {}
    for node in tree.nodes.values():
        if node.plan:
            counts[node.plan.source] = counts.get(node.plan.source, 0) + 1
    return counts
