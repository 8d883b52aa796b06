"""The search space: grids for every knob of a trial, draws from them, and the checks of a plan's limits.

Numeric knobs are values on a grid because a grammar cannot bound a number, and because two plans that differ
by 1% are one idea. Pure: randomness is passed in.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from engine.aidp import recipe as aidp
from engine.errors import BadInput
from engine.plan import Direction, Plan, TrialConfig, plan_fingerprint, trial_fingerprint

Grid = Mapping[str, Sequence[float | int | str]]

GRID: dict[str, tuple[float | int | str, ...]] = {
    "learning_rate": (5e-5, 1e-4, 2e-4, 3e-4, 5e-4, 1e-3, 2e-3),
    "lora_rank": (4, 8, 16, 32, 64),
    "lora_alpha": (8, 16, 32, 64, 128),
    "target_modules": ("attention", "all-linear"),
    "lora_dropout": (0.0, 0.05, 0.1),
    "epochs": (1, 2, 3, 4),
    "max_steps": (0,),
    "batch_size": (4, 8, 16, 32),
    "gradient_accumulation": (1, 2, 4),
    "warmup_ratio": (0.0, 0.03, 0.1, 0.2),
    "schedule": ("constant", "linear", "cosine"),
    "weight_decay": (0.0, 0.01, 0.1),
    "neftune_noise": (0.0, 5.0, 10.0),
    "max_length": (64, 128, 256, 512, 1024, 2048),
    "rows": (64, 128, 256, 384, 512, 1024, 2048, 4096, 8192, 16384, 50_000),
}


def check_space(space: Mapping[str, Sequence[object]], where: str) -> None:
    """A task's own grid: known knobs, values of the knob's type, at least one. Raises BadInput."""
    for knob, values in space.items():
        if knob not in GRID:
            raise BadInput(f"[space] knows no knob `{knob}`", where=where, hint=f"knobs: {', '.join(GRID)}")
        if not values:
            raise BadInput(f"[space] `{knob}` has no values", where=where)
        for value in values:
            try:
                config_from({knob: value})
            except msgspec.ValidationError:
                raise BadInput(f"[space] `{knob}` cannot be {value!r}", where=where) from None


def config_from(values: Mapping[str, object]) -> TrialConfig:
    """A configuration from loose values. Raises msgspec.ValidationError."""
    return msgspec.convert(dict(values), TrialConfig, strict=True)


def grid_for(space: Grid) -> dict[str, tuple[float | int | str, ...]]:
    """The default grid with the task's own values in place of ours."""
    return {knob: tuple(space.get(knob, values)) for knob, values in GRID.items()}


def affordable(config: TrialConfig, examples: int) -> bool:
    """Rows x passes within the task's limit for one trial."""
    return examples_seen(config) <= examples


def examples_seen(config: TrialConfig) -> int:
    """Rows that one trial trains on, repeats counted."""
    if config.max_steps:
        return config.max_steps * config.batch_size * config.gradient_accumulation
    return config.rows * config.epochs


def cheapest(base: TrialConfig, grid: Grid) -> TrialConfig:
    """`base` with the fewest rows and passes of the grid: the least that a trial can cost."""
    least = {knob: min(v for v in grid[knob] if isinstance(v, int)) for knob in ("rows", "epochs")}
    return config_from({**msgspec.structs.asdict(base), **least, "max_steps": 0})


def with_knob(config: TrialConfig, knob: str, value: float | int | str) -> TrialConfig:
    """`config` with one knob changed."""
    return config_from({**msgspec.structs.asdict(config), knob: value})


def sample_config(parent: TrialConfig, grid: Grid, examples: int, rng: random.Random, changes: int = 2) -> TrialConfig:
    """`parent` with `changes` knobs moved on the grid, within the limit of rows x passes.

    A knob moves to a neighbouring value half of the time and anywhere otherwise: near ideas first, with a way out.
    """
    movable = [knob for knob, values in grid.items() if len(set(values) - {getattr(parent, knob)}) > 0]
    for _ in range(64):
        config = parent
        for knob in rng.sample(movable, min(changes, len(movable))):
            config = with_knob(config, knob, _move(getattr(config, knob), grid[knob], rng))
        if affordable(config, examples) and config != parent:
            return config
    return parent


def _move(value: float | int | str, values: Sequence[float | int | str], rng: random.Random) -> float | int | str:
    others = [v for v in values if v != value]
    if not others:
        return value
    if value in values and rng.random() < 0.5:
        at = values.index(value)
        return rng.choice([values[i] for i in (at - 1, at + 1) if 0 <= i < len(values)])
    return rng.choice(others)


def sample_recipe(parent: aidp.Recipe, rng: random.Random) -> aidp.Recipe:
    """A recipe near the parent's: a subset of the safe operators in their natural order, a new seed to draw by."""
    operators: list[aidp.AnyOperator] = []
    if rng.random() < 0.7:
        operators.append(aidp.DedupExact())
    if rng.random() < 0.5:
        operators.append(aidp.FilterLength(min_words=rng.choice((2, 4, 6, 8)), max_words=rng.choice((40, 80, 100_000))))
    if rng.random() < 0.5:
        operators.append(aidp.BalanceLabels())
    operators.append(aidp.Shuffle())
    return aidp.Recipe(operators=tuple(operators), seed=rng.randrange(2**16) if rng.random() < 0.5 else parent.seed)


def sample_plan(
    direction: Direction,
    parent: Plan,
    grid: Grid,
    *,
    examples: int,
    trials: int,
    taken: frozenset[str],
    rng: random.Random,
) -> Plan:
    """A plan in `direction`, different from every plan whose fingerprint is in `taken`.

    `refine_data` changes the recipe and keeps the parent's best configuration (its first trial) among its own;
    `adjust_training` keeps the recipe. Raises BadInput where the space has nothing new left.
    """
    best = parent.trials[0]
    for attempt in range(200):
        recipe = sample_recipe(parent.recipe, rng) if direction == "refine_data" else parent.recipe
        changes = 1 + attempt // 50 + rng.randrange(2)
        configs: list[TrialConfig] = [best] if direction == "refine_data" else []
        for _ in range(32):
            if len(configs) == trials:
                break
            config = sample_config(best, grid, examples, rng, changes)
            if trial_fingerprint(recipe, config) not in {trial_fingerprint(recipe, c) for c in configs}:
                configs.append(config)
        drawn = tuple(configs)
        if drawn and plan_fingerprint(recipe, drawn) not in taken:
            text = (
                f"sampled: {aidp.describe(recipe)}"
                if direction == "refine_data"
                else f"sampled: {changed(best, drawn[0])}"
            )
            return Plan(direction=direction, hypothesis=text, recipe=recipe, trials=drawn, source="sampled")
    raise BadInput("the search space holds no plan that was not tried", hint="widen [space] in task.toml")


def changed(old: TrialConfig, new: TrialConfig) -> str:
    """What differs, in one line: `learning_rate 0.0003 -> 0.001, epochs 1 -> 2`."""
    before, after = msgspec.structs.asdict(old), msgspec.structs.asdict(new)
    parts = [f"{k} {_short(before[k])} -> {_short(after[k])}" for k in after if before[k] != after[k]]
    return ", ".join(parts) or "nothing changed"


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
