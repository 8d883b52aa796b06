"""What is being done, why, by whom, and what comes next: what the engine itself would decide. Pure functions.

Nothing here is a promise: the next score, or a person, may change it. `engine.search` is asked, never told.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from engine.errors import BadInput
from engine.plan import TrialConfig
from engine.search import budget, decide, policies
from engine.search.tree import ROOT, SETTLED, Node, Tree
from engine.space import examples_seen
from trex_tui.model.store import RunView
from trex_tui.model.telemetry import TrialView

_THINKING = re.compile(r"(?P<node>n\d+) is being (?P<verb>planned|read)")  # `engine.steps.planning` says so
LARGE = 500  # nodes; asking the policy costs 14 ms there, and more than in proportion beyond
SPLITS = {"confirm": "rows that nobody has seen pick the champion", "test": "the report compares on sealed rows"}


class Doing(NamedTuple):
    """`who` computes: a trial, the Researcher, a data process; "" where nobody does."""

    what: str
    why: str = ""
    who: str = ""


Seen = Callable[[str], TrialView | None]


def doing(view: RunView, now: float, seen: Seen | None, told: str = "") -> Doing:
    """What goes on in a run that is at work. `seen`: the course of a trial; None = only that it was at work.

    `told`: what the engine says that it does, in its own words. A fork, say, changes what it would decide now, but not
    what it has begun.
    """
    tree = view.tree
    if tree.created is None or len(tree.nodes) > LARGE:
        return Doing("")
    if (begun := _THINKING.fullmatch(told)) and (node := begun["node"]) in tree.nodes:
        return _reading(tree, node) if begun["verb"] == "read" else _planning(tree, node)
    match decide.decide(tree, now, _cheapest(tree)):
        case decide.Follow(trial=trial, split=split) | decide.Judge(trial=trial, split=split):
            return _trial(tree, trial, split, phase_words(seen(trial)) if seen else "is at work")
        case decide.Interrupt(trial=trial, why=why):
            return Doing(f"{trial} saves its state and ends", f"it was {why}", trial)
        case decide.MakePlan(node=node):
            return _planning(tree, node)
        case decide.PrepareData(node=node):
            at_work = told.partition(f"{node} prepares its data")[2]  # `: dedup_exact, 40%`
            return Doing(f"{node}'s recipe is run on the rows{at_work}", why_node(tree, node), "a data process")
        case decide.Diagnose(node=node):
            return _reading(tree, node)
        case decide.Grow():
            return Doing("the policy chooses where to grow", why_next(tree))
        case decide.Report() | decide.OpenTest():
            return Doing("the report is written", "the search is over", "the report")
        case decide.ChooseChampion(reason=reason):
            return Doing("the champion is chosen", reason)
        case _:
            return Doing("")


def _mind(tree: Tree) -> str:
    return "the rule" if tree.setup.researcher == "none" else "the Researcher"


def _reading(tree: Tree, node: str) -> Doing:
    return Doing(f"{_mind(tree)} reads {node}'s results", "what was learned guides the next plans", _mind(tree))


def _planning(tree: Tree, node: str) -> Doing:
    if tree.nodes[node].direction == "baseline":
        return Doing(f"{node}'s plan is the task's own", "every search begins with the baseline", "")
    if tree.setup.researcher == "none":
        return Doing(f"{node}'s plan is sampled", why_node(tree, node), "")
    return Doing(f"the Researcher writes {node}'s plan", why_node(tree, node), "the Researcher")


def _trial(tree: Tree, trial: str, split: str, phase: str) -> Doing:
    if split != "validation":
        return Doing(f"{trial} is judged on the {split} split", SPLITS[split], trial)
    return Doing(f"{trial} {phase}", why_node(tree, tree.trial(trial).node), trial)


def phase_words(seen: TrialView | None) -> str:
    """What a trial's process does, in plain words: `trains, step 23 of 64`."""
    state = seen.state if seen else None
    if state is None:
        return "is being started"
    match state.phase:
        case "training":
            return f"trains, step {state.step} of {state.steps}" if state.steps else "trains"
        case "evaluating":
            return f"is judged, row {state.judged} of {state.items}" if state.items else "is judged"
        case "loading":
            return "loads the base model"
        case "waiting_for_device":
            return "waits for the device"
        case "saving":
            return "saves its adapter"
        case "done":
            return "is done; its score is being written"
        case _:
            return "is being started"


