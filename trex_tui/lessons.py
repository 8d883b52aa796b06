"""What a person can make of an insight: pure decisions, as in `trex_tui.actions`. The engine has the last word."""

from __future__ import annotations

from functools import partial

from engine.control import protocol as p
from engine.search.steering import last_undoable
from trex_tui import consequences
from trex_tui.actions import RECORDING, Ask, Decision, Refusal, person
from trex_tui.forms.insight import InsightSheet
from trex_tui.model.knowledge import Lesson
from trex_tui.model.store import Store

DELETING = "No plan is given it any more, in this run or another. Nothing is lost: x brings it back, and so does u."


def edit(live: Store, lesson: Lesson) -> InsightSheet | Refusal:
    """The form with the insight's words."""
    if refused := refusal(live, lesson):
        return refused
    if lesson.insight.deleted:
        return Refusal(f"{lesson.insight.insight} is deleted; x brings it back")
    return InsightSheet(lesson.insight, person(), live.runs[lesson.run].tree.last_seq)


def pin(live: Store, lesson: Lesson) -> Decision:
    """Let plans be given it first of all, or no longer."""
    if refused := refusal(live, lesson):
        return refused
    if lesson.insight.deleted:
        return Refusal(f"{lesson.insight.insight} is deleted; x brings it back")
    return _change(live, lesson, pinned=not lesson.insight.pinned)


def delete(live: Store, lesson: Lesson) -> Decision:
    """Let no plan be given it any more (asks first), or bring it back."""
    if refused := refusal(live, lesson):
        return refused
    if lesson.insight.deleted:
        return _change(live, lesson, deleted=False)
    question = f"Delete {lesson.insight.insight}?"
    return Ask(question, lambda: f"{lesson.insight.text}\n\n{DELETING}", _change(live, lesson, deleted=True))


def undo(live: Store, lesson: Lesson) -> Decision:
    """Take back the last change of this insight (asks first: it may be somebody else's)."""
    if refused := refusal(live, lesson):
        return refused
    name, tree = lesson.insight.insight, live.runs[lesson.run].tree
    deed = last_undoable(tree, name)
    if deed is None:
        return Refusal(f"nobody has changed {name} in a way that could be taken back")
    command = p.Undo(id=0, run=lesson.run, insight=name, by=person(), seen=tree.last_seq)
    return Ask("Take this back?", partial(consequences.undoing, deed), command)


def refusal(live: Store, lesson: Lesson) -> Refusal | None:
    """Why nothing can be changed now."""
    if lesson.run not in live.runs:
        return Refusal(f"{lesson.run} is not in this workspace")
    if live.link.kind == "replay":
        return Refusal(RECORDING)
    if live.link.kind != "live":
        return Refusal(live.link.text or "not connected to the engine yet")
    return None


def _change(live: Store, lesson: Lesson, *, pinned: bool | None = None, deleted: bool | None = None) -> p.ChangeInsight:
    seen = live.runs[lesson.run].tree.last_seq
    return p.ChangeInsight(id=0, insight=lesson.insight.insight, pinned=pinned, deleted=deleted, by=person(), seen=seen)
