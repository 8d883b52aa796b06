"""A recipe, checked and made whole before it runs: the steps that it cannot do without, and the numbers they go by.

Pure. What the steps do: `engine.aidp.operators`; running them: `engine.aidp.pipeline`.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from engine.aidp.recipe import AnyOperator, Convert, Decontaminate, Load, Operator, Recipe, Template
from engine.strict import convert


def checked(recipe: Recipe) -> tuple[AnyOperator, ...]:
    """Its operators, as those of a file are: one made by hand may hold anything. Raises BadInput."""
    return convert(msgspec.to_builtins(recipe.operators), tuple[AnyOperator, ...], source="the recipe's operators")


def complete(recipe: Recipe, raw: bool = False) -> tuple[Operator, ...]:
    """The recipe's operators, with the steps that it cannot do without. `raw`: it begins with rows that are.

    Loaded rows are converted before anything touches them that cannot do with raw ones. Decontamination comes last
    unless it is listed and no rows come in after it; but before rows are chosen by one another (what is balanced or
    sampled stays so) and before anything is written.
    """
    done: list[Operator] = []
    listed = Decontaminate()
    clean = False
    for operator in recipe.operators:
        if raw and not operator.raw:
            done.append(Convert())
            raw = False
        raw = isinstance(operator, Load) or (raw and not isinstance(operator, Convert | Template))
        if isinstance(operator, Decontaminate):
            listed, clean = operator, True
        elif operator.brings:
            clean = False
        elif (operator.chooses or "output" in operator.needs) and not clean:
            done.append(listed)
            clean = True
        done.append(operator)
    if raw:
        done.append(Convert())
    return tuple(done) if clean else (*done, listed)


def places(recipe: Recipe, operators: Iterable[Operator]) -> list[int]:
    """The numbers that `made_by` and random numbers go by: what decontaminates without being listed has the last ones,
    so that it may come early and move nobody else's."""
    own = {id(operator) for operator in recipe.operators}
    late = [isinstance(operator, Decontaminate) and id(operator) not in own for operator in operators]
    order = sorted(range(len(late)), key=lambda at: late[at])
    return [order.index(at) for at in range(len(late))]


def asked_for(recipe: Recipe) -> tuple[str, ...]:
    """The columns of the given rows that the recipe asks for."""
    first = next(iter(recipe.operators), None)
    return first.keep if isinstance(first, Convert) else ()
