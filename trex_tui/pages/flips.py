"""Flips: validation rows that became right or wrong against the parent's best trial and against the base model.

Validation rows only, as everywhere: whoever steers by confirm or test rows spoils what they are for.
"""

from __future__ import annotations

from collections.abc import Callable

from textual.content import Content

from engine.executor.job import Result
from engine.search.tree import ROOT, ROOT_TRIAL
from trex_tui.model import format as fmt
from trex_tui.model.flips import Flip, Flips, chance, flips, unlike
from trex_tui.pages.page import BAD, DIM, GOOD, Page, Subject

SHOWN, TEXT = 20, 200  # rows of each kind, and characters of each


def page(about: Subject) -> Content:
    out = Page()
    trial = about.trial
    if about.name == ROOT:
        out.text("The base model is what the others are held against.", DIM)
    elif trial is None:
        out.text(f"{about.name} has no trial yet.", DIM)
    elif trial.score is None:
        out.text(f"{trial.id} is {trial.state}: its rows are compared when it has been judged.", DIM)
    elif (ours := about.result(trial.id)) is None:
        out.text(f"{trial.id}: result.json has not been read, or is not there.", DIM)
    else:
        for rival in about.rivals:
            _against(about, ours, rival, out)
    return out.content()


def _against(about: Subject, ours: Result, rival: str, out: Page) -> None:
    word = "the base model" if rival == ROOT_TRIAL else f"the best of {rival.split('t')[0]}"
    out.heading(f"{about.trial_name} against {rival}", word)
    theirs = about.result(rival)
    if theirs is None:
        out.text(missing(about, rival), DIM)
        return
    if reason := unlike(ours, theirs):
        out.text(f"not comparable: {reason}", DIM)
        return
    found = about.pairing.flips(ours, theirs) if about.pairing else flips(ours, theirs)
    for line in summary(found):
        out.text(line)
    if about.pairing is not None and (gap := about.pairing.of(ours, theirs, about.tree.maximize)):
        out.text(f"{about.tree.setup.metric}: {gap.said(about.tree.maximize)}")
    if rival == ROOT_TRIAL and about.tree.trial(ROOT_TRIAL).reused:
        other = about.store.origin(about.run, ROOT_TRIAL)
        out.text(f"the base model was judged by {other or 'an earlier run'}", DIM)
    listed(found, lambda row: about.prompt(row, about.trial_name, rival), about.whole, out)


def summary(found: Flips) -> list[str]:
    """Two lines: the counts, and whether they can be luck."""
    return [
        f"{len(found.right)} became right, {len(found.wrong)} became wrong; "
        f"{found.both_right} right and {found.both_wrong} wrong in both",
        f"sign test over {fmt.plural(len(found.right) + len(found.wrong), 'changed row')}: {chance(found.luck)}",
    ]


def listed(found: Flips, prompt: Callable[[str], str], whole: bool, out: Page) -> None:
    """The rows themselves: those that became wrong first. `prompt` gives the text of a row."""
    for sign, word, rows, style in (("-", "wrong", found.wrong, BAD), ("+", "right", found.right, GOOD)):
        shown = rows if whole else rows[:SHOWN]
        for flip in shown:
            out.text("")
            out.text(f"{sign} {flip.ours.id} {word} now: {_answers(flip)}", style)
            out.long(prompt(flip.ours.id).strip(), TEXT, whole, DIM)
        if len(rows) > len(shown):
            out.text("")
            out.text(f"{len(rows) - len(shown)} more became {word}; z shows all", DIM)


def _answers(flip: Flip) -> str:
    before, now = (item.answer.strip() or "(empty)" for item in (flip.theirs, flip.ours))
    return f"gold {flip.ours.gold.strip() or '(empty)'}, before {before}, now {now}"


def missing(about: Subject, trial: str) -> str:
    """Why a rival's rows are not there."""
    found = about.tree.trial(trial)
    if found.score is None:
        return f"{trial} has no score yet"
    if found.reused:
        other = about.store.origin(about.run, trial)
        where = f" ({other})" if other else ", which is not in this workspace"
        return f"the score of {trial} was taken from an earlier run{where}; its rows have not been read"
    return f"{trial}: result.json has not been read, or is not there"
