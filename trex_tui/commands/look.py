"""Commands that look and change nothing in the search: runs, status, show, report, verify, export."""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path
from typing import Any

import msgspec

from engine.errors import BadInput
from engine.journal import Journal
from engine.search.tree import ROOT, ROOT_TRIAL, Node, Score, Tree, Trial
from trex_tui.commands.engine import state as engine_state
from trex_tui.commands.past import trees
from trex_tui.model.format import bar, day, duration, gain, interval, knobs, plural, score, state
from trex_tui.model.spending import counts, spending, time_said
from trex_tui.model.state import author, held, who_set


def runs(options: argparse.Namespace) -> int:
    """A line per run."""
    found = trees(options.space)
    if options.json:
        return print_json([_facts(name, tree) for name, tree in found.items()])
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
    """What is going on, in a few lines; or what has happened for some hours."""
    if options.since:
        from trex_tui.commands.since import since

        return since(options)
    found = trees(options.space)
    engine = engine_state(options.space)
    open_runs = [name for name, tree in found.items() if tree.state in ("running", "paused")]
    shown = open_runs or list(found)[-1:]
    if options.json:
        return print_json({"engine": engine == "running", "runs": [_facts(name, found[name]) for name in shown]})
    print(f"engine: {engine} ({options.space.home})")
    if not found:
        print("no runs yet; start one with: trex run movie_sentiment")
        return 0
    if open_runs and engine == "not running":
        print("        nobody works on these; `trex engine start` lets them go on")
    for name in shown:
        for text in _status_lines(name, found[name]):
            print(text)
    return 0


def word(tree: Tree) -> str:
    """A run's state in one word."""
    if tree.state == "running" and not tree.begun and not tree.paused:
        return "queued"
    return "paused" if tree.paused and tree.state == "running" else tree.state


def _status_lines(name: str, tree: Tree) -> list[str]:
    now = time.time()
    spent = {line.name: line.share for line in spending(tree, now, counts(tree))}
    timed = f"{bar(spent['wall'], 20)} " if math.isfinite(tree.allowed_seconds) else ""
    best, base = tree.best_trial(), tree.nodes["n0"].trials[ROOT_TRIAL]
    at_work = ", ".join(t.id for t in tree.running())
    return [
        f"{name}: {state(word(tree))}" + _reason(name, tree),
        f"time:  {timed}{time_said(tree, now)}",
        f"nodes: {tree.rounds} of {tree.limits.rounds} rounds{_forks(tree)}; at work: {at_work or 'no trial'}",
        *([f"held:  {', '.join(names)} paused; `trex resume {name} {names[0]}`"] if (names := held(tree)) else []),
        f"base:  {score(base.score)}",
        f"best:  {score(best.score)} in {best.id} ({gain(best.score, base.score, tree.maximize) or 'no'} over base)"
        if best
        else "best:  no score yet",
        *([_champion_said(tree.trial(tree.champion))] if tree.champion else []),
    ]


def _champion_said(trial: Trial) -> str:
    judged = [
        f"{split} {interval(found)}" for split, found in (("confirm", trial.confirm), ("test", trial.test)) if found
    ]
    return f"champion: {trial.id}: {', '.join(judged) or 'not judged again yet'}"


def _reason(name: str, tree: Tree) -> str:
    """Why the run stands still, and what lets it go on."""
    if not tree.paused or tree.over:
        return f" ({tree.reason})" if tree.reason else ""
    return f" ({tree.reason or 'by ' + author(who_set(tree, 'paused', ROOT))}); go on with `trex resume {name}`"


def _forks(tree: Tree) -> str:
    forks = sum(1 for node in tree.nodes.values() if node.forked_from)
    return f" and {plural(forks, 'fork')}" if forks else ""


def show(options: argparse.Namespace) -> int:
    """A run's tree, or one node or trial in full."""
    tree = one(options)
    if options.node:
        return _show_one(tree, options)
    if options.json:
        return print_json({**_facts(options.run, tree), "nodes": [_node_facts(tree, n) for n in tree.nodes.values()]})
    for text in (*_status_lines(options.run, tree), ""):
        print(text)
    for name in tree.subtree("n0"):
        node = tree.nodes[name]
        head = "  " * node.depth + name
        print(
            f"{head:14} {state('pruned' if tree.flagged(name, 'pruned') else node.state):14} "
            f"{_direction(node, 'base'):16} {score(tree.score(name)):16} "
            f"{gain(tree.score(name), tree.score(node.parent), tree.maximize) if name != 'n0' else '':8}"
            f"{node.plan.source if node.plan else ''}{_marks(node)}"
        )
    return 0


def _direction(node: Node, base: str) -> str:
    return node.direction or (base if node.id == ROOT else "not planned")


def _show_one(tree: Tree, options: argparse.Namespace) -> int:
    name = options.node
    trial = next((node.trials[name] for node in tree.nodes.values() if name in node.trials), None)
    if trial is None and name not in tree.nodes:
        last, near = len(tree.nodes) - 1, tree.nodes.get(name.partition("t")[0])
        trials = f"; trials of {near.id}: {', '.join(near.trials) or 'none yet'}" if near else ""
        raise BadInput(f"no node or trial `{name}` in {options.run}", hint=f"nodes: n0 to n{last}{trials}")
    if options.json:
        return print_json(msgspec.to_builtins(trial) if trial else _node_facts(tree, tree.nodes[name]))
    print("\n".join(trial_lines(tree, trial) if trial else _node_lines(tree, tree.nodes[name])))
    return 0


