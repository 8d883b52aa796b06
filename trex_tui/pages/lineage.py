"""Validation: how far the judging is, and the scores from the base model down to this node. Only what was measured."""

from __future__ import annotations

from textual.content import Content

from engine.search.tree import ROOT, Score
from trex_tui.model import format as fmt
from trex_tui.pages.intervals import dots
from trex_tui.pages.page import DIM, Page, Subject

SHOWN = 8  # ancestors; the base model always, and the last of them


def page(about: Subject) -> Content:
    out = Page()
    out.heading("validation", _judging(about))
    rows = _rows(about)
    for line in dots(rows[:1] + rows[1:][-SHOWN:], about.width):
        out.text(line)
    if len(rows) > SHOWN + 1:
        out.text(f"{len(rows) - SHOWN - 1} nodes between {ROOT} and {rows[-SHOWN][0]} left out", DIM)
    return out.content()


def _rows(about: Subject) -> list[tuple[str, Score | None]]:
    """The best score of each node from the base to the parent, then this node's trial on show."""
    above = about.tree.path(about.name)[:-1]
    rows = [(name, about.tree.score(name)) for name in above]
    trial = about.trial
    return [*rows, (trial.id if trial else about.name, trial.score if trial else None)]


def _judging(about: Subject) -> str:
    trial, course = about.trial, about.course
    if trial is None or trial.score is not None or course is None or course.state is None:
        return ""
    now = course.state
    if now.phase != "evaluating" or not now.items:
        return "judged after the training" if trial.state == "running" else ""
    return f"{fmt.bar(now.judged / now.items, 10)} {now.judged} of {now.items} rows judged"
