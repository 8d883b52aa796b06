"""What a person can do to a search: pure decisions from what is selected to a message, or to the reason why not.

Not keys (`trex_tui.keymap`) and not sending (`trex_tui.client`).
"""

from __future__ import annotations

import getpass
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from engine.control import protocol as p
from engine.search.tree import ROOT, Tree
from trex_tui.model.format import number, plural
from trex_tui.model.store import RunView, Store

NO_RUN = "there is no search yet; n starts one"
ENDED = "the search has ended; n starts a new one"


@dataclass(frozen=True)
class Refusal:
    """Why an action cannot be done now, as one sentence."""

    text: str


@dataclass(frozen=True)
class Ask:
    """A command that is sent only after a person has said yes. `detail` says what it costs."""

    question: str
    detail: str
    command: p.Command


Decision = p.Command | Ask | Refusal


def person() -> str:
    """Who is at the keyboard, for the journal."""
    try:
        return getpass.getuser()[:200]
    except (OSError, KeyError):
        return "somebody"


def pause_run(store: Store, run: str) -> Decision:
    """Pause the whole search, or let it go on."""
    view = store.runs.get(run)
    if problem := _closed(store, view):
        return problem
    assert view is not None
    return _flag(run, ROOT, "paused", not view.paused)


def pause_branch(store: Store, run: str, node: str) -> Decision:
    """Pause the selected node and what is below it, or resume it."""
    view = store.runs.get(run)
    if problem := _closed(store, view):
        return problem
    assert view is not None
    if node == ROOT:
        return _flag(run, ROOT, "paused", not view.paused)
    above = _flagged_above(view.tree, node, "paused")
    if above:
        return Refusal(f"{node} is paused with {above}; resume {above}")
    return _flag(run, node, "paused", "paused" not in view.tree.nodes[node].flags)


def prune(store: Store, run: str, node: str) -> Decision:
    """Prune the selected branch (asks first), or restore it."""
    view = store.runs.get(run)
    if problem := _closed(store, view):
        return problem
    assert view is not None
    if node == ROOT:
        return Refusal("n0 is the base model, which everything grows from; prune one of its children")
    above = _flagged_above(view.tree, node, "pruned")
    if above:
        return Refusal(f"{node} was pruned with {above}; restore {above}")
    if "pruned" in view.tree.nodes[node].flags:
        return _flag(run, node, "pruned", False)
    return Ask(f"Prune {node}?", what_dies(view.tree, node), _flag(run, node, "pruned", True))


def stop(store: Store, run: str) -> Decision:
    """End the search now (asks first)."""
    view = store.runs.get(run)
    if problem := _closed(store, view):
        return problem
    assert view is not None
    if view.tree.stop_by:
        return Refusal(f"{view.tree.stop_by} has ended the search already; what is done is being judged")
    detail = (
        "What is done stays, what runs is cancelled, and the champion is chosen among what there is. "
        "A search that was stopped cannot go on; p pauses it instead."
    )
    return Ask(f"Stop the search {run}?", detail, p.StopRun(id=0, run=run, by=person()))


def report(store: Store, run: str, folder: Path) -> Path | Ask | Refusal:
    """The report's file, or the question whether to write it."""
    for name in ("report.html", "report.md"):
        if (folder / name).is_file():
            return folder / name
    view = store.runs.get(run)
    if view is None:
        return Refusal(NO_RUN)
    if not view.over:
        return Refusal("the report is written when the search ends")
    if problem := _unreachable(store):
        return problem
    detail = (
        "The base model, the baseline and the champion are judged on the sealed test split; the opening is recorded."
    )
    return Ask(f"Write the report of {run}?", detail, p.MakeReport(id=0, run=run, by=person()))


def what_dies(tree: Tree, node: str) -> str:
    """What pruning takes out of the search, as sentences."""
    names = list(tree.subtree(node))
    trials = [trial for name in names for trial in tree.nodes[name].trials.values()]
    scored = [trial.score.value for trial in trials if trial.score is not None]
    running = [trial.id for trial in trials if trial.state == "running"]
    whole = f"{node} and {plural(len(names) - 1, 'node')} below it" if len(names) > 1 else node
    parts = [f"{whole} with {plural(len(trials), 'trial')} will not be chosen, counted or made champion."]
    if scored:
        parts.append(f"The best score among them is {number(max(scored) if tree.maximize else min(scored))}.")
    if running:
        parts.append(f"{', '.join(running)} is running in it.")
    parts.append("Nothing is deleted: x on the same node restores it.")
    return " ".join(parts)


def _flag(run: str, node: str, flag: str, on: bool) -> p.SetFlag:
    return p.SetFlag(id=0, run=run, node=node, flag=flag, on=on, by=person())


def _flagged_above(tree: Tree, node: str, flag: str) -> str:
    """The nearest ancestor below the root that carries the flag."""
    return next((name for name in reversed(tree.path(node)[1:-1]) if flag in tree.nodes[name].flags), "")


def _closed(store: Store, view: RunView | None) -> Refusal | None:
    if view is None:
        return Refusal(NO_RUN)
    if view.over:
        return Refusal(ENDED)
    return _unreachable(store)


def _unreachable(store: Store) -> Refusal | None:
    match store.link.kind:
        case "live":
            return None
        case "replay":
            return Refusal("this is a recording; there is no engine to steer")
        case _:
            return Refusal(store.link.text or "not connected to the engine yet")


def open_file(path: Path) -> str:
    """Show a file in the desktop's browser, where there is a desktop; what was done, to be said behind the path."""
    if sys.platform != "darwin" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return ""
    import webbrowser  # slow to import, and needed here only

    return " (opened in the browser)" if webbrowser.open(path.as_uri()) else ""
