"""Commands that look and change nothing in the search: runs, status, show, report, verify, export, insights."""

from __future__ import annotations

import argparse
import asyncio
import time
from pathlib import Path
from typing import Any

import msgspec

from engine.errors import BadInput
from engine.insights import Insights, Row
from engine.journal import Journal
from engine.search.events import Learned
from engine.search.tree import ROOT_TRIAL, Node, Tree
from trex_tui.commands.engine import state as engine_state
from trex_tui.commands.run import trees
from trex_tui.model.format import bar, day, duration, gain, interval, plural, score, state


def runs(options: argparse.Namespace) -> int:
    """A line per run."""
    found = trees(options.space)
    if options.json:
        return _print_json([_facts(name, tree) for name, tree in found.items()])
    if not found:
        print("no runs yet; start one with: trex run movie_sentiment")
    for name, tree in found.items():
        best = tree.best_trial()
        print(
            f"{name:24} {state(word(tree)):12} {day(tree.started_at)}  {duration(tree.elapsed(time.time())):>12}"
            f"  best {score(best.score if best else None)}  {plural(len(tree.nodes) - 1, 'node')}"
        )
    return 0


def status(options: argparse.Namespace) -> int:
    """What is going on, in a few lines."""
    found = trees(options.space)
    engine = engine_state(options.space)
    if options.json:
        return _print_json(
            {"engine": engine == "running", "runs": [_facts(n, t) for n, t in found.items() if t.state == "running"]}
        )
    print(f"engine: {engine} ({options.space.home})")
    if not found:
        print("no runs yet; start one with: trex run movie_sentiment")
        return 0
    open_runs = [name for name, tree in found.items() if tree.state in ("running", "paused")]
    for name in open_runs or list(found)[-1:]:
        for text in _status_lines(name, found[name]):
            print(text)
    return 0


def word(tree: Tree) -> str:
    """A run's state in one word."""
    return "paused" if tree.paused and tree.state == "running" else tree.state


def _status_lines(name: str, tree: Tree) -> list[str]:
    now, wall = time.time(), tree.setup.wall_seconds
    spent = tree.elapsed(now)
    best, base = tree.best_trial(), tree.nodes["n0"].trials[ROOT_TRIAL]
    at_work = [t.id for t in tree.running()]
    return [
        f"{name}: {state(word(tree))}" + (f" ({tree.reason})" if tree.reason else ""),
        f"time:  {bar(spent / wall, 20)} {duration(spent)} of {duration(wall)}",
        f"nodes: {len(tree.nodes) - 1} of {tree.setup.rounds} rounds; at work: {', '.join(at_work) or 'no trial'}",
        f"base:  {score(base.score)}",
        f"best:  {score(best.score)} in {best.id} ({gain(best.score, base.score, tree.maximize) or 'no'} over base)"
        if best
        else "best:  no score yet",
    ]


def show(options: argparse.Namespace) -> int:
    """A run's tree, or one node in full."""
    tree = _one(options)
    if options.node:
        if options.node not in tree.nodes:
            raise BadInput(f"no node `{options.node}` in {options.run}", hint=f"nodes: n0 to n{len(tree.nodes) - 1}")
        node = tree.nodes[options.node]
        if options.json:
            return _print_json(_node_facts(tree, node))
        print("\n".join(_node_lines(tree, node)))
        return 0
    if options.json:
        return _print_json({**_facts(options.run, tree), "nodes": [_node_facts(tree, n) for n in tree.nodes.values()]})
    for text in (*_status_lines(options.run, tree), ""):
        print(text)
    for name in tree.subtree("n0"):
        node = tree.nodes[name]
        head = "  " * node.depth + name
        print(
            f"{head:14} {state('pruned' if tree.flagged(name, 'pruned') else node.state):14} "
            f"{node.direction or 'base':16} {score(tree.score(name)):16} "
            f"{gain(tree.score(name), tree.score(node.parent), tree.maximize) if name != 'n0' else '':8}"
            f"{node.plan.source if node.plan else ''}"
        )
    return 0


def _node_lines(tree: Tree, node: Node) -> list[str]:
    from engine.aidp.recipe import describe
    from engine.space import changed

    lines = [f"{node.id} ({node.direction or 'base model'}), {state(node.state)}, child of {node.parent}"]
    if node.plan:
        lines += [f"plan by {node.plan.source}: {node.plan.hypothesis}", f"recipe: {describe(node.plan.recipe)}"]
        if node.plan.insights_named:
            lines.append(f"builds on: {', '.join(node.plan.insights_named)}")
    if node.rows is not None:
        lines.append(f"rows: {node.rows:,} (dropped {', '.join(f'{op} {n:,}' for op, n in node.dropped) or 'none'})")
    base = tree.nodes["n1"].plan.trials[0] if "n1" in tree.nodes and (tree.nodes["n1"].plan) else None
    for trial in node.trials.values():
        what = changed(base, trial.config) if base and trial.config else "the base model as it is"
        lines.append(f"{trial.id}: {state(trial.state)} {interval(trial.score)} {trial.cause}".rstrip())
        lines.append(f"    against the baseline: {what}")
        lines += [f"    {split}: {interval(s)}" for split, s in (("confirm", trial.confirm), ("test", trial.test)) if s]
    lines += [f"{name}: {text}" for name, text in (("diagnosis", node.diagnosis), ("insight", node.insight)) if text]
    if node.why:
        terms = sorted(node.why, key=lambda t: -t.total)
        lines.append(
            "why here: " + "; ".join(f"{t.node} {t.value:.2f} + {t.exploration:.2f} = {t.total:.2f}" for t in terms)
        )
    return lines


