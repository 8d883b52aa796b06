"""What a node or a trial is called right now: its state, the flag that holds it, its phase, whether it is the best."""

from __future__ import annotations

from engine.search import events as ev
from engine.search.tree import ROOT, SETTLED, Deed, Node, Tree
from trex_tui.model.store import RunView


def phase(name: str, step: int, steps: int, judged: int, items: int) -> str:
    """What a trial's process does: `training 12/32`, `evaluating 100/300`, `loading`."""
    if name == "training" and steps:
        return f"training {step}/{steps}"
    if name == "evaluating" and items:
        return f"judging {judged}/{items}"
    return {"waiting_for_device": "waiting"}.get(name, name)


def state_word(view: RunView, name: str) -> str:
    """A node's state, or the flag that holds it now."""
    flags = view.inherited(name)
    if "pruned" in flags:
        return "pruned"
    node = view.tree.nodes[name]
    state = node.state
    if state in SETTLED:
        return state
    return "paused" if "paused" in flags or _all_held(node) else state


def _all_held(node: Node) -> bool:
    """Whether each trial that could go on is paused by itself."""
    waiting = [trial for trial in node.trials.values() if trial.state not in SETTLED]
    return bool(waiting) and all("paused" in trial.flags for trial in waiting)


def is_best(view: RunView, name: str) -> bool:
    """Whether the node holds the champion, or the best score so far."""
    tree = view.tree
    if tree.champion:
        return tree.champion.split("t")[0] == name
    return view.best is not None and view.best.node == name


def best_word(view: RunView) -> str:
    return "champion" if view.tree.champion else "best"


def held(tree: Tree) -> list[str]:
    """Nodes and trials that a person has paused and that are not settled otherwise; the run itself left out."""
    found: list[str] = []
    for node in tree.nodes.values():
        if "paused" in node.flags and node.id != ROOT and not tree.flagged(node.id, "pruned"):
            found.append(node.id)
        found += [t.id for t in node.trials.values() if "paused" in t.flags and t.state not in SETTLED]
    return found


def author(deed: Deed | None) -> str:
    """Who did it; "a person" where nobody knows."""
    return str(getattr(deed.event, "by", "") if deed else "") or "a person"


def who_set(tree: Tree, flag: ev.Flag, node: str, trial: str = "") -> Deed | None:
    """The deed by which a flag stands, where the tree remembers it."""
    for deed in reversed(tree.deeds):
        match deed.event:
            case ev.FlagSet(node=where, flag=which, on=True, trial=of) if (where, which, of) == (node, flag, trial):
                return deed
    return None
