"""The data operators: one function each, from a Dataset to a Dataset. What they mean stands with their types
(`engine.aidp.kinds`), what they may use in `engine.aidp.context`.

Each module has its functions by type in `APPLY`. Operators work in the order of the rows and keep it unless a new order
is their purpose; what draws takes `context.rng` and nothing else.
"""

from __future__ import annotations

from engine.aidp.context import Applies
from engine.aidp.operators import duplicates, filters, generation, loading, output, sampling, scoring

APPLY: Applies = {
    **loading.APPLY,
    **filters.APPLY,
    **duplicates.APPLY,
    **sampling.APPLY,
    **generation.APPLY,
    **scoring.APPLY,
    **output.APPLY,
}
