"""What a person can do to a search: pure decisions from what is selected to a message, or to the reason why not.

Not keys (`trex_tui.keymap`) and not sending (`trex_tui.client`). The engine has the last word: what is decided here
saves the person a refusal, and the key bar a key that would do nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from engine.control import protocol as p
from engine.search import events as ev
from engine.search.steering import last_undoable, retriable
from engine.search.tree import ROOT, SETTLED, Tree, Trial
from trex_tui import consequences
from trex_tui.decisions import Ask as Ask
from trex_tui.decisions import AskAll as AskAll
from trex_tui.decisions import Decision as Decision
from trex_tui.decisions import Open as Open
from trex_tui.decisions import Refusal as Refusal
from trex_tui.decisions import Selection as Selection
from trex_tui.decisions import person as person
from trex_tui.model.store import RunView, Store

NO_RUN = "there is no search yet; n starts one"
ENDED = "the search has ended; n starts a new one"
CLOSING = "nothing new is tried any more: the best are being confirmed and tested"
RECORDING = "this is a recording; there is no engine to steer, and no model"


def pause_run(store: Store, at: Selection) -> Decision:
    """Pause the whole search, or let it go on."""
    view = _open(store, at)
    if isinstance(view, Refusal):
        return view
    return _flag(view, at._replace(node=ROOT, trial=""), "paused", not view.paused)


def pause_branch(store: Store, at: Selection) -> Decision:
    """Pause the selected node and what is below it, or resume it."""
    if at.node == ROOT:
        return pause_run(store, at)
    view = _open(store, at)
    if isinstance(view, Refusal):
        return view
    if above := _flagged_above(view.tree, at.node, "paused"):
        return Refusal(f"{at.node} is paused with {above}; resume {above}")
    return _flag(view, at._replace(trial=""), "paused", "paused" not in view.tree.nodes[at.node].flags)


def pause_trial(store: Store, at: Selection) -> Decision:
    """Pause the trial on show, or let it go on."""
    if at.node == ROOT:
        return pause_run(store, at)
    view = _open(store, at)
    if isinstance(view, Refusal):
        return view
    if not at.trial:
        return Refusal(f"{at.node} has no trial yet; b pauses the branch")
    trial = view.tree.trial(at.trial)
    if "paused" not in trial.flags and trial.state in SETTLED:
        return Refusal(f"{trial.id} has ended ({trial.state}); t shows the node's other trials")
    return _flag(view, at, "paused", "paused" not in trial.flags)


def prune(store: Store, at: Selection) -> Decision:
    """Prune the selected branch (asks first), or restore it."""
    view = _open(store, at)
    if isinstance(view, Refusal):
        return view
    if at.node == ROOT:
        return Refusal("n0 is the base model, which everything grows from; prune one of its children")
    if above := _flagged_above(view.tree, at.node, "pruned"):
        return Refusal(f"{at.node} was pruned with {above}; restore {above}")
    branch = at._replace(trial="")
    if "pruned" in view.tree.nodes[at.node].flags:
        return _flag(view, branch, "pruned", False)
    explain = partial(consequences.pruning, view.tree, at.node)
    return Ask(f"Prune {at.node}?", explain, _flag(view, branch, "pruned", True))


def pin(store: Store, at: Selection) -> Decision:
    """Keep the adapter of the trial on show whatever is cleaned, or no longer. After the end too."""
    view = _reachable(store, at)
    if isinstance(view, Refusal):
        return view
    if at.node == ROOT or not at.trial:
        return Refusal(f"{at.node} has no adapter that could be kept")
    if view.tree.flagged(at.node, "pinned"):
        return Refusal(f"{at.node} is pinned as a whole; `trex unpin {at.run} {at.node}` lifts that")
    return _flag(view, at, "pinned", "pinned" not in view.tree.trial(at.trial).flags)


def retry(store: Store, at: Selection) -> Decision:
    """Try again what failed or was cancelled in the selected node."""
    view = _open(store, at)
    if isinstance(view, Refusal):
        return view
    tree, node = view.tree, view.tree.nodes[at.node]
    again = retriable(tree, at.node)
    if not node.failed and not again:
        return Refusal(f"nothing in {at.node} has failed; F tries a variation of it")
    if _closing(tree) and not any(trial.score for trial in again):
        return Refusal(CLOSING)
    if tree.flagged(at.node, "pruned"):
        return Refusal(f"{at.node} is pruned; restore it first")
    return p.Retry(id=0, run=at.run, node=at.node, by=person(), seen=tree.last_seq)


def undo(store: Store, at: Selection) -> Decision:
    """Take back the last thing that somebody did (asks first: it may be somebody else's)."""
    view = _reachable(store, at)
    if isinstance(view, Refusal):
        return view
    deed = last_undoable(view.tree)
    if deed is None:
        stopped = f"{view.tree.stop_by} has ended the search, which cannot be taken back"
        return Refusal(stopped if view.tree.stop_by else "nobody has done anything here that could be taken back")
    lasting = isinstance(deed.event, ev.InsightChanged) or getattr(deed.event, "flag", "") == "pinned"
    if view.over and not lasting:
        return Refusal(ENDED)
    command = p.Undo(id=0, run=at.run, by=person(), seen=view.tree.last_seq)
    return Ask("Take this back?", partial(consequences.undoing, deed, view.tree.stop_by), command)


def fork(store: Store, at: Selection) -> Decision:
    """Try the trial on show again, with edits."""
    view = _growing(store, at)
    if isinstance(view, Refusal):
        return view
    if view.tree.flagged(at.node, "pruned"):
        return Refusal(f"{at.node} is pruned; restore it first")
    if at.node != ROOT and view.tree.nodes[at.node].plan is None:
        return Refusal(f"{at.node} has no plan yet; fork {view.tree.nodes[at.node].parent}, or wait")
    return Open("fork", at)


def hint(store: Store, at: Selection) -> Decision:
    """Advise the Researcher."""
    view = _growing(store, at)
    return view if isinstance(view, Refusal) else Open("hint", at)


def change_budget(store: Store, at: Selection) -> Decision:
    """Look at what the run may spend, and change it."""
    view = _growing(store, at)
    return view if isinstance(view, Refusal) else Open("budget", at)


def clean(store: Store, at: Selection) -> Decision:
    """Remove what nobody needs any more, after a preview."""
    view = _reachable(store, at)
    return view if isinstance(view, Refusal) else Open("clean", at)


def stop(store: Store, at: Selection) -> Decision:
    """End the search now (asks first)."""
    view = _open(store, at)
    if isinstance(view, Refusal):
        return view
    if view.tree.stop_by:
        return Refusal(f"{view.tree.stop_by} has ended the search already; what is done is being judged")
    if _closing(view.tree):
        return Refusal(CLOSING)
    return Ask(f"Stop the search {at.run}?", lambda: consequences.STOPPING, p.StopRun(id=0, run=at.run, by=person()))


def edit(store: Store, at: Selection) -> Decision:
    """As `fork`, in the person's own editor."""
    decision = fork(store, at)
    return Open("edit", at) if isinstance(decision, Open) else decision


def report(store: Store, at: Selection) -> Decision:
    """The report: of how far the search is, or of how it ended."""
    view = _here(store, at)
    if isinstance(view, Refusal):
        return view
    return Open("report", at) if view.tree.created else Refusal(f"{at.run} has not begun; there is nothing to report")


def export(store: Store, at: Selection) -> Decision:
    """Take an adapter out of the workspace: that of the trial on show, or the champion's."""
    view = _here(store, at)
    if isinstance(view, Refusal):
        return view
    missing = no_adapter(view.tree, at)
    return Refusal(missing) if missing and not view.tree.champion else Open("export", at)


def chat(store: Store, at: Selection) -> Decision:
    """Talk to the trial on show, or to the base model."""
    view = _here(store, at)
    if isinstance(view, Refusal):
        return view
    missing = "" if at.node == ROOT else no_adapter(view.tree, at)
    return Refusal(f"{missing}; on n0 this key talks to the base model") if missing else Open("chat", at)


def no_adapter(tree: Tree, at: Selection) -> str:
    """Why there is no adapter of the trial on show; "" where there should be one."""
    if at.node == ROOT:
        return "n0 is the base model, which has no adapter"
    if not at.trial:
        return f"{at.node} has no trial yet"
    trial: Trial = tree.trial(at.trial)
    if trial.collected:
        return f"the adapter of {trial.id} was cleaned away; only training again brings it back"
    return "" if trial.score else f"{trial.id} has no adapter ({trial.state})"


STEERING: dict[str, Callable[[Store, Selection], Decision]] = {
    "pause_run": pause_run,
    "pause_branch": pause_branch,
    "pause_trial": pause_trial,
    "prune": prune,
    "pin": pin,
    "retry": retry,
    "undo": undo,
    "fork": fork,
    "edit": edit,
    "hint": hint,
    "budget": change_budget,
    "clean": clean,
    "stop": stop,
    "report": report,
    "export": export,
    "chat": chat,
}
"""Every action on what is selected, by the name that its key has in `steer('...')`."""


def _flag(view: RunView, at: Selection, flag: ev.Flag, on: bool) -> p.SetFlag:
    return p.SetFlag(
        id=0, run=at.run, node=at.node, trial=at.trial, flag=flag, on=on, by=person(), seen=view.tree.last_seq
    )


def _flagged_above(tree: Tree, node: str, flag: ev.Flag) -> str:
    """The nearest ancestor below the root that carries the flag."""
    return next((name for name in reversed(tree.path(node)[1:-1]) if flag in tree.nodes[name].flags), "")


def _closing(tree: Tree) -> bool:
    return bool(tree.champion or tree.stop_by)


def _growing(store: Store, at: Selection) -> RunView | Refusal:
    """The run, where something new may still be tried in it."""
    view = _open(store, at)
    return Refusal(CLOSING) if isinstance(view, RunView) and _closing(view.tree) else view


def _open(store: Store, at: Selection) -> RunView | Refusal:
    """The run, where it goes on and its engine can be reached."""
    view = _known(store, at)
    if isinstance(view, Refusal):
        return view
    return Refusal(ENDED) if view.over and store.link.kind != "past" else _reachable(store, at)


def _reachable(store: Store, at: Selection) -> RunView | Refusal:
    """The run, where its engine can be reached."""
    view = _here(store, at)
    if isinstance(view, RunView) and store.read_only:
        return Refusal(store.read_only)
    if isinstance(view, Refusal) or store.link.kind == "live":
        return view
    return Refusal(store.link.text or "not connected to the engine yet")


def _here(store: Store, at: Selection) -> RunView | Refusal:
    """The run, where its files are on this machine; no engine is needed."""
    view = _known(store, at)
    return Refusal(RECORDING) if isinstance(view, RunView) and store.link.kind == "replay" else view


def _known(store: Store, at: Selection) -> RunView | Refusal:
    """The run, where it and the node are understood."""
    view = store.runs.get(at.run)
    if view is None:
        return Refusal(NO_RUN)
    if store.unreadable or at.node not in view.tree.nodes:
        return Refusal(store.unreadable or f"{at.node} is not there yet")
    return view
