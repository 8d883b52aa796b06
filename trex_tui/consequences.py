"""What an action would do, as sentences for the question that is asked before it. Pure."""

from __future__ import annotations

from engine.search import events as ev
from engine.search.steering import limits_said, said
from engine.search.tree import ROOT, Deed, Tree
from trex_tui.model.format import clean, clock, number, plural

STOPPING = (
    "What is done stays, what runs is cancelled, and the champion is chosen among what there is. "
    "A search that was stopped cannot go on; p pauses it instead."
)
CLEANING = (
    "Adapters and checkpoints of these trials are removed; scores, results and logs stay. This cannot be undone: "
    "only training again brings an adapter back."
)


def pruning(tree: Tree, node: str) -> str:
    """What pruning takes out of the search."""
    names = list(tree.subtree(node))
    trials = [trial for name in names for trial in tree.nodes[name].trials.values()]
    scored = [trial.score.value for trial in trials if trial.score is not None]
    running = [trial.id for trial in trials if trial.state == "running"]
    whole = f"{node} and {plural(len(names) - 1, 'node')} below it" if len(names) > 1 else node
    parts = [f"{whole} with {plural(len(trials), 'trial')} will not be chosen, counted or made champion."]
    if scored:
        parts.append(f"The best score among them is {number(max(scored) if tree.maximize else min(scored))}.")
    if running:
        parts.append(
            f"{', '.join(running)} is running in it and is ended now; restored, it goes on from its last checkpoint."
        )
    parts.append("Nothing is deleted: x on the same node restores it.")
    return " ".join(parts)


def undoing(deed: Deed, stopped_by: str = "") -> str:
    """What was done last, when, and what follows from taking it back. A stop is never undone: then that is said."""
    stop = f" {stopped_by} has ended the search; that stays so." if stopped_by else ""
    return f"At {clock(deed.time)} {clean(said(deed.event))}. Undone, {_undone(deed)}.{stop}"


def _undone(deed: Deed) -> str:
    match deed.event:
        case ev.FlagSet(node=node, flag=flag, on=on, trial=trial):
            what = trial or ("the search" if node == ROOT else node)
            lifted = {"paused": "goes on", "pruned": "is restored", "pinned": "is not pinned any more"}
            return f"{what} {lifted[flag] if on else f'is {flag} again'}"
        case ev.HintGiven(hint=hint):
            return f"{hint} holds no more"
        case ev.HintWithdrawn(hint=hint):
            return f"{hint} holds again"
        case ev.Forked(node=node):
            return f"{node} is pruned with all that has grown below it; nothing is deleted"
        case ev.InsightChanged(insight=insight):
            return f"{insight} stands as it did before that"
        case ev.BudgetChanged() if isinstance(deed.before, ev.Limits):
            return f"the run may spend {limits_said(deed.before)}, as before"
    return "it is as it was before"
