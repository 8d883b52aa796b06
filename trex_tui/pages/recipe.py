"""The recipe: each operator in order, with the rows before and after it, and what each trial takes of the result.

Counts come from the data process's own report; where that is gone, from the journal, which has those that were dropped.
"""

from __future__ import annotations

from typing import NamedTuple

from textual.content import Content

from engine.aidp.job import DataReport, Step
from engine.aidp.recipe import BalanceLabels, Decontaminate, Operator, Recipe, operator_name
from engine.search.tree import Node
from trex_tui.model import format as fmt
from trex_tui.model.operators import settings
from trex_tui.pages.page import DIM, Page, Subject, without_plan

UNKNOWN = "?"
LEAST = 8  # cells of an operator's name
CHANGES, TIMED, WEIGHED = 44, 56, 68  # cells from which on there is room for what changed, seconds, memory


class Row(NamedTuple):
    """One operator's work; None: not known."""

    operator: str
    detail: str  # its settings, or why it is there
    before: int | None
    after: int | None
    dropped: int
    added: int = 0
    seconds: float | None = None
    memory: int = 0
    facts: tuple[str, ...] = ()  # what the operator says of its work


def page(about: Subject) -> Content:
    out = Page()
    plan = about.node.plan
    if plan is None:
        return without_plan(about)
    folder = about.folder(about.name)
    report = folder.report if folder and about.node.rows is not None else None
    done = f"{about.node.rows:,} rows" if about.node.rows is not None else "not run yet"
    out.heading("Recipe", f"{done}, seed {plan.recipe.seed}; it starts from the train split")
    found = rows(plan.recipe, about.node, report)
    _table(found, about.width, out)
    for number, row in enumerate(found, 1):
        if said := "; ".join(filter(None, (row.detail, *row.facts))):
            out.text(f"{number} {row.operator}: {said}", DIM)
    if report is not None:
        out.text("d: rows of each operator, before and after it", DIM)
        _answers(report, out)
    _taken(about, out)
    return out.content()


def rows(recipe: Recipe, node: Node, report: DataReport | None) -> list[Row]:
    """One row per operator that ran; those of the plan where none has run."""
    if report is not None:
        return _named(recipe, [_done(step) for step in report.steps])
    if node.rows is None:
        return _named(recipe, [Row(operator_name(o), "", None, None, 0) for o in recipe.operators])
    return _named(recipe, _counted_back(recipe, node.rows, node.dropped))


def _done(step: Step) -> Row:
    counts = (step.rows_in, step.rows_out, step.dropped, step.added)
    return Row(step.operator, "", *counts, seconds=step.seconds, memory=step.memory, facts=facts(step))


def facts(step: Step) -> tuple[str, ...]:
    """What is worth saying of an operator's work besides its counts."""
    parts = (
        step.note,
        f"{fmt.plural(step.broken, 'row')} could not be read" if step.broken else "",
        "taken from an earlier recipe that began like this one" if step.cached else "",
    )
    return tuple(part for part in parts if part)


def _counted_back(recipe: Recipe, rows: int, dropped: tuple[tuple[str, int], ...]) -> list[Row]:
    """From the rows at the end and what each operator dropped, as far back as no operator can have added any."""
    growing = {operator_name(operator) for operator in recipe.operators if _may_add(operator)}
    found: list[Row] = []
    after: int | None = rows
    for name, count in reversed(dropped):
        before = after + count if after is not None and name not in growing else None
        found.append(Row(name, "", before, after, count))
        after = before
    return found[::-1]


def _may_add(operator: Operator) -> bool:
    """Whether there may have been fewer rows before it than those after it and those that it dropped."""
    return operator.brings or (isinstance(operator, BalanceLabels) and operator.method == "up")


def _named(recipe: Recipe, found: list[Row]) -> list[Row]:
    """Each row with its operator's settings. What the plan does not list was put in by the pipeline."""
    waiting = list(recipe.operators)
    named = []
    for row in found:
        operator = waiting.pop(0) if waiting and operator_name(waiting[0]) == row.operator else None
        named.append(row._replace(detail=settings(operator) if operator else _put_in(row.operator)))
    return named


def _put_in(name: str) -> str:
    """Why an operator ran that the plan does not list."""
    return "always done, listed or not" if name == operator_name(Decontaminate) else "done before what follows it"


def _table(found: list[Row], width: int, out: Page) -> None:
    if not found:
        out.text("no operator: the train split as it is", DIM)
        return
    timed = width >= TIMED and any(row.seconds is not None for row in found)
    changes = width >= CHANGES or any(row.before is None for row in found)
    weighed = width >= WEIGHED and any(row.memory for row in found)
    head = [*(["change"] if changes else []), *(["seconds"] if timed else []), *(["memory"] if weighed else [])]
    table = [["", "operator", "before", "after", *head]]
    for number, row in enumerate(found, 1):
        cells = [str(number), row.operator, _count(row.before), _count(row.after), *([_change(row)] if changes else [])]
        cells += [f"{row.seconds or 0:.2f}"] if timed else []
        table.append([*cells, *([fmt.size(row.memory) if row.memory else ""] if weighed else [])])
    others = sum(2 + max(len(row[column]) for row in table) for column in range(2, len(table[0])))
    longest = min(max(len(row[1]) for row in table), max(LEAST, width - 4 - others))
    for cells in table:
        cells[1] = fmt.cut(cells[1], longest).ljust(longest)
    out.table(table, [DIM, *[""] * len(found)])


def _count(value: int | None) -> str:
    return UNKNOWN if value is None else f"{value:,}"


def _change(row: Row) -> str:
    """`-105`, `+20`, `-9 +20`; "" where nothing changed."""
    parts = [f"-{row.dropped:,}"] if row.dropped else []
    return " ".join([*parts, f"+{row.added:,}"] if row.added else parts)


def _answers(report: DataReport, out: Page) -> None:
    if report.answers:
        out.heading("Answers", f"rows of each, the {len(report.answers)} most frequent")
        out.text(", ".join(f"{answer.strip() or '(empty)'} {count:,}" for answer, count in report.answers.items()))


def _taken(about: Subject, out: Page) -> None:
    """What each trial trains on."""
    trials = [trial for trial in about.node.trials.values() if trial.config]
    if not trials:
        return
    out.heading("Taken by the trials", "the first rows")
    for trial in trials:
        assert trial.config is not None
        have = about.node.rows
        rows = trial.config.rows if have is None else min(trial.config.rows, have)
        short = f" (asked for {trial.config.rows:,})" if rows < trial.config.rows else ""
        passes = "once" if trial.config.epochs == 1 else f"{trial.config.epochs} times"
        out.text(f"{trial.id}: {rows:,} rows{short}, {passes}")