def result_lines(tree: Tree) -> list[str]:
    """What came out, in a few lines."""
    lines = []
    names = {"base": ROOT_TRIAL, "champion": tree.champion}
    for title, name in names.items():
        if name:
            trial = tree.trial(name)
            test = f"; on the sealed test split {interval(trial.test)}" if trial.test else ""
            lines.append(f"{title} {name}: validation {interval(trial.score)}{test}")
    if not tree.champion:
        lines.append(f"no champion: {tree.reason or 'the search has not ended'}")
    return lines


def report(options: argparse.Namespace) -> int:
    """Write the report again."""
    from engine.report.make import make_report

    _one(options)
    markdown, html = make_report(options.space, options.run)
    print(f"{markdown}\n{html}")
    return 0


def verify(options: argparse.Namespace) -> int:
    """Compute every score again; exit code 1 where one differs."""
    from engine.report.verify import verify as check

    tree = _one(options)
    journal = Journal.open_read_only(options.space.journal)
    try:
        lines = check(journal.records(run=options.run), options.space.run(options.run), Path(tree.setup.splits))
    finally:
        journal.close()
    if options.json:
        _print_json(lines)
    else:
        for entry in lines:
            print(entry.text)
    return 0 if all(entry.ok for entry in lines) else 1


def export(options: argparse.Namespace) -> int:
    """Take an adapter out."""
    from engine.export import export_adapter

    tree = _one(options)
    trial = _trial_of(tree, options.node or tree.champion, options.run)
    journal = Journal.open_read_only(options.space.journal)
    try:
        target = export_adapter(
            options.space.run(options.run), trial, options.to, list(journal.records(run=options.run))
        )
    finally:
        journal.close()
    print(target)
    return 0


def _trial_of(tree: Tree, name: str, run: str) -> str:
    """The trial meant by a node's or trial's name."""
    if not name:
        raise BadInput(f"{run} has no champion yet", hint="name a node")
    if name in tree.nodes:
        best = tree.nodes[name].best(tree.maximize)
        if best is None:
            raise BadInput(f"{name} has no finished trial", where=run)
        return best.id
    if not any(name in node.trials for node in tree.nodes.values()):
        raise BadInput(f"no node or trial `{name}` in {run}")
    return name


def insights(options: argparse.Namespace) -> int:
    """All insights of the workspace."""
    found = _journal_insights(options)
    if options.json:
        return _print_json(found)
    for learned in found:
        print(f"{learned.insight}  {learned.text}")
    return 0


def search_insights(options: argparse.Namespace) -> int:
    """The insights nearest to a text."""
    rows = [Row(id=e.insight, task=e.task, text=e.text) for e in _journal_insights(options)]
    hits = asyncio.run(_nearest(Insights(rows, options.space.cache / "insights"), options.text))
    if options.json:
        return _print_json([{"insight": row.id, "similarity": near, "text": row.text} for row, near in hits])
    for row, near in hits:
        print(f"{near:.2f}  {row.id}  {row.text}")
    return 0


async def _nearest(index: Insights, text: str) -> list[tuple[Row, float]]:
    try:
        return [(index.rows[hit.id], hit.similarity) for hit in await index.nearest(text, 10)]
    finally:
        await index.close()


def _journal_insights(options: argparse.Namespace) -> list[Learned]:
    journal = Journal.open_read_only(options.space.journal)
    try:
        return journal.insights()
    finally:
        journal.close()


def _one(options: argparse.Namespace) -> Tree:
    found = trees(options.space)
    if options.run not in found:
        raise BadInput(f"no run `{options.run}` in this workspace", hint="`trex runs` lists them")
    return found[options.run]


def _facts(name: str, tree: Tree) -> dict[str, Any]:
    best = tree.best_trial()
    return {
        "run": name,
        "task": tree.setup.task,
        "state": word(tree),
        "reason": tree.reason,
        "started": tree.started_at,
        "elapsed_seconds": tree.elapsed(time.time()),
        "nodes": len(tree.nodes) - 1,
        "best": {"trial": best.id, "score": best.score} if best else None,
        "champion": tree.champion,
    }


def _node_facts(tree: Tree, node: Node) -> dict[str, Any]:
    return {
        "node": node.id,
        "parent": node.parent,
        "state": node.state,
        "direction": node.direction,
        "flags": sorted(node.flags),
        "plan": node.plan,
        "rows": node.rows,
        "score": tree.score(node.id),
        "trials": [msgspec.to_builtins(trial) for trial in node.trials.values()],
        "why": node.why,
        "diagnosis": node.diagnosis,
        "insight": node.insight,
    }


def _print_json(value: object) -> int:
    print(msgspec.json.encode(value).decode())
    return 0
