"""What a person's command means for the tree as it is now: whether it is too late, and what takes it back. Pure.

Not the commands themselves (`engine.steering`) and not what follows from them (`engine.search.decide`).
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from engine.search import events as ev
from engine.search.tree import ROOT, Deed, Tree, Trial

KEEP_BEST = 2  # times the candidates for champion


def conflict(tree: Tree, event: ev.AnyEvent, seen: int) -> Deed | None:
    """The newest deed after event number `seen` that the author of `event` has not seen and that it would meet.

    Flags and retries meet where one's node lies on the other's path; budgets meet budgets, and changes of one insight
    each other. 0 = nothing was on screen.
    """
    if not seen:
        return None
    later = (deed for deed in reversed(tree.deeds) if deed.seq > seen)
    return next((deed for deed in later if _meet(tree, deed.event, event)), None)


def _meet(tree: Tree, one: ev.AnyEvent, other: ev.AnyEvent) -> bool:
    if isinstance(one, ev.BudgetChanged) or isinstance(other, ev.BudgetChanged):
        return type(one) is type(other)
    if isinstance(one, ev.InsightChanged) and isinstance(other, ev.InsightChanged):
        return one.insight == other.insight
    branch = (ev.FlagSet, ev.Retried)
    if not (isinstance(one, branch) and isinstance(other, branch)):
        return False
    if one.node == other.node and one.trial and other.trial:
        return one.trial == other.trial
    return one.node in tree.path(other.node) or other.node in tree.path(one.node)


def last_undoable(tree: Tree, insight: str = "") -> Deed | None:
    """What `undo` takes back: the last thing that somebody did (to this insight, where one is named), that can be taken
    back and still holds."""
    deeds = (deed for deed in reversed(tree.deeds) if not insight or getattr(deed.event, "insight", "") == insight)
    return next((deed for deed in deeds if _holds(tree, deed.event)), None)


def _holds(tree: Tree, event: ev.AnyEvent) -> bool:
    match event:
        case ev.FlagSet(node=node, flag=flag, on=on, trial=trial):
            held = tree.trial(trial) if trial else tree.nodes[node]
            return (flag in held.flags) == on
        case ev.HintGiven(hint=hint):
            return hint in tree.hints
        case ev.HintWithdrawn(hint=hint):
            return hint not in tree.hints
        case ev.InsightChanged(insight=insight):
            now = tree.insight_changes.get(insight)
            return now is not None and _left(now) == _left(event)
        case ev.BudgetChanged(limits=limits):
            return tree.limits == limits
        case ev.Forked(node=node):
            return "pruned" not in tree.nodes[node].flags
    return False


def inverse(tree: Tree, deed: Deed, by: str) -> ev.AnyEvent:
    """The event that takes the deed back."""
    match deed.event:
        case ev.FlagSet(node=node, flag=flag, on=on, trial=trial):
            return ev.FlagSet(node=node, flag=flag, on=not on, by=by, trial=trial, undoes=deed.seq)
        case ev.HintGiven(hint=hint, node=node, text=text):
            return ev.HintWithdrawn(hint=hint, node=node, text=text, by=by, undoes=deed.seq)
        case ev.HintWithdrawn(hint=hint, node=node, text=text):
            return ev.HintGiven(hint=hint, node=node, text=text, by=by, undoes=deed.seq)
        case ev.InsightChanged(insight=insight):
            learned = ev.InsightChanged(insight=insight, by=by)
            before = deed.before if isinstance(deed.before, ev.InsightChanged) else learned
            return msgspec.structs.replace(before, by=by, undoes=deed.seq)
        case ev.BudgetChanged():
            limits = deed.before if isinstance(deed.before, ev.Limits) else tree.setup.limits
            return ev.BudgetChanged(limits=limits, by=by, undoes=deed.seq)
        case ev.Forked(node=node):
            return ev.FlagSet(node=node, flag="pruned", on=True, by=by, undoes=deed.seq)
    raise AssertionError("it has no inverse")


def _left(event: ev.InsightChanged) -> tuple[str, bool, bool]:
    """How the insight stands after it, whoever did it."""
    return event.text, event.pinned, event.deleted


def retriable(tree: Tree, node: str) -> list[Trial]:
    """Trials of the node that ended without a score, or whose judging on another split failed."""
    return [t for t in tree.nodes[node].trials.values() if t.state in ("failed", "cancelled") or (t.score and t.cause)]


def kept_best(tree: Tree) -> int:
    """How many of the best adapters the engine never removes by itself."""
    return KEEP_BEST * tree.setup.confirm_candidates


def collectable(tree: Tree) -> list[Trial]:
    """Trials whose adapters and checkpoints nobody will need: pruned ones first, then the worst.

    Kept: the champion and the candidates for it, the `kept_best`, what the report compares, what a person pinned,
    whatever is not finished and its ancestors.
    """
    sign = 1.0 if tree.maximize else -1.0
    trials = [t for n in tree.nodes.values() for t in n.trials.values() if t.config and not t.collected]
    needed = _needed(tree)

    def value(trial: Trial) -> float:
        return sign * trial.score.value if trial.score else -float("inf")

    free = [t for t in trials if t.attempts and t.id not in needed]
    return sorted(free, key=lambda t: (not tree.flagged(t.node, "pruned"), value(t), t.id))


def _needed(tree: Tree) -> set[str]:
    sign = 1.0 if tree.maximize else -1.0
    ranked = sorted(tree.scored(), key=lambda t: -sign * t.score.value if t.score else 0.0)
    needed = {t.id for t in ranked[: kept_best(tree)]} | {tree.champion}
    for node in tree.nodes.values():
        trials = node.trials.values()
        needed |= {t.id for t in trials if t.confirm or t.test or tree.holds(t.id, "pinned")}
        if node.direction == "baseline" and (best := node.best(tree.maximize)):
            needed.add(best.id)
        open_trials = [t for t in trials if t.state in ("queued", "running", "interrupted")]
        if not tree.over and open_trials and not tree.flagged(node.id, "pruned"):
            on_path = [t for name in tree.path(node.id) for t in tree.nodes[name].trials.values()]
            needed |= {t.id for t in on_path}
        needed |= {t.id for t in trials if t.state == "running"}
    return needed


def said(event: ev.AnyEvent) -> str:
    """A person's deed as a sentence: who did what."""
    who = getattr(event, "by", "") or "somebody"
    match event:
        case ev.FlagSet(node=node, flag=flag, on=on, trial=trial):
            undone = {"paused": "resumed", "pruned": "restored", "pinned": "unpinned"}
            what = trial or ("the run" if node == ROOT else node)
            return f"{who} {flag if on else undone[flag]} {what}"
        case ev.Forked(node=node, source=source):
            return f"{who} forked {source} as {node}"
        case ev.HintGiven(hint=hint, node=node, text=text):
            return f"{who} gave hint {hint} for {'the run' if node == ROOT else node}: {text}"
        case ev.HintWithdrawn(hint=hint, text=text):
            return f"{who} withdrew hint {hint}: {text}"
        case ev.InsightChanged():
            return f"{who} {_insight_said(event)}"
        case ev.Retried(node=node, trial=trial):
            return f"{who} has {trial or node} tried again"
        case ev.BudgetChanged(limits=limits):
            return f"{who} changed the budget to {limits_said(limits)}"
        case ev.Collected(trials=trials, bytes=size):
            return f"{who} removed the adapters of {len(trials)} trials ({size / 1e6:.0f} MB)"
        case ev.RunResumed():
            return f"{who} let the run go on"
        case ev.StopAsked():
            return f"{who} ended the search: what is done is confirmed, tested and reported"
    raise AssertionError("only deeds are said")


