"""The morning report: what happened in a run since a moment, and what it needs. Pure; no widgets, no clock.

Not the report of a run (`engine.report`), which is written once, at its end, and proves what it says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Literal, NamedTuple

from engine.search import events as ev
from engine.search.tree import ROOT, Tree, Trial
from trex_tui.model import agenda
from trex_tui.model import format as fmt
from trex_tui.model.spending import time_said
from trex_tui.model.store import Line, RunView

Tone = Literal["", "good", "bad", "quiet"]
MOST = 12  # nodes that are listed
LESSONS, CAUSES = 8, 6
LONG = 220  # cells of a sentence of a model


class Said(NamedTuple):
    """One line; `tone` says how it is drawn."""

    text: str
    tone: Tone = ""


class Section(NamedTuple):
    title: str
    lines: tuple[Said, ...]


class Digest(NamedTuple):
    """What is said of one run."""

    head: str
    sections: tuple[Section, ...]


def digest(run: str, view: RunView, since: float, now: float) -> Digest:
    """What happened after `since` (Unix seconds; 0 = everything)."""
    tree, fresh = view.tree, tuple(_since(view, since))
    when = f"since {fmt.day(since)}, {fmt.duration(now - since)} ago" if since else "since the beginning"
    titled = (
        ("Needs you", _needs(view, fresh)),
        ("Best so far", _best(view, fresh)),
        ("Tried", _tried(tree, fresh)),
        ("Learned", _learned(fresh)),
        ("Failed", _failed(fresh)),
        ("Cost", _cost(tree, fresh, since, now)),
        ("Next", [Said(text) for text in agenda.upcoming(tree, now)]),
    )
    found = tuple(Section(title, tuple(lines)) for title, lines in titled if lines)
    return Digest(f"{fmt.clean(tree.setup.task)} ({run}), {fmt.state(view.word)}, {when}", found)


def _since(view: RunView, since: float) -> Iterator[ev.Record]:
    return (line for line in view.log.lines if not isinstance(line, Line) and line.time > since)


def _needs(view: RunView, fresh: tuple[ev.Record, ...]) -> list[Said]:
    """What waits for a person. An end is news once."""
    tree = view.tree
    found = []
    if view.word == "paused":
        found.append(Said(f"it is paused: {fmt.clean(tree.reason) or 'by a person'}; p goes on", "bad"))
    if tree.state == "failed":
        found.append(Said(f"it has failed: {fmt.clean(tree.reason)}", "bad"))
    if tree.machine_causes and not view.over:
        found.append(Said(f"the machine failed: {fmt.clean(tree.machine_causes[-1])}", "bad"))
    if tree.state in ("done", "stopped") and any(isinstance(record.event, ev.RunEnded) for record in fresh):
        found.append(Said(f"it has ended ({fmt.clean(tree.reason)}): o shows its report", "good"))
    return found


def _best(view: RunView, fresh: tuple[ev.Record, ...]) -> list[Said]:
    tree = view.tree
    leader = tree.trial(tree.champion) if tree.champion else view.best
    if leader is None or leader.score is None:
        return [Said("no score yet", "quiet")]
    name = "champion" if tree.champion else "best"
    base = fmt.gain(leader.score, tree.score(ROOT), tree.maximize) if leader.node != ROOT else ""
    lines = [
        Said(
            f"{name} {leader.id} {fmt.interval(leader.score)}" + (f", {base} against the base model" if base else ""),
            "good",
        )
    ]
    finished = {record.event.trial for record in fresh if isinstance(record.event, ev.Finished)}
    before = _best_of([trial for trial in tree.scored() if trial.id not in finished], tree)
    if before is None or before.score is None:
        return lines
    if before.id == leader.id:
        return [*lines, Said("nothing better since then", "quiet")]
    noise = before.score.low <= leader.score.value <= before.score.high
    gained = fmt.gain(leader.score, before.score, tree.maximize)
    then = f"it was {before.id} {fmt.interval(before.score)}: {gained} since then"
    return [*lines, Said(then + (", within its interval" if noise else ""), "quiet" if noise else "good")]


def _best_of(trials: list[Trial], tree: Tree) -> Trial | None:
    sign = 1.0 if tree.maximize else -1.0
    return max(trials, key=lambda t: sign * t.score.value if t.score else 0.0, default=None)


def _tried(tree: Tree, fresh: tuple[ev.Record, ...]) -> list[Said]:
    """A line per node in which a trial ended, the best first."""
    ended = (ev.Finished, ev.Failed)
    names = dict.fromkeys(r.event.node for r in fresh if isinstance(r.event, ended) and r.event.node != ROOT)
    sign = -1.0 if tree.maximize else 1.0
    scored = sorted(names, key=lambda n: sign * score.value if (score := tree.score(n)) else float("inf"))
    lines = [_node(tree, name) for name in scored[:MOST]]
    rest = len(scored) - MOST
    return [*lines, Said(f"and {fmt.plural(rest, 'node')} more", "quiet")] if rest > 0 else lines


def _node(tree: Tree, name: str) -> Said:
    node, score = tree.nodes[name], tree.score(name)
    what = node.direction or "plan"
    why = f": {fmt.cut(fmt.clean(node.plan.hypothesis), LONG)}" if node.plan else ""
    if score is None:
        return Said(f"{name} {what}, no score{why}", "bad")
    gained = fmt.gain(score, tree.score(node.parent), tree.maximize)
    return Said(f"{name} {what} {fmt.score(score)}, {gained or 'no gain known'} against {node.parent}{why}")


def _learned(fresh: tuple[ev.Record, ...]) -> list[Said]:
    texts = dict.fromkeys(
        fmt.cut(fmt.clean(record.event.text), LONG) for record in fresh if isinstance(record.event, ev.Learned)
    )
    lines = [Said(text) for text in list(texts)[-LESSONS:]]
    rest = len(texts) - LESSONS
    return [*lines, Said(f"and {rest} more; i shows all", "quiet")] if rest > 0 else lines


def _failed(fresh: tuple[ev.Record, ...]) -> list[Said]:
    """Causes with their counts, the most frequent first."""
    failures = [record.event for record in fresh if isinstance(record.event, ev.Failed)]
    causes = Counter(f"{fmt.clean(event.cause)} ({event.kind})" for event in failures if event.kind != "cancelled")
    where = {f"{fmt.clean(event.cause)} ({event.kind})": event.trial or event.node for event in failures}
    return [
        Said(f"{where[cause]}: {cause}" if count == 1 else f"{count} times: {cause}", "bad")
        for cause, count in causes.most_common(CAUSES)
    ]


def _cost(tree: Tree, fresh: tuple[ev.Record, ...], since: float, now: float) -> list[Said]:
    thought = sum(record.event.seconds for record in fresh if isinstance(record.event, ev.Asked))
    idle = sum(record.event.idle_seconds for record in fresh if isinstance(record.event, ev.Adopted))
    used = tree.device_seconds if not since else device_seconds(tree, fresh, since, now)
    lines = [Said(f"{time_said(tree, now)} in all; the device worked for {fmt.duration(used)}")]
    if thought:
        lines.append(Said(f"the Researcher thought for {fmt.duration(thought)}"))
    if idle >= 60:
        lines.append(Said(f"no engine was at work for {fmt.duration(idle)}", "bad"))
    return lines


def device_seconds(tree: Tree, fresh: tuple[ev.Record, ...], since: float, now: float) -> float:
    """Seconds after `since` in which a trial had a process."""
    begun: dict[tuple[str, str], float] = {}
    spent = 0.0
    for record in fresh:
        if isinstance(record.event, ev.Launched):
            begun[record.event.trial, record.event.split] = record.time
        elif key := _ended(record.event):
            spent += record.time - begun.pop(key, since)  # what had begun before counts from then on
    return spent + sum(now - max(since, trial.launched_at) for trial in tree.running())


def _ended(event: ev.AnyEvent) -> tuple[str, str] | None:
    """The trial and the split whose process this event ended."""
    match event:
        case ev.Finished(reused=False):
            return event.trial, "validation"
        case ev.Failed(kind="idea" | "resource" | "machine") | ev.Interrupted() if event.trial:
            return event.trial, event.split
        case ev.Confirmed():
            return event.trial, "confirm"
        case ev.Tested():
            return event.trial, "test"
        case _:
            return None
