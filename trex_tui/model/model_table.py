"""The models of this machine as a table, and where each of them is used. Pure, given what `list_models` has found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len, set_cell_size

from trex_tui.model import format as fmt
from trex_tui.model.store import RunView

if TYPE_CHECKING:
    from engine.models import Listed

KINDS = {"base": "base model", "researcher": "Researcher"}
GAP = "  "


class Use(NamedTuple):
    """Tasks and runs that a model is used by."""

    tasks: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()


def uses(runs: Mapping[str, RunView]) -> dict[str, Use]:
    """By the model's name. Runs, newest first, that train it or think with it."""
    found: dict[str, Use] = {}
    for name, view in reversed(list(runs.items())):
        created = view.tree.created
        if created is None:
            continue
        for model in {created.base_model, created.researcher} - {"none", ""}:
            old = found.get(model, Use())
            tasks = old.tasks if created.task in old.tasks else (*old.tasks, created.task)
            found[model] = Use(tasks, (*old.runs, name))
    return found


def state(model: Listed) -> str:
    """With a sign, as states have."""
    if model.installed:
        return "● installed"
    return "✗ damaged" if model.problem else "– not installed"


def parameters(count: int) -> str:
    """`135 M`, `1.8 B`."""
    return f"{count / 1e9:.1f} B" if count >= 1e9 else f"{count / 1e6:.0f} M" if count else ""


def used(use: Use) -> str:
    return f"{fmt.plural(len(use.runs), 'run')} of {', '.join(use.tasks)}" if use.runs else ""


def row(model: Listed, use: Use) -> tuple[str, ...]:
    """Name, state, kind, size, parameters, licence, use, in the order of their weight."""
    return (
        fmt.clean(model.name),
        state(model),
        KINDS[model.kind],
        fmt.size(model.size) if model.size else "",
        fmt.clean(model.licence),
        parameters(model.parameters),
        fmt.clean(used(use)),
    )


HEAD = ("model", "state", "kind", "size", "licence", "weights", "used by")


def lines(rows: list[tuple[str, ...]], width: int) -> list[str]:
    """The heading and a line for each row, in at most `width` cells; what does not fit falls away from the right.

    Of names too long for the terminal the end is cut, so that the state still stands beside them.
    """
    table = [HEAD, *rows]
    widths = [max(cell_len(cells[column]) for cells in table) for column in range(len(HEAD))]
    widths[0] = min(widths[0], max(12, width - widths[1] - len(GAP)))
    fitting = 2
    while fitting < len(HEAD) and sum(widths[: fitting + 1]) + len(GAP) * fitting <= width:
        fitting += 1
    columns = widths[:fitting]
    if fitting == len(HEAD) - 1:  # the last one may be cut
        columns.append(max(0, width - sum(columns) - len(GAP) * fitting))
    return [
        fmt.cut(
            GAP.join(set_cell_size(fmt.cut(cell, wide), wide) for cell, wide in zip(cells, columns, strict=False)),
            width,
        )
        for cells in table
    ]


def searched(model: Listed, text: str) -> bool:
    """Whether all words of a filter stand somewhere in what is known of the model."""
    hay = " ".join((model.name, KINDS[model.kind], model.licence, state(model), model.problem)).casefold()
    return all(part in hay for part in text.casefold().split())