def trial_lines(tree: Tree, trial: Trial) -> list[str]:
    """What a trial was to be, what became of it, where its configuration differs from its node's first."""
    splits = {"validation": trial.score, "confirm": trial.confirm, "test": trial.test}
    flags = f" ({', '.join(sorted(trial.flags))})" if trial.flags else ""
    lines = [f"{trial.id}, of {trial.node}: {state(trial.state)}{flags}{f': {trial.cause}' if trial.cause else ''}"]
    lines += [f"{split:12} {interval(found)}, {found.items:,} rows" for split, found in splits.items() if found]
    if trial.seconds:
        took = f"{duration(trial.train_seconds)} of training, {duration(trial.evaluate_seconds)} of judging"
        whole = "" if trial.attempts < 2 else " in its last attempt; in all"  # the training is that of every attempt
        lines.append(f"took         {duration(trial.seconds)}{whole}: {took}; {trial.examples:,} examples")
    if trial.config is None:
        return [*lines, "the untouched base model"]
    first = next(iter(tree.nodes[trial.node].trials.values())).config
    usual = knobs(first) if first else {}
    for name, value in knobs(trial.config).items():
        other = f"   ({usual[name]} in the node's first trial)" if usual.get(name, value) != value else ""
        lines.append(f"{name:22} {value}{other}")
    return lines


def _marks(node: Node) -> str:
    """What people have said of a node: ` (paused; n3t1 pinned)`."""
    said = [
        *sorted(node.flags - {"pruned"}),
        *(f"{t.id} {flag}" for t in node.trials.values() for flag in sorted(t.flags)),
    ]
    return f" ({'; '.join(said)})" if said else ""


def _node_lines(tree: Tree, node: Node) -> list[str]:
    from engine.aidp.recipe import describe
    from engine.space import changed

    born = f"fork of {node.parent} by {node.by or 'a person'}" if node.forked_from else f"child of {node.parent}"
    lines = [f"{node.id} ({_direction(node, 'base model')}), {state(node.state)}, {born}{_marks(node)}"]
    path = tree.path(node.id)
    lines += [f"hint {h.hint} by {h.by or 'a person'}: {h.text}" for h in tree.hints.values() if h.node in path]
    if node.plan:
        lines += [f"plan by {node.plan.source}: {node.plan.hypothesis}", f"recipe: {describe(node.plan.recipe)}"]
        if node.plan.insights_named:
            lines.append(f"builds on: {', '.join(node.plan.insights_named)}")
    if node.rows is not None:
        lines.append(f"rows: {node.rows:,} (dropped {', '.join(f'{op} {n:,}' for op, n in node.dropped) or 'none'})")
    baseline = next((n for n in tree.nodes.values() if n.direction == "baseline" and n.plan), None)
    base = baseline.plan.trials[0] if baseline and baseline.plan else None
    for trial in node.trials.values():
        lines.append(f"{trial.id}: {state(trial.state)} {interval(trial.score)} {trial.cause}".rstrip())
        if trial.config is None:
            lines.append("    the base model as it is")
        elif base and node is not baseline:
            lines.append(f"    against the baseline: {changed(base, trial.config)}")
        lines += [f"    {split}: {interval(s)}" for split, s in (("confirm", trial.confirm), ("test", trial.test)) if s]
    lines += [f"{name}: {text}" for name, text in (("diagnosis", node.diagnosis), ("insight", node.insight)) if text]
    if node.why:
        terms = sorted(node.why, key=lambda t: -t.total)
        lines.append(
            "why here: " + "; ".join(f"{t.node} {t.value:.2f} + {t.exploration:.2f} = {t.total:.2f}" for t in terms)
        )
    return lines


def report(options: argparse.Namespace) -> int:
    """Write the report again."""
    from engine.report.make import make_report

    one(options)
    markdown, html = make_report(options.space, options.run)
    print(f"{markdown}\n{html}")
    return 0


def verify(options: argparse.Namespace) -> int:
    """Compute every score again; exit code 1 where one differs."""
    from engine.report.verify import verify as check

    tree = one(options)
    journal = Journal.open_read_only(options.space.journal)
    try:
        lines = check(journal.records(run=options.run), options.space.run(options.run), Path(tree.setup.splits))
    finally:
        journal.close()
    if options.json:
        print_json(lines)
    else:
        for entry in lines:
            print(entry.text)
    return 0 if all(entry.ok for entry in lines) else 1


def export(options: argparse.Namespace) -> int:
    """Take an adapter out."""
    from engine.export import export_adapter

    tree = one(options)
    trial = trial_of(tree, options.node or tree.champion, options.run)
    journal = Journal.open_read_only(options.space.journal)
    try:
        target = export_adapter(
            options.space.run(options.run), trial, options.to, list(journal.records(run=options.run))
        )
    finally:
        journal.close()
    print(target)
    return 0


def trial_of(tree: Tree, name: str, run: str) -> str:
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


def one(options: argparse.Namespace) -> Tree:
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
        "champion_scores": _champion_scores(tree),
        "limits": tree.limits,
        "hints": list(tree.hints.values()),
    }


def _champion_scores(tree: Tree) -> dict[str, Score | None] | None:
    trial = tree.trial(tree.champion) if tree.champion else None
    return {"validation": trial.score, "confirm": trial.confirm, "test": trial.test} if trial else None


def _node_facts(tree: Tree, node: Node) -> dict[str, Any]:
    return {
        "node": node.id,
        "parent": node.parent,
        "state": node.state,
        "direction": node.direction,
        "flags": sorted(node.flags),
        "forked_from": node.forked_from,
        "by": node.by,
        "plan": node.plan,
        "rows": node.rows,
        "score": tree.score(node.id),
        "trials": [msgspec.to_builtins(trial) for trial in node.trials.values()],
        "why": node.why,
        "diagnosis": node.diagnosis,
        "insight": node.insight,
    }


def print_json(value: object) -> int:
    print(msgspec.json.encode(value).decode())
    return 0
