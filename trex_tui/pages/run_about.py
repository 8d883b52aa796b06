"""What there is to say of one run in a few lines: what it does, how good it is, what it has cost, how it was set up."""

from __future__ import annotations

from pathlib import Path

from textual.content import Content

from engine.search.tree import ROOT
from trex_tui.model import format as fmt
from trex_tui.model.run_table import ends, leader, trials, word
from trex_tui.model.spending import time_said
from trex_tui.model.state import author, who_set
from trex_tui.model.store import RunView, Store
from trex_tui.pages.facts import Facts


def page(store: Store, run: str, now: float, report: Path, width: int) -> Content:
    """`report`: where its report lies or would lie; `width`: the cells there are."""
    view = store.runs[run]
    out = Facts(width)
    created = view.tree.created
    if created is None:
        out.text(f"{run} was asked for; the engine has not begun with it.")
        return out.content()
    out.heading(run, f"{fmt.clean(created.title)}, {fmt.state(word(view))}")
    out.fact("now", _now(store, view, run, now))
    out.fact("score", _score(view))
    out.fact("cost", _cost(view, now))
    by = f", asked for by {created.by}" if created.by else ""
    begun = f", begun {fmt.day(view.tree.started_at)}" if view.tree.begun else ""
    out.fact(
        "set up",
        f"policy {created.policy}, Researcher {created.researcher}, base model {created.base_model}, "
        f"seed {created.seed}, memory {created.memory}{by}{begun}",
    )
    out.fact("task", f"{created.task}: {created.task_path}")
    if view.over:
        out.fact("report", str(report))
    return out.content()


def _now(store: Store, view: RunView, run: str, now: float) -> str:
    """What it does, what it waits for, or why it ended."""
    tree, pulse = view.tree, store.pulse
    if view.over:
        return f"{view.word}: {tree.reason or 'no reason was given'}"
    if tree.stop_by:
        return f"ended by {tree.stop_by}; what is done is being judged"
    if view.paused:
        return f"paused: {tree.reason or 'by ' + author(who_set(tree, 'paused', ROOT))}; p lets it go on"
    if pulse is None:
        return store.link.text or "nobody works on it: the engine is not there"
    if pulse.run == run:
        since = f" for {fmt.duration(now - pulse.since)}" if pulse.since else ""
        end = ends(view, run, pulse, now)
        return f"{pulse.activity}{since}; " + (f"ends {end}" if end else "its end is not known yet")
    if run in pulse.queued:
        place = pulse.queued.index(run) + 1
        behind = f"number {place} in the queue" + (f", behind {pulse.run}" if pulse.run else "")
        return f"{behind}; the order is that in which they were asked for: p holds this one back, s takes it out"
    return "the engine has not taken it up yet"


def _score(view: RunView) -> str:
    tree, best = view.tree, leader(view)
    base = tree.score(ROOT)
    if best is None:
        return f"none yet; base {fmt.score(base)}" if base else "none yet"
    name = f"champion {tree.champion}" if tree.champion else f"best {view.best.id}" if view.best else "best"
    parts = [f"{name} {fmt.interval(best)}"]
    if base:
        gain = fmt.gain(best, base, tree.maximize)
        parts.append(f"base {fmt.interval(base)}, gain {gain}")
    if tree.champion:
        trial = tree.trial(tree.champion)
        judged = (("confirm", trial.confirm), ("test", trial.test))
        parts += [f"{split} {fmt.interval(score)}" for split, score in judged if score]
    return "; ".join([*parts, f"{tree.setup.metric}, {'higher' if tree.maximize else 'lower'} is better"])


def _cost(view: RunView, now: float) -> str:
    tree = view.tree
    done, failed = trials(tree)
    research = sum(tree.research_seconds.values())
    parts = [
        f"time {time_said(tree, now)}",
        f"{tree.rounds} of {fmt.plural(tree.limits.rounds, 'round')}",
        f"{fmt.plural(done, 'trial')} done" + (f", {failed} failed" if failed else ""),
        f"{fmt.duration(tree.device_seconds)} on the device" if tree.device_seconds else "",
        f"{fmt.duration(research)} of thinking" if research else "",
    ]
    return "; ".join(filter(None, parts))
