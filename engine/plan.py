"""Plans: what a node tries. Typed data, never code; one fingerprint per plan.

Not the space they are drawn from (`engine.space`) and not the operators' work (`engine.aidp`).
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from engine.aidp.recipe import Recipe
from engine.files import fingerprint

Direction = Literal["baseline", "refine_data", "synthesise_data", "adjust_training"]
Schedule = Literal["constant", "linear", "cosine"]
Targets = Literal["attention", "all-linear"]
Source = Literal["researcher", "sampled", "person", "baseline"]

DIRECTIONS: tuple[Direction, ...] = ("baseline", "refine_data", "synthesise_data", "adjust_training")


class TrialConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One training configuration. Units: lengths in tokens, `rows` in examples, ratios of all steps."""

    learning_rate: Annotated[float, Meta(gt=0.0, le=1.0)] = 3e-4
    lora_rank: Annotated[int, Meta(ge=1, le=1024)] = 16
    lora_alpha: Annotated[int, Meta(ge=1, le=4096)] = 32
    target_modules: Targets = "all-linear"
    lora_dropout: Annotated[float, Meta(ge=0.0, lt=1.0)] = 0.0
    epochs: Annotated[int, Meta(ge=1, le=1000)] = 1
    max_steps: Annotated[int, Meta(ge=0, le=10_000_000)] = 0  # 0 = by epochs; otherwise optimiser steps
    batch_size: Annotated[int, Meta(ge=1, le=4096)] = 8
    gradient_accumulation: Annotated[int, Meta(ge=1, le=4096)] = 1
    warmup_ratio: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.1
    schedule: Schedule = "linear"
    weight_decay: Annotated[float, Meta(ge=0.0, le=10.0)] = 0.0
    neftune_noise: Annotated[float, Meta(ge=0.0, le=100.0)] = 0.0  # NEFTune alpha (arXiv 2310.05914); 0 = off
    max_length: Annotated[int, Meta(ge=8, le=1_000_000)] = 256
    rows: Annotated[int, Meta(ge=1, le=10_000_000)] = (
        256  # the first rows of the recipe's output; fewer where it has fewer
    )


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Direction, hypothesis, one data recipe, 1-5 trial configurations."""

    direction: Direction
    hypothesis: Annotated[str, Meta(max_length=2000)]
    recipe: Recipe
    trials: Annotated[tuple[TrialConfig, ...], Meta(min_length=1, max_length=5)]
    source: Source = "sampled"
    insights_given: tuple[str, ...] = ()  # ids of the insights the Researcher was shown
    insights_named: tuple[str, ...] = ()  # ids it says the plan builds on
    note: str = ""  # why it was sampled, say

    @property
    def fingerprint(self) -> str:
        """Names what is tried (recipe and the set of configurations), not why or by whom."""
        return plan_fingerprint(self.recipe, self.trials)


def plan_fingerprint(recipe: Recipe, trials: tuple[TrialConfig, ...]) -> str:
    """Equal for plans that would run the same work, in whatever order their trials stand."""
    return fingerprint([recipe, sorted(trial_fingerprint(recipe, t) for t in trials)])


def trial_fingerprint(recipe: Recipe, config: TrialConfig) -> str:
    """Names one training: recipe and configuration."""
    return fingerprint([recipe, config])