def _insight_said(event: ev.InsightChanged) -> str:
    name = f"insight {event.insight}"
    if event.deleted:
        return f"deleted {name}"
    match event.pinned, bool(event.text):
        case True, True:
            return f"left {name} pinned, with the words: {event.text}"
        case True, False:
            return f"pinned {name}"
        case False, True:
            return f"edited {name}: {event.text}"
    return f"left {name} as it was learned"


def limits_said(limits: ev.Limits) -> str:
    """`20 rounds, 40 trials, 8 h, until 07:00, 6 h on the device, 20 GB`."""
    parts = [f"{limits.rounds} rounds"]
    if limits.trials:
        parts.append(f"{limits.trials} trial{'s' if limits.trials > 1 else ''}")
    if limits.wall_seconds:
        parts.append(_hours(limits.wall_seconds))
    if limits.until:
        parts.append(f"until {datetime.fromtimestamp(limits.until):%d %b %H:%M}")
    if limits.device_seconds:
        parts.append(f"{_hours(limits.device_seconds)} on the device")
    if limits.disk_bytes:
        parts.append(f"{_bytes(limits.disk_bytes)} on the disk")
    return ", ".join(parts)


def _hours(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.3g} s"
    return f"{seconds / 3600:.3g} h" if seconds >= 3600 else f"{seconds / 60:.3g} min"


def _bytes(size: int) -> str:
    return f"{size / 1e9:.3g} GB" if size >= 1e8 else f"{size / 1e6:.3g} MB"
