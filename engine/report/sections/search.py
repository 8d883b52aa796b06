"""How the search went: the tree, every node, every trial, and what did not help."""

from __future__ import annotations

from engine.report import plots, treeplot, words
from engine.report.document import Block, Cell, Column, Heading, Listing, Plot, Text, Tone, table
from engine.report.history import plan_sources
from engine.report.model import ReportData
from engine.report.sections.result import tone
from engine.search.steering import limits_said
from engine.search.tree import ROOT, Node, Trial


def section(data: ReportData) -> list[Block]:
    """Tree, scores in order, best so far, tables of nodes and trials, negative results."""
    tree = data.tree
    caption = (
        "Each box is a node: its best validation score, outlined by its direction. The champion's outline is thick."
    )
    blocks: list[Block] = [Heading("How the search went"), Text(_overview(data)), _sources(data)]
    blocks.append(Plot(treeplot.drawn(tree), caption, treeplot.written(tree)))
    if drawing := plots.scores(tree, data.judgements):
        blocks.append(Plot(drawing, "Validation score of each node in order. Dashed: the base model, with its band."))
    if drawing := plots.best_so_far(data.progress):
        blocks.append(Plot(drawing, "Every score as it came; the line is the best until then."))
    blocks += [_nodes(data), *_champions_gain(data), Heading("Trials", 3), _trials(data)]
    blocks += [Heading("What did not help", 3), *_negative(data)]
    return blocks


def _overview(data: ReportData) -> str:
    tree, setup = data.tree, data.tree.setup
    rounds = [n for n in tree.nodes.values() if n.id != ROOT]
    trials = [t for n in rounds for t in n.trials.values()]
    scored = sum(t.score is not None for t in trials)
    directions = {n.direction for n in rounds if n.direction}
    why = tree.reason or tree.champion_reason
    ended = f" It ended because {why.rstrip('.')}." if why and tree.ended_at is not None else ""
    took = words.duration(tree.elapsed(tree.last_time))
    return (
        f"Policy {setup.policy}, rewards by {setup.normaliser}: {words.count(len(rounds), 'node')} in "
        f"{words.count(len(directions), 'direction')}, {words.count(len(trials), 'trial')}, "
        f"{scored} of them with a score, in {took}; allowed were {limits_said(tree.limits)}.{ended}"
    )


def _sources(data: ReportData) -> Block:
    counts = plan_sources(data.tree)
    total = sum(counts.values())
    if not total:
        return Text("No plan was settled.", "muted")
    parts = [f"{source} {n} ({words.share(n, total)})" for source, n in sorted(counts.items(), key=lambda c: -c[1])]
    return Text(f"Where the {words.count(total, 'plan')} came from: {words.listed(parts)}.")


def _nodes(data: ReportData) -> Block:
    columns = (
        Column("node", "code"),
        Column("from", "code"),
        Column("direction"),
        Column("by"),
        Column("state"),
        Column("validation", "number"),
        Column(f"{words.MINUS} parent", "number"),
        Column("hypothesis", "wide"),
    )
    rows: list[tuple[Cell | str, ...]] = []
    for node in data.tree.nodes.values():
        against = data.against_parent.get(node.id)
        root = node.id == ROOT
        rows.append(
            (
                Cell(node.id, "strong" if _is_champion(data, node) else ""),
                "" if root else node.parent,
                words.DIRECTIONS.get(node.direction or "", "base model" if root else ""),
                node.plan.source if node.plan else "",
                Cell(", ".join([node.state, *sorted(node.flags)]), _state_tone(node.state)),
                words.score(data.tree.score(node.id)),
                Cell("" if root else words.difference(against), tone(against)),
                node.plan.hypothesis if node.plan else node.failure,
            )
        )
    return table(columns, rows)


def _trials(data: ReportData) -> Block:
    columns = (
        Column("trial", "code"),
        Column("state"),
        Column("validation", "number"),
        Column("examples", "number"),
        Column("training", "number"),
        Column("evaluation", "number"),
        Column("configuration, or why there is no score", "wide"),
    )
    trials = [t for n in data.tree.nodes.values() for t in n.trials.values()]
    return table(columns, [_trial_row(t, data.tree.champion) for t in trials])


def _trial_row(trial: Trial, champion: str) -> tuple[Cell | str, ...]:
    note = "reused from an earlier run" if trial.reused else "the base model" if trial.config is None else _short(trial)
    said = "; ".join(filter(None, [trial.cause if trial.score is None else "", note, trial.changed]))
    return (
        Cell(trial.id, "strong" if trial.id == champion else ""),
        Cell(trial.state, _state_tone(trial.state)),
        words.score(trial.score),
        f"{trial.examples:,}" if trial.examples else "",
        words.duration(trial.train_seconds) if trial.train_seconds else "",
        words.duration(trial.evaluate_seconds) if trial.evaluate_seconds else "",
        said,
    )


def _short(trial: Trial) -> str:
    """The knobs that a reader looks for first; the champion's are listed whole elsewhere."""
    c = trial.config
    if c is None:
        return ""
    passes = f"{c.max_steps} steps" if c.max_steps else words.count(c.epochs, "epoch")
    data = f"{c.rows:,} rows, {passes}, batch {c.batch_size}"
    return f"lr {c.learning_rate:g}, rank {c.lora_rank}, alpha {c.lora_alpha}, {data}"


def _champions_gain(data: ReportData) -> list[Block]:
    """Where the champion's node is not better than its parent beyond noise: that it is so."""
    node = next((n for n in data.tree.nodes.values() if n.id != ROOT and _is_champion(data, n)), None)
    against = data.against_parent.get(node.id) if node else None
    if node is None or against is None or (against.beyond and against.better):
        return []
    said = f"{words.difference(against)} against its parent {node.parent} on validation: {against.verdict}"
    return [Text(f"{node.id}, the champion's node, has {said}.")]


def _negative(data: ReportData) -> list[Block]:
    """Nodes that are not better than their parent beyond noise, and nodes without a score; never the champion's."""
    lines = []
    for node in data.tree.nodes.values():
        if node.id == ROOT or node.plan is None or _is_champion(data, node):
            continue
        against = data.against_parent.get(node.id)
        hypothesis = node.plan.hypothesis.rstrip(".") or "no hypothesis"
        idea = f"{node.id}, {words.DIRECTIONS[node.plan.direction]} ({hypothesis})"
        if data.tree.score(node.id) is None:
            if node.state in ("failed", "cancelled"):
                lines.append(f"{idea}: no score, {node.failure or node.state}")
        elif against is not None and not (against.beyond and against.better):
            lines.append(f"{idea}: {words.difference(against)} against {node.parent}, {against.verdict}")
    if not lines:
        which = "Every other node" if _champions_gain(data) else "Every node"
        return [Text(f"{which} with a score was better than its parent beyond the noise.", "muted")]
    return [Listing(tuple(lines))]


def _is_champion(data: ReportData, node: Node) -> bool:
    return data.tree.champion in node.trials


def _state_tone(state: str) -> Tone:
    return {"failed": "bad", "done": ""}.get(state, "muted")  # type: ignore[return-value]
