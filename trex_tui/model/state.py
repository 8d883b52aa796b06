"""What a node or a trial is called right now: its state, the flag that holds it, its phase, whether it is the best."""

from __future__ import annotations

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
    tree = view.tree
    if tree.flagged(name, "pruned"):
        return "pruned"
    state = tree.nodes[name].state
    if state not in ("done", "failed", "cancelled") and tree.flagged(name, "paused"):
        return "paused"
    return state


def is_best(view: RunView, name: str) -> bool:
    """Whether the node holds the champion, or the best score so far."""
    tree = view.tree
    if tree.champion:
        return tree.champion.split("t")[0] == name
    return view.best is not None and view.best.node == name


def best_word(view: RunView) -> str:
    return "champion" if view.tree.champion else "best"
