"""What an operator of a recipe is set to, in a few words. Pure."""

from __future__ import annotations

from engine.aidp.recipe import Operator, Recipe, describe


def settings(operator: Operator) -> str:
    """`min_words=4`; "" where all are as usual."""
    return describe(Recipe(operators=(operator,))).partition("(")[2].removesuffix(")")  # type: ignore[arg-type]
