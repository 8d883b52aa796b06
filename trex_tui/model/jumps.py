"""Where a jump goes: the best node, what runs, what comes next. Pure; a sentence where there is nowhere to go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from engine.search.tree import ROOT, SETTLED, Node
from trex_tui.model.agenda import why_next
from trex_tui.model.state import best_word
from trex_tui.model.store import RunView

Goal = Literal["best", "running", "next"]


class Nowhere(str):
    """Why there is no such node now, in one sentence."""


def target(view: RunView, goal: Goal, here: str) -> str | Nowhere:
    """The node to go to; where there are several, the one after `here`."""
    match goal:
        case "best":
            return _best(view)
        case "running":
            return _after(here, _running(view)) or Nowhere(f"nothing runs now: the search is {view.word}")
        case "next":
            return _after(here, waiting(view)) or Nowhere(_why_none_waits(view))


def _best(view: RunView) -> str | Nowhere:
    tree = view.tree
    name = tree.champion.split("t")[0] if tree.champion else view.best.node if view.best else ""
    return name or Nowhere(f"there is no {best_word(view)} yet: nothing has a score")


def _running(view: RunView) -> list[str]:
    """Nodes with a trial at work, or one that is judged again for the end."""
    found = dict.fromkeys(trial.node for trial in view.running)
    if view.tree.judging is not None:
        found[view.tree.judging.trial.split("t")[0]] = None
    return list(found)


def waiting(view: RunView) -> list[str]:
    """Nodes with something still to be tried, in the order in which the engine takes them up."""
    if view.over:
        return []
    open_nodes = [node for node in view.tree.nodes.values() if _waits(view, node)]
    return [node.id for node in sorted(open_nodes, key=lambda n: (n.state != "interrupted", not n.first))]


def _waits(view: RunView, node: Node) -> bool:
    if node.id == ROOT or node.failed or (node.trials and node.state in SETTLED):
        return False
    idle = not node.trials or any(_can_start(trial.state, trial.flags) for trial in node.trials.values())
    return idle and not view.inherited(node.id) & {"paused", "pruned"}


def _can_start(state: str, flags: frozenset[str]) -> bool:
    return state in ("queued", "interrupted") and "paused" not in flags


def _after(here: str, names: Sequence[str]) -> str:
    """The name behind `here`, round and round; "" where there is none."""
    if not names:
        return ""
    return names[(names.index(here) + 1) % len(names)] if here in names else names[0]


def _why_none_waits(view: RunView) -> str:
    if view.over:
        return f"nothing comes next: the search is {view.word}"
    if view.tree.champion or view.tree.stop_by:
        return "nothing new comes next: the best are being confirmed and tested"
    found = why_next(view.tree)
    where = f"the next round would be {found}" if found else "and the policy cannot grow anywhere"
    return f"nothing is queued; {where}, as things stand"
