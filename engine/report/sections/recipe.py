"""The winning recipe with its row counts, and the configuration beside the baseline's."""

from __future__ import annotations

import msgspec

from engine.aidp.recipe import operator_name
from engine.plan import TrialConfig
from engine.report import plots, words
from engine.report.document import Block, Cell, Column, Heading, Plot, Text, table
from engine.report.model import Contender, ReportData
from engine.search.tree import Node


def section(data: ReportData) -> list[Block]:
    """Recipe and configuration of the champion (or the best so far)."""
    best = data.challenger
    if best is None or best.config is None:
        return [Heading("Winning recipe"), Text("None: the untouched base model is the best there is.", "muted")]
    node = data.tree.nodes[best.node]
    blocks: list[Block] = [Heading("Winning recipe" if data.tree.champion else "Best recipe so far")]
    blocks += _recipe(node)
    blocks += [Heading("Configuration", 3), *_configuration(best, best.config, data)]
    if drawing := plots.losses(data.curves):
        blocks.append(Plot(drawing, "Training loss: thin as logged, thick its running mean."))
    return blocks


def _recipe(node: Node) -> list[Block]:
    if node.plan is None:
        return []
    count = f"{words.count(node.rows, 'row')} came out of it" if node.rows is not None else "its data was not recorded"
    blocks: list[Block] = [Text(f"From node {node.id}: {node.plan.hypothesis}"), Text(f"The recipe ran once; {count}.")]
    operators = node.plan.recipe.operators
    if not operators:
        return [*blocks, Text("No operator: the train split as it is, decontaminated.")]
    dropped = _dropped([operator_name(o) for o in operators], node.dropped)
    columns = (Column("operator", "code"), Column("settings"), Column("rows dropped", "number"))
    rows: list[tuple[Cell | str, ...]] = []
    for operator, gone in zip(operators, dropped[0], strict=True):
        fields = [f.name for f in msgspec.structs.fields(operator)]
        settings = ", ".join(f"{name} {words.plain(getattr(operator, name))}" for name in fields)
        rows.append((operator_name(operator), settings, gone))
    rows += [(name, "always runs", f"{gone:,}") for name, gone in dropped[1]]
    seed = Text(f"Operators that draw do so with seed {node.plan.recipe.seed}.", "muted")
    return [*blocks, table(columns, rows), seed]


def _dropped(names: list[str], dropped: tuple[tuple[str, int], ...]) -> tuple[list[str], list[tuple[str, int]]]:
    """Counts beside the operators they belong to, in order, and those of operators that no recipe lists."""
    left = list(dropped)
    beside = []
    for name in names:
        at = next((i for i, (found, _) in enumerate(left) if found == name), None)
        beside.append(f"{left.pop(at)[1]:,}" if at is not None else "")
    return beside, left


def _configuration(best: Contender, config: TrialConfig, data: ReportData) -> list[Block]:
    baseline = data.contender("baseline")
    mine = msgspec.structs.asdict(config)
    if baseline is None or baseline.config is None or baseline.trial == best.trial:
        rows: list[tuple[Cell | str, ...]] = [(name, words.plain(value)) for name, value in mine.items()]
        return [table((Column("setting", "code"), Column(best.trial, "number")), rows)]
    other = msgspec.structs.asdict(baseline.config)
    columns = (
        Column("setting", "code"),
        Column(f"champion {best.trial}", "number"),
        Column(f"baseline {baseline.trial}", "number"),
    )
    if "champion" not in best.roles:
        columns = (columns[0], Column(f"best {best.trial}", "number"), columns[2])
    rows = [
        (
            name,
            Cell(words.plain(value), "mark" if value != other[name] else ""),
            Cell(words.plain(other[name]), "muted"),
        )
        for name, value in mine.items()
    ]
    changed = sum(value != other[name] for name, value in mine.items())
    said = f"{words.count(changed, 'setting differs', 'settings differ')} from the baseline's; marked."
    really = data.tree.trial(best.trial).changed
    return [
        Text(said, "muted"),
        table(columns, rows),
        *([Text(f"What really ran: {really}", "warning")] if really else []),
    ]
