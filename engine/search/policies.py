"""Policies: which node to grow next. One function type; each returns its terms, so that a person can ask why.

`uct` follows the paper (arXiv 2604.14116) with the first rounds at the root; `gbfs`, `ses` and `random` are
there to compare with. Pure functions of the tree.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from engine.errors import BadInput
from engine.plan import Direction
from engine.search.events import Term
from engine.search.reward import rewards
from engine.search.tree import ROOT, Tree

REMEMBERED = 16
ROOT_ROUNDS = 3  # without them, UCT over all nodes grows one chain


@dataclass(frozen=True)
class Choice:
    """The parent of the next node, with the terms of every candidate; `direction` where it is fixed."""

    parent: str
    why: tuple[Term, ...]
    direction: Direction | None = None

    @property
    def rivals(self) -> tuple[Term, ...]:
        """The terms to be remembered: of the chosen one and the best others. All of them would make a history of n
        nodes n squared long."""
        best = sorted(self.why, key=lambda t: (t.node != self.parent, -t.total))[:REMEMBERED]
        return tuple(term for term in self.why if term in best)


@dataclass(frozen=True)
class Tally:
    """Visits and summed reward of a node's subtree."""

    visits: float
    total: float

    @property
    def mean(self) -> float:
        return self.total / self.visits if self.visits else 0.0


Policy = Callable[[Tree, Sequence[Term]], str]


def choose(tree: Tree) -> Choice:
    """The next parent by the run's policy. Raises BadInput where no node can be grown."""
    terms = terms_of(tree)
    if not terms:
        raise BadInput("no node can be grown: all are paused or pruned", hint="resume or restore one")
    rounds = tree.rounds
    root_open = any(t.node == ROOT for t in terms)
    if rounds == 0:
        return Choice(ROOT, terms, "baseline")
    if rounds < ROOT_ROUNDS and root_open:
        return Choice(ROOT, terms)
    return Choice(policy_named(tree.setup.policy)(tree, terms), terms)


def policy_named(name: str) -> Policy:
    if name not in POLICIES:
        raise BadInput(f"no policy `{name}`", hint=f"choose one of {', '.join(POLICIES)}")
    return POLICIES[name]


def uct(_tree: Tree, terms: Sequence[Term]) -> str:
    """argmax of mean subtree reward + c sqrt(ln N(parent) / N); the older node of equals."""
    return max(terms, key=lambda t: (t.total, -_age(t.node))).node


def gbfs(tree: Tree, terms: Sequence[Term]) -> str:
    """Greedy best-first: the node with the best score; the younger of equals, or it would never leave a plateau."""
    own = node_rewards(tree)
    return max(terms, key=lambda t: (own.get(t.node, 0.0), _age(t.node))).node


def ses(_tree: Tree, terms: Sequence[Term]) -> str:
    """Sequential: extend the last node that is done."""
    return max(terms, key=lambda t: _age(t.node)).node


def from_root(_tree: Tree, terms: Sequence[Term]) -> str:
    """`random`: every plan is drawn anew beside the others, so the parent is the root (or the oldest open node)."""
    return min(terms, key=lambda t: _age(t.node)).node


POLICIES: dict[str, Policy] = {"uct": uct, "gbfs": gbfs, "ses": ses, "random": from_root}


def node_rewards(tree: Tree) -> dict[str, float]:
    """Reward of every done node that counts, by the run's normaliser."""
    counted = _counted(tree)
    scores = {n: s.value for n in counted if tree.nodes[n].state == "done" and (s := tree.score(n)) is not None}
    return rewards(scores, maximize=tree.maximize, normaliser=tree.setup.normaliser)


def terms_of(tree: Tree) -> tuple[Term, ...]:
    """UCT's terms for every candidate: done, and neither paused nor pruned (itself or above)."""
    tallies = tally(tree)
    found = []
    for name in tallies:
        node = tree.nodes[name]
        if node.state != "done" or tree.flagged(name, "paused"):
            continue
        mine, above = tallies[name], tallies[node.parent]
        explore = tree.setup.exploration * math.sqrt(math.log(max(above.visits, 1.0)) / mine.visits)
        found.append(
            Term(node=name, total=mine.mean + explore, value=mine.mean, exploration=explore, visits=int(mine.visits))
        )
    return tuple(found)


def tally(tree: Tree) -> dict[str, Tally]:
    """Visits and reward per subtree. Done: one visit with its reward. Failed: one visit with 0. Planned or running:
    one visit with the mean of its parent's settled subtree. Cancelled and pruned: nothing."""
    counted = _counted(tree)
    own = node_rewards(tree)
    settled = {n: own.get(n, 0.0) for n in counted if n in own or tree.nodes[n].state == "failed"}
    sums = _up(tree, counted, settled)
    waiting = [n for n in counted if n not in settled and tree.nodes[n].state != "cancelled" and n != ROOT]
    virtual = dict(settled)
    for name in waiting:
        virtual[name] = sums[tree.nodes[name].parent].mean
    return _up(tree, counted, virtual)


def _counted(tree: Tree) -> list[str]:
    """Nodes outside pruned subtrees, parents before children."""
    found: list[str] = []
    stack = [ROOT] if tree.nodes else []
    while stack:
        name = stack.pop()
        node = tree.nodes[name]
        if "pruned" in node.flags:
            continue
        found.append(name)
        stack.extend(node.children)
    return found


def _up(tree: Tree, counted: list[str], value: Mapping[str, float]) -> dict[str, Tally]:
    """Sums over subtrees, children before parents."""
    visits = {n: (1.0 if n in value else 0.0) for n in counted}
    totals = {n: value.get(n, 0.0) for n in counted}
    for name in reversed(counted):
        if name != ROOT:
            parent = tree.nodes[name].parent
            visits[parent] += visits[name]
            totals[parent] += totals[name]
    return {n: Tally(visits[n], totals[n]) for n in counted}


def _age(node: str) -> int:
    return int(node[1:])
