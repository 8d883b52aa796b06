"""A finished round read from disk, as the diagnosis wants it: curves, paired differences, validation bad cases.

Reads the validation split's results only; confirm and test results are not looked at here.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.errors import TrexError
from engine.executor.job import Item, Result
from engine.executor.telemetry import steps_in
from engine.files import read_jsonl, read_regular
from engine.report.scoring import compare
from engine.researcher.facts import reference_of, start_of
from engine.researcher.rounds import BAD_CASES, BadCase, Curve, Paired, Round
from engine.search.tree import ROOT_TRIAL, Trial
from engine.steps import trials
from engine.steps.context import Run
from engine.strict import from_json
from engine.taskdata import split_path


def read_round(run: Run, name: str) -> Round:
    """Everything the diagnosis of a node rests on."""
    tree, node = run.tree, run.tree.nodes[name]
    assert node.plan is not None, "a round that is read was planned"
    start = start_of(tree, run.task, node.parent)
    best = node.best(tree.maximize)
    reference = reference_of(tree, name)
    return Round(
        node=name,
        best=best.id if best else "",
        hypothesis=node.plan.hypothesis,
        start_recipe=start.recipe,
        recipe=node.plan.recipe,
        start=start.config,
        curves=tuple(curve(run, trial) for trial in node.trials.values() if trial.config),
        against_reference=difference(run, best, reference) if best and best.id != reference else None,
        against_base=difference(run, best, ROOT_TRIAL) if best else None,
        bad_cases=bad_cases(run, best, reference) if best else (),
    )


def curve(run: Run, trial: Trial) -> Curve:
    """A trial's training in a few numbers."""
    assert trial.config is not None
    steps = steps_in(trials.directory(run, trial.id, "validation"))
    losses = [step.loss for step in steps]
    return Curve(
        trial=trial.id,
        config=trial.config,
        score=trial.score.value if trial.score else None,
        first_loss=losses[0] if losses else 0.0,
        last_loss=losses[-1] if losses else 0.0,
        top_grad_norm=max((step.grad_norm for step in steps), default=0.0),
        failure=trial.cause if trial.score is None else "",
    )


def difference(run: Run, trial: Trial, other: str) -> Paired | None:
    """The trial against another one, paired over the same validation rows; None where they cannot be paired."""
    found = compare(result_of(run, trial.id), result_of(run, other), maximize=run.tree.maximize)
    return Paired(other, found.difference, found.low, found.high) if found else None


def bad_cases(run: Run, best: Trial, reference: str) -> tuple[BadCase, ...]:
    """Rows that the best trial gets wrong; those that the reference had right come first."""
    prompts = {str(row["id"]): str(row["prompt"]) for row in read_jsonl(split_path(run.splits, "validation"))}
    mine, theirs = result_of(run, best.id), result_of(run, reference)
    before = {item.id: item.correct for item in theirs.items} if theirs else {}
    was_right: Callable[[Item], bool] = lambda item: before.get(item.id, 0.0) >= 1.0  # noqa: E731
    wrong = [item for item in mine.items if item.correct < 1.0] if mine else []
    wrong.sort(key=was_right, reverse=True)
    return tuple(BadCase(prompts.get(i.id, ""), i.gold, i.answer, was_right(i)) for i in wrong[:BAD_CASES])


def result_of(run: Run, trial: str) -> Result | None:
    """A trial's validation result; None where it cannot be read."""
    path: Path = trials.directory(run, trial, "validation") / "result.json"
    try:
        return from_json(read_regular(path), Result, source=str(path))
    except (OSError, TrexError):
        return None
