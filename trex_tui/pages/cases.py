"""Bad cases: validation rows that the trial got wrong, with what was right, what it said and the text.

Only the validation split is ever shown here: somebody who steers by confirm or test rows spoils what they are for.
"""

from __future__ import annotations

from textual.content import Content

from trex_tui.model import format as fmt
from trex_tui.model.telemetry import bad_cases
from trex_tui.pages.page import DIM, Page, Subject

SHOWN, TEXT = 60, 400  # cases, and characters of each


def page(about: Subject) -> Content:
    out = Page()
    result = about.course.result if about.course else None
    if about.trial is None or result is None:
        out.text(_missing(about), DIM)
        return out.content()
    cases = bad_cases(result)
    out.heading(
        f"{about.trial_name}: {len(cases)} of {len(result.items)} validation rows wrong", "t chooses another trial"
    )
    prompts = about.course.prompts if about.course else {}
    for item in cases[:SHOWN]:
        partly = f"  (counts {item.correct:.2f})" if item.correct else ""
        out.text("")
        out.text(
            f"{item.id}  gold {item.gold.strip() or '(empty)'}  answer {item.answer.strip() or '(empty)'}{partly}",
            "bold",
        )
        out.text(fmt.cut(prompts.get(item.id, "the text of this row is not in the split file").strip(), TEXT))
    if len(cases) > SHOWN:
        out.text("")
        out.text(f"and {len(cases) - SHOWN} more in {result.trial}/result.json", DIM)
    return out.content()


def _missing(about: Subject) -> str:
    """Why there is nothing to show."""
    trial = about.trial
    if trial is None:
        return f"{about.name} has no trial yet."
    if trial.reused:
        return f"{trial.id}: the score was taken from an earlier run, and its rows lie with that run."
    if trial.state in ("failed", "cancelled"):
        return f"{trial.id} has no result: {trial.cause or trial.state}."
    return f"{trial.id} is {trial.state}: its bad cases are shown when it has been judged."
