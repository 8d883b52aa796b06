"""What an operator may use besides its rows."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from engine.aidp.kinds.base import Operator
from engine.aidp.notes import Notes
from engine.aidp.services import Services

if TYPE_CHECKING:
    from datasets import Dataset

    from engine.aidp.job import Step
    from engine.aidp.recipe import Recipe


class Overlap(Protocol):
    """All that an operator may know of the held-out splits."""

    def overlaps(self, row: Mapping[str, str]) -> bool: ...


def silent(_done: int, _total: int) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True)
class Context:
    """One operator's surroundings.

    `label` names the operator and its place (`mix:2`) in the `made_by` of rows. `guard(ngram, ...)` asks the held-out
    splits (`Guards.at`); 0: equal prompts only. `scratch`: a folder for files that the result may lie in; None: work
    in memory.
    `kept`: a folder that outlives the process, for work that must not be done twice; None: there is none.
    `progress(done, total)` is to be called at least every few seconds: it raises ResourceFailure when time is up.
    """

    rng: random.Random
    label: str = "operator:0"
    guard: Callable[..., Overlap] | None = None
    root: Path | None = None  # folder that `load` and `mix` may read
    template: tuple[str, str] | None = None  # the task's prompt and answer
    processes: int = 1
    max_rows: int = 200_000
    max_broken: float = 0.05  # share of a file's rows
    services: Services = field(default_factory=Services)
    scratch: Path | None = None
    kept: Path | None = None
    out: Path | None = None
    recipe: Recipe | None = None  # the whole of which this is a part, and the steps before this one: for the card
    done: tuple[Step, ...] = ()
    notes: Notes = field(default_factory=Notes)
    progress: Callable[[int, int], None] = silent


Apply = Callable[["Dataset", Any, Context], "Dataset"]
Applies = dict[type[Operator], Apply]
"""Operators' functions by their types."""
