"""What the Researcher is given for one node, as plain facts taken from the tree. Pure.

Not the wording (`engine.researcher.memory`) and not the choice of the parent (the policy's).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.aidp.recipe import DedupExact, Recipe, Shuffle
from engine.plan import Direction, Plan, TrialConfig
from engine.researcher.schema import steps
from engine.search.tree import ROOT, ROOT_TRIAL, Node, Score, Tree, Trial
from engine.task import Task

BASELINE_RECIPE = Recipe(operators=(DedupExact(), Shuffle()))
KEY_SUCCESSES, KEY_FAILURES = 3, 3


@dataclass(frozen=True)
class Known:
    """An insight from earlier: its id in the journal and its sentence."""

    id: str
    text: str


@dataclass(frozen=True)
class Start:
    """What a new plan changes: the parent's recipe and best configuration (the task's baseline at the root)."""

    node: str
    recipe: Recipe
    config: TrialConfig
    score: Score | None  # what this configuration scored (the base model's score where it was never run)


@dataclass(frozen=True)
class Facts:
    """Everything a proposal rests on. Nodes are the tree's own, in the order in which they were made."""

    task: Task
    node: str
    base: Score | None
    start: Start
    path: tuple[Node, ...]
    siblings: tuple[Node, ...]
    successes: tuple[Node, ...]
    failures: tuple[Node, ...]
    best: Trial | None
    insights: tuple[Known, ...]
    hints: tuple[str, ...]
    trials: int  # trials a round may have
    rounds_left: int
    maximize: bool
    taken: frozenset[str]  # fingerprints of all plans
    trained: frozenset[str]  # fingerprints of all trials (recipe and configuration)
    poor: frozenset[str]  # changes from the start that only worse or failed trials had: `learning_rate=0.002`
    seed: int
    turn: int = 0  # how often a person had the node tried again: what was asked before is asked anew


def gather(tree: Tree, task: Task, node: str, insights: Sequence[Known] = (), hints: Iterable[str] = ()) -> Facts:
    """The facts for planning `node`, which is in the tree and has no plan yet."""
    parent = tree.nodes[tree.nodes[node].parent]
    others = [n for n in tree.nodes.values() if n.plan and not tree.flagged(n.id, "pruned")]
    start = start_of(tree, task, parent.id)
    path = [tree.nodes[n] for n in tree.path(parent.id) if n != ROOT]
    siblings = [n for n in others if n.parent == parent.id and n.id != node]
    seen = {n.id for n in (*path, *siblings)}
    rest = [n for n in others if n.id not in seen]
    return Facts(
        task=task,
        node=node,
        base=tree.score(ROOT),
        start=start,
        path=tuple(path),
        siblings=tuple(siblings),
        successes=_key_successes(tree, rest),
        failures=_key_failures(tree, rest),
        best=tree.best_trial(),
        insights=tuple(insights),
        hints=tuple(hints),
        trials=tree.setup.trials_per_round,
        rounds_left=max(0, tree.limits.rounds - tree.rounds + 1),  # with this node's own, which is counted already
        maximize=tree.maximize,
        taken=tree.taken(),
        trained=frozenset(tree.tried()),
        poor=_poor(tree, others, start),
        seed=tree.setup.seed,
        turn=tree.nodes[node].retries,
    )


def first_recipe(task: Task) -> Recipe:
    """What the search sets out from: plainly cleaned rows; the rows as they are where data work is left out."""
    return Recipe() if task.search.no_operators else BASELINE_RECIPE


def start_of(tree: Tree, task: Task, parent: str) -> Start:
    """The recipe and configuration that a child of `parent` sets out from."""
    node = tree.nodes[parent]
    score = tree.trial(_reference(tree, parent)).score
    best = node.best(tree.maximize)
    if node.plan and best and best.config:
        return Start(parent, node.plan.recipe, best.config, score)
    return Start(parent, first_recipe(task), task.baseline, score)


def reference_of(tree: Tree, node: str) -> str:
    """The trial that the node's result is to be compared with: one that ran what the node's plan set out from.

    The parent's best; for a child of the root, the baseline's, else the base model itself.
    """
    return _reference(tree, tree.nodes[node].parent, but=node)


def _reference(tree: Tree, parent: str, but: str = "") -> str:
    baseline = [n for n in tree.nodes.values() if parent == ROOT and n.direction == "baseline" and n.id != but]
    for candidate in (*baseline, tree.nodes[parent]):
        if best := candidate.best(tree.maximize):
            return best.id
    return ROOT_TRIAL


def parent_plan(facts: Facts) -> Plan:
    """The start as a plan, for `engine.space.sample_plan`."""
    return Plan(direction="baseline", hypothesis="", recipe=facts.start.recipe, trials=(facts.start.config,))


def tried(nodes: Iterable[Node]) -> list[Direction]:
    """Directions of these nodes."""
    return [n.direction for n in nodes if n.direction]


def _key_successes(tree: Tree, nodes: list[Node]) -> tuple[Node, ...]:
    scored = [(n, s.value) for n in nodes if (s := tree.score(n.id))]
    ranked = sorted(scored, key=lambda pair: pair[1], reverse=tree.maximize)[:KEY_SUCCESSES]
    return tuple(sorted((n for n, _ in ranked), key=lambda n: n.added_at))


def _key_failures(tree: Tree, nodes: list[Node]) -> tuple[Node, ...]:
    """The latest that failed, or that came out worse than their parents."""
    lost = [n for n in nodes if n.state == "failed" or _worse(tree, n)]
    return tuple(lost[-KEY_FAILURES:])


def _worse(tree: Tree, node: Node) -> bool:
    mine, parents = tree.score(node.id), tree.score(node.parent)
    return mine is not None and parents is not None and tree.better(parents.value, mine.value)


def _poor(tree: Tree, nodes: list[Node], start: Start) -> frozenset[str]:
    good: set[str] = set()
    bad: set[str] = set()
    for trial in (t for n in nodes for t in n.trials.values() if t.config and start.score):
        assert trial.config and start.score
        worse = trial.score is not None and tree.better(start.score.value, trial.score.value)
        if trial.score or trial.kind == "idea":
            (bad if worse or not trial.score else good).update(steps(start.config, trial.config).split())
    return frozenset(bad - good)
