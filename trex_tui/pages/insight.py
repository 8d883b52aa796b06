"""Insights: what was learned at this node, and what its plan was given and built on."""

from __future__ import annotations

from textual.content import Content

from engine.search.events import Learned
from engine.search.insights import as_it_stands
from trex_tui.model.knowledge import marks
from trex_tui.pages.page import DIM, Page, Subject


def page(about: Subject) -> Content:
    out = Page()
    learned = [event for event in about.tree.insights.values() if event.node == about.name]
    out.heading("Learned here")
    for event in learned:
        insight = as_it_stands(event, about.tree.insight_changes.get(event.insight))
        out.text(insight.text)
        out.text("; ".join((_evidence(event), *marks(insight))), DIM)
    if not learned:
        out.text("nothing yet: an insight is written after the round is diagnosed", DIM)
    plan = about.node.plan
    if plan is not None:
        out.heading("Given to the plan")
        for name in plan.insights_given:
            named = "named" if name in plan.insights_named else "given"
            out.text(f"{named} {name}: {_text(about, name)}", "" if named == "named" else DIM)
        if not plan.insights_given:
            out.text("none", DIM)
    return out.content()


def _evidence(event: Learned) -> str:
    parts = [f"id {event.insight}", "by the Researcher" if event.source == "researcher" else "by rule"]
    parts += [f"for it: {', '.join(event.supports)}"] if event.supports else []
    parts += [f"against it: {', '.join(event.contradicts)}"] if event.contradicts else []
    return "; ".join(parts)


def _text(about: Subject, name: str) -> str:
    for view in about.store.runs.values():
        if name in view.tree.insights:
            return as_it_stands(view.tree.insights[name], view.tree.insight_changes.get(name)).text
    return "(of a run that is not in this workspace)"