def why_node(tree: Tree, name: str) -> str:
    """Why this node is tried: who or what chose its place."""
    node = tree.nodes[name]
    if name == ROOT:
        return "every score is compared with the base model's"
    if node.forked_from:
        return f"{node.by or 'a person'} forked {node.forked_from}"
    if node.direction == "baseline":
        return "every search begins with the baseline"
    term = next((term.total for term in node.why if term.node == node.parent), None)
    return _below(tree, node.parent, term)


def _below(tree: Tree, parent: str, total: float | None) -> str:
    """`below n4 (uct 1.31)`; the other policies have no such figure."""
    policy = tree.setup.policy
    return f"below {parent} ({policy} {total:.2f})" if policy == "uct" and total is not None else f"below {parent}"


def upcoming(tree: Tree, now: float) -> tuple[str, ...]:
    """What comes after what is being done now, in order, as things stand."""
    if tree.created is None or tree.over or len(tree.nodes) > LARGE:
        return ()
    if tree.champion:
        waiting = [
            name for name in decide.tested_trials(tree) if tree.trial(name).test is None and name not in _busy(tree)
        ]
        return (*(f"{name} on the test split" for name in waiting), "the report")
    if tree.stop_by:
        return _closing(tree)
    waiting = [trial.id for node in _open(tree) for trial in node.trials.values() if _waits(trial.state, trial.flags)]
    planned = [f"{node.id}'s trials" for node in _open(tree) if node.plan is None]
    return (
        *waiting[:2],
        *([f"{len(waiting) - 2} more trials"] if len(waiting) > 2 else []),
        *planned,
        *_after(tree, now),
    )


def _busy(tree: Tree) -> set[str]:
    return {tree.judging.trial} if tree.judging else set()


def _waits(state: str, flags: frozenset[str]) -> bool:
    return state not in SETTLED and state != "running" and "paused" not in flags


def _open(tree: Tree) -> list[Node]:
    """Nodes that are neither settled nor held, in the order in which the engine takes them."""
    order = sorted(tree.nodes.values(), key=lambda n: (n.state != "interrupted", not n.first))
    return [n for n in order if n.id != ROOT and not n.failed and n.state not in SETTLED and not _held(tree, n.id)]


def _held(tree: Tree, node: str) -> bool:
    return tree.flagged(node, "paused") or tree.flagged(node, "pruned")


def _after(tree: Tree, now: float) -> tuple[str, ...]:
    """The next round, or the end of the search."""
    if budget.rounds_left(tree) == 0 or not budget.can_afford_round(tree, _cheapest(tree), now):
        return _closing(tree)
    found = why_next(tree)
    return (f"n{len(tree.nodes)} {found}",) if found else ()


def why_next(tree: Tree) -> str:
    """Where the policy would grow now: `below n4 (uct 1.31)`; "" where it cannot grow anywhere."""
    try:
        choice = policies.choose(tree)
    except BadInput:
        return ""
    if choice.direction == "baseline":
        return "the baseline"
    total = next((term.total for term in choice.why if term.node == choice.parent), None)
    return _below(tree, choice.parent, None if tree.rounds < policies.ROOT_ROUNDS else total)


def _closing(tree: Tree) -> tuple[str, ...]:
    count = sum(1 for trial in decide.confirm_candidates(tree) if trial.confirm is None)
    return (f"the best {count} on unseen rows" if count > 1 else "the champion", "the report")


def _cheapest(tree: Tree) -> TrialConfig:
    """The smallest trial that was tried: the search space itself is not known here."""
    tried = [trial.config for node in tree.nodes.values() for trial in node.trials.values() if trial.config]
    return min(tried, key=examples_seen, default=TrialConfig())
