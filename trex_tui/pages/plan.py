"""The plan: its trials and their configurations side by side. The recipe has a page of its own.

A knob that differs from the best trial of the parent carries a `*`; those that do stand first.
"""

from __future__ import annotations

from textual.content import Content

from engine.search.tree import ROOT, Trial
from trex_tui.model import format as fmt
from trex_tui.pages.page import BAD, DIM, Page, Subject, without_plan

NAME, COLUMN = 22, 12  # cells of a knob's name, and of one configuration


def page(about: Subject) -> Content:
    out = Page()
    if about.node.plan is None:
        return without_plan(about)
    _trials(about, out)
    _configurations(about, out)
    return out.content()


def _trials(about: Subject, out: Page) -> None:
    out.heading("Trials", "t chooses one")
    for trial in about.node.trials.values():
        mark = "›" if trial.id == about.trial_name else " "
        flags = "".join(f"  {fmt.state(flag)}" for flag in sorted(trial.flags))
        out.text(
            f"{mark} {trial.id} {fmt.state(trial.state)}{flags}{_outcome(trial)}",
            BAD if trial.state == "failed" else "",
        )
        if trial.changed:
            out.text(f"    what really ran: {trial.changed}", BAD)


def _outcome(trial: Trial) -> str:
    if trial.score is not None:
        gone = "  adapter removed" if trial.collected else ""
        return f"  {fmt.interval(trial.score)}  in {fmt.duration(trial.seconds)}{gone}"
    return f"  {trial.cause}" if trial.cause and trial.cause not in trial.flags else ""


def _configurations(about: Subject, out: Page) -> None:
    """One column per trial, the trial they are compared with first; as many as fit, the chosen one always."""
    before = _compared(about)
    trials = [t for t in about.node.trials.values() if t.config is not None]
    room = max(1, (about.width - NAME) // COLUMN - (1 if before else 0))
    shown = trials if len(trials) <= room else [t for t in trials if t.id == about.trial_name] or trials[:1]
    note = f"* differs from {before.id}" if before else ""
    old = fmt.knobs(before.config) if before and before.config else {}
    columns = [fmt.knobs(t.config) for t in shown if t.config is not None]
    different = [name for name in columns[0] if any(c[name] != old.get(name, c[name]) for c in columns)]
    if old and not different:
        note = f"the same as {before.id if before else ''}"
    out.heading("Configuration", note if len(shown) == len(trials) else f"{note} (t: the other trials)")
    out.text(_row(["", *([before.id] if before else []), *(t.id for t in shown)]), DIM)
    for name in [*different, *(name for name in columns[0] if name not in different)]:
        marked = [("*" if old and c[name] != old[name] else "") + c[name] for c in columns]
        out.text(_row([name, *([old[name]] if old else []), *marked]), "bold" if name in different else "")


def _compared(about: Subject) -> Trial | None:
    """The parent's best trial; below the base model, which has no configuration, the baseline."""
    if about.node.parent != ROOT:
        return about.parent.best(about.tree.maximize)
    baseline = next((n for n in about.tree.nodes.values() if n.direction == "baseline"), None)
    if baseline is None or baseline.id == about.name:
        return None
    return baseline.best(about.tree.maximize)


def _row(cells: list[str]) -> str:
    return f"{cells[0]:<{NAME}}" + "".join(f"{fmt.cut(cell, COLUMN - 1):>{COLUMN}}" for cell in cells[1:])
