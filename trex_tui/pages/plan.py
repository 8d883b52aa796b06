"""The plan: the recipe with what each operator dropped, and the configurations side by side.

A knob that differs from the best trial of the parent carries a `*`; equal knobs stand below, dimmed.
"""

from __future__ import annotations

from textual.content import Content

from engine.aidp.recipe import Recipe, describe
from engine.search.tree import ROOT, Node, Trial
from trex_tui.model import format as fmt
from trex_tui.pages.page import BAD, DIM, Page, Subject

NAME, COLUMN = 22, 12  # cells of a knob's name, and of one configuration


def page(about: Subject) -> Content:
    out = Page()
    plan = about.node.plan
    if about.name == ROOT:
        out.text("The base model is judged as it is: no recipe, no training.", DIM)
        return out.content()
    if plan is None:
        out.text("The plan is being written.", DIM)
        return out.content()
    _recipe(about.node, plan.recipe, out)
    _trials(about, out)
    _configurations(about, out)
    return out.content()


def _recipe(node: Node, recipe: Recipe, out: Page) -> None:
    rows = f"{node.rows:,} rows" if node.rows is not None else "not run yet"
    out.heading("Recipe", f"{rows}, seed {recipe.seed}")
    steps = describe(recipe).split(" -> ")
    dropped = [count for _, count in node.dropped] if len(node.dropped) == len(steps) else None
    for index, step in enumerate(steps):
        lost = f"  {dropped[index]:,} dropped" if dropped else ""
        out.text(f"{index + 1}. {step}{lost}")
    if dropped is None:
        for name, count in node.dropped:
            out.text(f"   {name}: {count:,} dropped", DIM)


def _trials(about: Subject, out: Page) -> None:
    out.heading("Trials", "t chooses one")
    for trial in about.node.trials.values():
        mark = "›" if trial.id == about.trial_name else " "
        out.text(f"{mark} {trial.id} {fmt.state(trial.state)}{_outcome(trial)}", BAD if trial.state == "failed" else "")
        if trial.changed:
            out.text(f"    what really ran: {trial.changed}", BAD)


def _outcome(trial: Trial) -> str:
    if trial.score is not None:
        return f"  {fmt.interval(trial.score)}  in {fmt.duration(trial.seconds)}"
    return f"  {trial.cause}" if trial.cause else ""


def _configurations(about: Subject, out: Page) -> None:
    """One column per trial, the parent's best first; as many as fit, the chosen trial always."""
    trials = [t for t in about.node.trials.values() if t.config is not None]
    before = about.parent.best(about.tree.maximize)
    base = before.config if before and before.config else None
    room = max(1, (about.width - NAME) // COLUMN - (1 if base else 0))
    shown = trials if len(trials) <= room else [t for t in trials if t.id == about.trial_name] or trials[:1]
    columns = [fmt.knobs(t.config) for t in shown if t.config is not None]
    old = fmt.knobs(base) if base else None
    against = f"* differs from {before.id}" if before and old else "the parent has no configuration to compare with"
    out.heading("Configuration", against if len(shown) == len(trials) else f"{against}; t shows the others")
    head = ["", *([before.id] if before and old else []), *(t.id for t in shown)]
    rows, styles = [_row(head)], [DIM]
    for different in (True, False):
        for name in columns[0]:
            values = [column[name] for column in columns]
            differs = any(old[name] != value for value in values) if old else len(set(values)) > 1
            if differs == different:
                marked = [f"{'*' if old and old[name] != value else ''}{value}" for value in values]
                rows.append(_row([name, *([old[name]] if old else []), *marked]))
                styles.append("bold" if different else DIM if old else "")
    for row, style in zip(rows, styles, strict=True):
        out.text(row, style)


def _row(cells: list[str]) -> str:
    return f"{cells[0]:<{NAME}}" + "".join(f"{fmt.cut(cell, COLUMN - 1):>{COLUMN}}" for cell in cells[1:])
