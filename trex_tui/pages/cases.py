"""Bad cases: validation rows that the trial got wrong, with what was right, what it said and the text.

Only the validation split is ever shown here: somebody who steers by confirm or test rows spoils what they are for.
"""

from __future__ import annotations

from textual.content import Content

from trex_tui.model.telemetry import bad_cases
from trex_tui.pages.page import DIM, Page, Subject

SHOWN, TEXT = 60, 400  # cases, and characters of each


def page(about: Subject) -> Content:
    out = Page()
    result = about.result(about.trial.id) if about.trial else None
    if about.trial is None or result is None:
        out.text(_missing(about), DIM)
        return out.content()
    cases = bad_cases(result)
    out.heading(
        f"{about.trial_name}: {len(cases)} of {len(result.items)} validation rows wrong", "t chooses another trial"
    )
    if about.trial.reused:
        out.text(f"judged by {about.store.origin(about.run, about.trial.id) or 'an earlier run'}", DIM)
    shown = cases if about.whole else cases[:SHOWN]
    for item in shown:
        partly = f"  (counts {item.correct:.2f})" if item.correct else ""
        out.text("")
        out.text(
            f"{item.id}  gold {item.gold.strip() or '(empty)'}  answer {item.answer.strip() or '(empty)'}{partly}",
            "bold",
        )
        out.long(about.prompt(item.id, about.trial_name).strip(), TEXT, about.whole)
    if len(cases) > len(shown):
        out.text("")
        out.text(f"and {len(cases) - len(shown)} more; z shows all", DIM)
    return out.content()


def _missing(about: Subject) -> str:
    """Why there is nothing to show."""
    trial = about.trial
    if trial is None:
        return f"{about.name} has no trial yet."
    if trial.reused:
        other = about.store.origin(about.run, trial.id) or "an earlier run"
        return f"{trial.id}: the score was taken from {other}; its rows are not here, or have not been read."
    if trial.state in ("failed", "cancelled"):
        return f"{trial.id} has no result: {trial.cause or trial.state}."
    return f"{trial.id} is {trial.state}: its bad cases are shown when it has been judged."
