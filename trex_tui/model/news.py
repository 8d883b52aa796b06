"""Which events are worth calling somebody for: done, failed, better than ever, needs you. Pure.

What is replayed when the interface opens is history, never news; who says which is which is `trex_tui.attention`.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from engine.search import events as ev
from engine.search.tree import ROOT
from trex_tui.model import format as fmt
from trex_tui.model.store import Line, RunView

Kind = Literal["done", "failed", "better", "needs you"]


class News(NamedTuple):
    """One sentence, and what sort of news it is."""

    kind: Kind
    text: str


def since(run: str, view: RunView, seen: int) -> list[News]:
    """The news among the records above number `seen`, oldest first."""
    fresh: list[ev.Record] = []
    for line in reversed(view.log.lines):
        if isinstance(line, Line):
            continue
        if line.seq <= seen:
            break
        fresh.append(line)
    told = (_news(run, view, record.event) for record in reversed(fresh))
    return [news for news in told if news is not None]


def _news(run: str, view: RunView, event: ev.AnyEvent) -> News | None:
    match event:
        case ev.RunEnded(state="failed"):
            return News("failed", f"{run} has failed: {fmt.clean(event.reason)}")
        case ev.RunEnded():
            return News("done", f"{run} is {event.state}: {_best(view)}")
        case ev.RunPaused(by="engine"):
            return News("needs you", f"{run} is paused: {fmt.clean(event.reason)}")
        case ev.Failed(trial="", kind=kind) if kind != "machine":
            return News("failed", f"{event.node} of {run} has failed: {fmt.clean(event.cause)}")
        case ev.Finished(trial=trial) if _better(view, trial):
            return News("better", f"{trial} of {run} is better than all before: {_best(view)}")
        case _:
            return None


def _better(view: RunView, trial: str) -> bool:
    """Whether the trial is the best now. The base model, which every trial is compared with, is no news."""
    best = view.best
    return best is not None and best.id == trial and best.node != ROOT


def _best(view: RunView) -> str:
    tree = view.tree
    leader = tree.trial(tree.champion) if tree.champion else view.best
    if leader is None or leader.score is None:
        return "no score"
    gained = fmt.gain(leader.score, tree.score(ROOT), tree.maximize) if leader.node != ROOT else ""
    return f"{tree.setup.metric} {fmt.score(leader.score)}" + (f", {gained} against the base model" if gained else "")


def title(run: str, view: RunView | None, word: str) -> str:
    """What stands in the terminal's title: the best and the state, the task last."""
    if view is None or view.tree.created is None:
        return f"TREX {word}".rstrip()
    leader = view.tree.trial(view.tree.champion) if view.tree.champion else view.best
    best = f" {fmt.number(leader.score.value)}" if leader and leader.score else ""
    state = f"{fmt.GLYPHS.get(view.word, '')} {view.word}" if not word else f"! {word}"
    return fmt.clean(f"TREX{best} {state} {view.tree.setup.task} {run}")
