"""The JSON schemas that bind the Researcher's answers, made from the msgspec types and the task's grid.

llama.cpp's grammar enforces structure, enums and lengths but not number ranges: every number is an enum of grid
values. What no grammar can say (rows x epochs, nothing new) is checked in `engine.researcher.propose`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import msgspec

from engine.aidp import recipe as aidp
from engine.plan import Direction, TrialConfig
from engine.researcher.model import Schema
from engine.space import Grid, affordable, with_knob
from engine.task import Task

NO_INSIGHT = "none"
CHANGES = 3  # knobs that one trial may change: more would teach nothing
LABELS, ENOUGH = 50, 1_000  # labels and rows with which a classifier can tell wrong ones
AMOUNT = "rows_x_epochs"  # one knob for both: the grammar can then offer affordable pairs only


class Offer(NamedTuple):
    """An operator that a model may choose. `fields`: those it sets, with the values it may give; the others stay as
    usual. `labelled`: only where answers are labels, and there are enough rows to learn from."""

    does: str
    fields: Mapping[str, tuple[float | str, ...]] = {}
    labelled: bool = False


OPERATORS: dict[type[aidp.Operator], Offer] = {
    aidp.DedupExact: Offer("drops repeated prompts", {"normalise": (True, False)}),
    aidp.DedupMinhash: Offer(
        "drops prompts that share `threshold` of their words with an earlier one", {"threshold": (0.6, 0.7, 0.8)}
    ),
    aidp.FilterLength: Offer(
        "keeps prompts of min_words to max_words words",
        {"min_words": (0, 2, 4, 6, 8, 12), "max_words": (25, 40, 80, 200, 100_000)},
    ),
    aidp.FilterLabelNoise: Offer(
        "drops rows whose answer a classifier finds less likely than max_probability",
        {"max_probability": (0.02, 0.05, 0.1)},
        labelled=True,
    ),
    aidp.BalanceLabels: Offer(
        "same number of rows for each answer (down drops, up repeats)", {"method": ("down", "up")}
    ),
    aidp.SampleStratified: Offer("at most `rows` rows, shares of answers kept", {"rows": ()}),  # the grid's row counts
    aidp.Shuffle: Offer("new order"),
}
"""Cheap ones that need no model but the shipped embeddings. Few: a small model is given a small grammar."""

Offers = Mapping[type[aidp.Operator], Offer]


def offered(task: Task) -> Offers:
    """The operators that make sense for a task."""
    labelled = 2 <= len(task.evaluation.labels) <= LABELS and task.splits.train >= ENOUGH
    return {kind: offer for kind, offer in OPERATORS.items() if labelled or not offer.labelled}


def text(least: int, most: int) -> Schema:
    """A string of printable ASCII: llama.cpp's own string rule lets raw line breaks through, which are no JSON."""
    return {"type": "string", "pattern": f"^[ !#-\\[\\]-~]{{{least},{most}}}$"}


def record(**properties: Schema) -> Schema:
    """An object with all of these fields, in this order, and no other."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def direction_schema(offered: Sequence[Direction]) -> Schema:
    """The reason comes first: a model that has written why chooses better."""
    return record(reason=text(20, 160), direction={"enum": list(offered)})


def plan_schema(
    direction: Direction,
    grid: Grid,
    base: TrialConfig,
    examples: int,
    trials: int,
    insights: int,
    poor: Collection[str] = (),
    operators: Offers = OPERATORS,
) -> Schema:
    """A plan in `direction` with 1 to `trials` trials, each a list of changes from `base`.

    Lists of changes, not objects: given an object of optional knobs, a small model fills in every one of them.
    Changes in `poor` are not offered while others are left: a small model copies what it reads, the bad with the good.
    """
    known = [f"i{n}" for n in range(1, insights + 1)]
    parts: dict[str, Schema] = {"builds_on": {"enum": [*known, NO_INSIGHT]}} if known else {}
    parts["hypothesis"] = text(30, 200)
    if direction == "refine_data":
        parts["recipe"] = {"type": "array", "items": operator_schema(grid, operators), "minItems": 1, "maxItems": 4}
    least = 0 if direction == "refine_data" else 1
    every = changes(grid, base, examples)
    change = {"enum": [change for change in every if change not in poor] or every}
    trial = {"type": "array", "items": change, "minItems": least, "maxItems": CHANGES}
    parts["trials"] = {"type": "array", "items": trial, "minItems": 1, "maxItems": trials}
    return record(**parts)


def changes(grid: Grid, base: TrialConfig, examples: int) -> list[str]:
    """Every single step away from `base`, as the model reads and writes it: `learning_rate=0.0005`."""
    pairs = [written(AMOUNT, pair) for pair in amounts(grid, base, examples)]
    others = [written(knob, v) for knob, values in knobs(grid).items() for v in values if v != getattr(base, knob)]
    return pairs + others


def written(knob: str, value: float | int | str) -> str:
    """One spelling of a knob's value everywhere: in the schema, in the history, in answers."""
    return f"{knob}={value:g}" if isinstance(value, float) else f"{knob}={value}"


def steps(start: TrialConfig, config: TrialConfig) -> str:
    """What a configuration changed from the start, as the schema spells it: `learning_rate=0.0003 lora_rank=8`."""
    old, new = spelt(start), spelt(config)
    return " ".join(written(knob, value) for knob, value in new.items() if old[knob] != value) or "start configuration"


def spelt(config: TrialConfig) -> dict[str, float | int | str]:
    """A configuration by knob, rows and epochs as one."""
    values = msgspec.structs.asdict(config)
    amount = f"{values.pop('rows')}x{values.pop('epochs')}"
    return {AMOUNT: amount, **values}


def knobs(grid: Grid) -> dict[str, Sequence[float | int | str]]:
    """Knobs a model may turn one by one: those with a choice, without rows and epochs (see AMOUNT)."""
    return {knob: values for knob, values in grid.items() if len(values) > 1 and knob not in ("rows", "epochs")}


def amounts(grid: Grid, base: TrialConfig, examples: int) -> list[str]:
    """Affordable `<rows>x<epochs>` pairs other than the base's: `512x1`, `256x2`."""
    return [
        f"{rows}x{epochs}"
        for rows in grid["rows"]
        for epochs in grid["epochs"]
        if (rows, epochs) != (base.rows, base.epochs)
        and affordable(with_knob(with_knob(base, "rows", rows), "epochs", epochs), examples)
    ]


def operator_schema(grid: Grid, operators: Offers = OPERATORS) -> Schema:
    """One operator with each of its offered fields given, its name first."""
    return {"anyOf": [_operator(kind, offer, grid) for kind, offer in operators.items()]}


def _operator(kind: type[aidp.Operator], offer: Offer, grid: Grid) -> Schema:
    chosen = {name: {"enum": list(values or grid["rows"])} for name, values in offer.fields.items()}
    return record(op={"const": aidp.operator_name(kind)}, **chosen)


def diagnosis_schema(openings: Sequence[str]) -> Schema:
    """What the round showed, then the sentence worth keeping: an opening by rule, its reason by the model."""
    start = "|".join(openings)
    reason = "[ !#-\\[\\]-~]{20,150}"
    return record(
        diagnosis=text(40, 240), insight={"type": "string", "pattern": f"^({start}) (because|when|as) {reason}$"}
    )
