"""A recipe, run: operators in order, with a count of what each did, and decontamination whatever the recipe says.

Deterministic: the same rows, recipe and guards give the same output, with any number of processes.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from datasets import Dataset

from engine.aidp import operators
from engine.aidp.guards import Guards
from engine.aidp.job import Limits, Step
from engine.aidp.operators import APPLY, COLUMNS, Context
from engine.aidp.recipe import Convert, Decontaminate, Load, Mix, Operator, Recipe, operator_name
from engine.errors import IdeaFailure
from engine.failpoints import reach

Watch = Callable[[Operator, Dataset, Dataset], None]


@dataclass(frozen=True)
class Output:
    """What a pipeline gives: rows `{id, prompt, answer, source}` and one step per operator."""

    rows: Dataset
    steps: tuple[Step, ...]


class Pipeline:
    """A recipe with what it may use.

    `guards` None: nothing is held out, so nothing is decontaminated. `root`: the folder that `load` and `mix` read.
    `template`: the prompt and answer format for files that have the task's own columns.
    """

    def __init__(
        self,
        recipe: Recipe,
        *,
        guards: Guards | None = None,
        root: Path | None = None,
        template: tuple[str, str] | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.recipe, self.guards, self.root, self.template = recipe, guards, root, template
        self.limits = limits or Limits()

    def run(self, rows: Dataset | Iterable[Mapping[str, str]], watch: Watch | None = None) -> Output:
        """All operators over `rows` (at least `prompt` and `answer`). Raises IdeaFailure: no rows left, wrong path.

        `watch` is told the rows before and after each operator, and changes nothing.
        """
        current = operators.dataset({"source": "train", **row} for row in rows)
        steps: list[Step] = []
        for place, operator in enumerate(complete(self.recipe)):
            started = time.perf_counter()
            reach("data.operator")
            before, current = current, APPLY[type(operator)](current, operator, self._context(place))
            steps.append(_step(operator, before, current, time.perf_counter() - started))
            if watch is not None:
                watch(operator, before, current)
            if not len(current):
                name = operator_name(operator)
                raise IdeaFailure(f"the recipe leaves no rows: `{name}` dropped all {len(before):,}")
        return Output(current, tuple(steps))

    def _context(self, place: int) -> Context:
        return Context(
            rng=random.Random(f"{self.recipe.seed}:{place}"),
            guard=self.guards.at if self.guards else None,
            root=self.root,
            template=self.template,
            processes=self.limits.processes,
            max_rows=self.limits.rows,
        )


def complete(recipe: Recipe) -> tuple[Operator, ...]:
    """The recipe's operators, with the steps that it cannot do without.

    Loaded rows are converted before anything else touches them. Decontamination comes last unless it is listed and
    no rows come in after it.
    """
    done: list[Operator] = []
    listed: Decontaminate | None = None
    clean = False
    raw = False
    for operator in recipe.operators:
        if raw and not isinstance(operator, Convert | Load):
            done.append(Convert())
            raw = False
        raw = isinstance(operator, Load) or (raw and not isinstance(operator, Convert))
        if isinstance(operator, Decontaminate):
            listed, clean = operator, True
        elif isinstance(operator, Load | Mix):
            clean = False
        done.append(operator)
    if raw:
        done.append(Convert())
    return tuple(done) if clean else (*done, listed or Decontaminate())


def _step(operator: Operator, before: Dataset, after: Dataset, seconds: float) -> Step:
    """Counts by row, not by size: `load` drops all rows and brings in others."""
    if isinstance(operator, Load):
        dropped, added = len(before), len(after)
    else:
        dropped, added = max(0, len(before) - len(after)), max(0, len(after) - len(before))
    return Step(
        operator=operator_name(operator),
        rows_in=len(before),
        rows_out=len(after),
        dropped=dropped,
        added=added,
        seconds=round(seconds, 4),
    )


__all__ = ["COLUMNS", "Output", "Pipeline", "complete"]
