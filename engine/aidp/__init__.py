"""AIDP: data operators and recipes on Hugging Face Datasets, usable inside the search and alone.

    from engine.aidp import Pipeline
    from engine.aidp.recipe import DedupExact, Recipe, Shuffle

    output = Pipeline(Recipe(operators=(DedupExact(), Shuffle()))).run(rows)

`Pipeline` is loaded when it is first asked for: importing this package must not import `datasets`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.aidp.pipeline import Output, Pipeline

__all__ = ["Output", "Pipeline"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from engine.aidp import pipeline

    return getattr(pipeline, name)
