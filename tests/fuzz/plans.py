"""Plans and recipes where they are read: the Researcher's answers, job files, the interface's forms."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import msgspec

from engine import strict
from engine.aidp.job import DataJob
from engine.aidp.recipe import Recipe
from engine.errors import BadInput
from engine.executor.job import TrialJob
from engine.plan import Plan, TrialConfig
from engine.researcher.asking import Refused, parse
from engine.researcher.propose import DirectionAnswer
from engine.researcher.settle import PlanAnswer, settle
from tests import story
from tests.fuzz import shapes
from tests.fuzz.harness import Input, State
from tests.fuzz.mutate import drawn
from tests.fuzz.places import builtins_of
from tests.fuzz.write import to_json
from tests.researcher import scene

ANSWERS: dict[str, Any] = {
    "adjust_training": {
        "hypothesis": "A smaller rank generalises.",
        "trials": [["lora_rank=64"], ["learning_rate=0.0005"]],
    },
    "refine_data": {
        "hypothesis": "Short rows teach little.",
        "recipe": [{"op": "dedup_exact"}, {"op": "filter_length", "min_words": 4, "max_words": 80}],
        "trials": [[], ["rows_x_epochs=512x1"]],
        "builds_on": "none",
    },
    "direction": {"reason": "The last round gained from its rows.", "direction": "refine_data"},
}
JOBS: dict[str, type[msgspec.Struct]] = {
    "plan": Plan,
    "recipe": Recipe,
    "configuration": TrialConfig,
    "plan.json": TrialJob,
    "job.json": DataJob,
}


class Plans:
    """Pure readers: there is no state that they could change."""

    name = "plans and recipes"

    def __init__(self) -> None:
        self._facts = scene.facts(scene.BASELINE, scene.SECOND)
        self._plan = builtins_of(story.plan())

    def kinds(self) -> tuple[str, ...]:
        return (*ANSWERS, *JOBS)

    def make(self, kind: str, rng: Random) -> Input:
        value = ANSWERS[kind] if kind in ANSWERS else self._valid(kind, rng)
        return drawn(kind, value, to_json, rng)

    def feed(self, given: Input) -> None:
        if given.kind in JOBS:
            strict.from_json(given.data, JOBS[given.kind], source=given.kind)
            return
        try:
            self._answer(given.kind)(given.data.decode("utf-8", "replace"))  # llama.cpp gives text
        except Refused as refused:  # asked again, with this reason in the prompt
            raise BadInput(str(refused)) from refused

    def state(self) -> State:
        return {}

    def renew(self) -> None: ...

    def close(self) -> None: ...

    def _valid(self, kind: str, rng: Random) -> Any:
        return self._plan if kind == "plan" else shapes.valid(JOBS[kind], rng, {})

    def _answer(self, kind: str) -> Callable[[str], object]:
        if kind == "direction":
            return lambda text: parse(text, DirectionAnswer)
        return lambda text: settle(self._facts, kind, parse(text, PlanAnswer))  # type: ignore[arg-type]
