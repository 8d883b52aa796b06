"""Rewards in [0, 1], higher is better whatever the metric's direction, from the run's own scores.

Computed at selection, never stored: a new score may change every reward. Normalisers by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.errors import BadInput

Normaliser = Callable[[Mapping[str, float]], dict[str, float]]


def rank(scores: Mapping[str, float]) -> dict[str, float]:
    """Share of the other scores that are worse, equal ones counting half. Immune to one catastrophic score."""
    values = list(scores.values())
    if len(values) < 2:
        return dict.fromkeys(scores, 0.5)

    def reward(value: float) -> float:
        worse = sum(v < value for v in values)
        equal = sum(v == value for v in values) - 1
        return (worse + equal / 2) / (len(values) - 1)

    return {name: reward(value) for name, value in scores.items()}


def minmax(scores: Mapping[str, float]) -> dict[str, float]:
    """Linear between the worst (0) and the best (1) score."""
    low, high = min(scores.values(), default=0.0), max(scores.values(), default=0.0)
    if high <= low:
        return dict.fromkeys(scores, 0.5)
    return {name: (value - low) / (high - low) for name, value in scores.items()}


def clipped(scores: Mapping[str, float]) -> dict[str, float]:
    """Min-max after lifting everything below the lower quartile to it: the tail cannot flatten the top."""
    values = sorted(scores.values())
    if not values:
        return {}
    floor = values[len(values) // 4]
    return minmax({name: max(value, floor) for name, value in scores.items()})


NORMALISERS: dict[str, Normaliser] = {"rank": rank, "clipped": clipped, "minmax": minmax}


def rewards(scores: Mapping[str, float], *, maximize: bool, normaliser: str) -> dict[str, float]:
    """Rewards of named scores. Raises BadInput for an unknown normaliser."""
    if normaliser not in NORMALISERS:
        raise BadInput(f"no normaliser `{normaliser}`", hint=f"choose one of {', '.join(NORMALISERS)}")
    sign = 1.0 if maximize else -1.0
    return NORMALISERS[normaliser]({name: sign * value for name, value in scores.items()})
