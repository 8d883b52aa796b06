"""What the quickstart's language model writes from real rows, counted by reading the rows, and the answers that are
kept. Part of `tests.bench.aidp_counts`; needs the models of the quickstart (`make models`), and minutes.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from engine.aidp.job import ModelPaths, Step
from engine.aidp.models import services
from engine.aidp.recipe import Generate, Operator, Paraphrase, Rationale, Score, SelfInstruct, operator_name
from engine.aidp.services import Services
from engine.aidp.writing.asking import ANSWERS
from engine.errors import IdeaFailure
from engine.models import find
from engine.task import Model
from engine.workspace import Workspace, default_home
from tests.bench.aidp_counts import Count, Place, parts, plain, run
from tests.bench.aidp_counts_filters import Row

ROWS, CALLS, SEED = 12, 3, 1
SHORT = 560  # characters of a prompt: of each set the shorter rows, or it takes hours
OPERATORS: tuple[Operator, ...] = (
    Paraphrase(share=1.0, calls=CALLS),
    SelfInstruct(calls=CALLS),
    Generate(weakness="rows that are easily mistaken", calls=CALLS),
    Rationale(calls=CALLS),
    Score(calls=CALLS),
)


class Written(NamedTuple):
    """What came of one operator; no step where it refused, because no answer could be used. `lines`: of the file of
    answers."""

    lines: int
    rows: list[dict[str, Any]]
    step: Step | None = None


def writing(place: Place) -> Iterator[Count]:
    """New rows, their parents and answers; reasons; scores."""
    for name, path in {path.parent.name: path for path in reversed(list(parts(place)))}.items():
        chosen = random.Random(SEED).sample([row for row in plain(path) if len(row["prompt"]) <= SHORT], ROWS)
        rows = [{**row, "id": f"r{at}"} for at, row in enumerate(chosen)]
        for operator in OPERATORS:
            shown, made = f"{name}, {operator_name(operator)}", _made(place, operator, rows)
            refused = "" if made.step else ", none of the answers usable"
            yield Count(f"{shown}{refused}: of {CALLS} questions answered, by the file", made.lines, CALLS)
            if made.step and isinstance(operator, Score | Rationale):
                yield from _judged(shown, rows, made.rows)
            elif made.step:
                yield from _new(shown, rows, made.rows, made.step)


def _made(place: Place, operator: Operator, rows: list[Row]) -> Written:
    with tempfile.TemporaryDirectory(dir=place.scratch) as kept:
        output = None
        try:
            output = run(place, operator, rows=rows, services=_services(), kept=Path(kept))  # type: ignore[arg-type]
        except IdeaFailure as error:
            if "could not be used" not in str(error):
                raise
        lines = len((Path(kept) / ANSWERS).read_text(encoding="utf-8").splitlines())
        return Written(lines, output.rows.to_list(), output.steps[0]) if output else Written(lines, [])


def _new(shown: str, rows: list[Row], made: list[dict[str, Any]], step: Step) -> Iterator[Count]:
    """Rows that are not of the input: told, made from rows of the input, new, and with an answer that there is."""
    known = {row["id"]: row for row in rows}
    fresh = [row for row in made if row["id"] not in known]
    yield Count(f"{shown}: rows added, by the report and by their ids", step.added, len(fresh))
    from_rows = sum(bool(row["parents"]) and known.keys() >= set(row["parents"]) for row in fresh)
    yield Count(f"{shown}: new rows made from rows of the input", from_rows, len(fresh))
    old = {row["prompt"] for row in rows}
    yield Count(f"{shown}: new prompts that were there before", sum(row["prompt"] in old for row in fresh), 0)
    if "paraphrase" in shown:
        same = sum(row["answer"] == known[row["parents"][0]]["answer"] for row in fresh)
        yield Count(f"{shown}: new rows with the answer of what they are made from", same, len(fresh))


def _judged(shown: str, rows: list[Row], made: list[dict[str, Any]]) -> Iterator[Count]:
    """All rows stay; a reason stands before the old answer, a score is 1 to 5."""
    yield Count(f"{shown}: rows", len(made), len(rows))
    answers = [row["answer"] for row in rows]
    if "score" in shown:
        scored = [row["score"] for row in made if row["score"] is not None]
        yield Count(f"{shown}: scores from 1 to 5", sum(score in (1, 2, 3, 4, 5) for score in scored), len(scored))
        return
    changed = [(row, old) for row, old in zip(made, answers, strict=True) if row["answer"] != old]
    before_it = sum(row["answer"].endswith(f"\n{old}") for row, old in changed)
    yield Count(f"{shown}: reasons that stand before the old answer", before_it, len(changed))
    traced = sum(bool(row["made_by"]) for row in made)
    yield Count(f"{shown}: rows with a reason, by their texts and by `made_by`", len(changed), traced)


@cache
def _services() -> Services:
    gguf = find(Model().researcher, Workspace(default_home()).models).path
    return services(ModelPaths(language_model=str(gguf)))
