"""What cleaning would take away, what it would leave, and why: the preview of `clean`.

The choice is the engine's (`engine.search.steering.collectable`); here it is explained and weighed. `measured` reads
the disk; the rest is pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from engine.room import heavy, size_of
from engine.search.steering import collectable, kept_best
from engine.search.tree import ROOT, Node, Tree, Trial
from trex_tui.model.format import number, plural, size

OPEN = ("queued", "running", "interrupted")


class Item(NamedTuple):
    """A trial that was started. `why`: the reason why it may go, or must stay; `size`: bytes, once measured."""

    trial: str
    free: bool
    why: str
    size: int = 0


def items(tree: Tree) -> list[Item]:
    """Every trial that may have an adapter or checkpoints: first those that may go, the first to go first."""
    free = collectable(tree)
    gone = {trial.id for trial in free}
    reasons = dict(_reasons(tree))
    stay = [t for t in _with_files(tree) if t.id not in gone]
    return [
        *(Item(trial.id, True, _worth(tree, trial)) for trial in free),
        *(Item(trial.id, False, reasons.get(trial.id, "the search needs it")) for trial in stay),
    ]


def measured(found: Iterable[Item], folder: Callable[[str], Path]) -> list[Item]:
    """The items whose adapters and checkpoints are there, with their bytes. `folder`: of a trial, by its name."""
    sized = (item._replace(size=size_of(heavy([folder(item.trial)]))) for item in found)
    return [item for item in sized if item.size]


def removable(found: Iterable[Item]) -> tuple[str, ...]:
    return tuple(item.trial for item in found if item.free)


def lines(found: list[Item]) -> list[str]:
    """The preview: what goes, and what stays by reason."""
    free, stay = [item for item in found if item.free], [item for item in found if not item.free]
    reasons = Counter(item.why for item in stay)
    kept = ", ".join(f"{count} {why}" for why, count in reasons.most_common())
    listed = [f"{item.trial:<8} {size(item.size):>8}  {item.why}" for item in free]
    total = f"{plural(len(free), 'trial')}, {size(sum(item.size for item in free))} in all"
    ends = [f"stays: {kept} ({size(sum(item.size for item in stay))})"] if stay else []
    return [*listed, *([total] if free else ["nothing can go"]), *ends]


def _with_files(tree: Tree) -> Iterator[Trial]:
    for node in tree.nodes.values():
        yield from (t for t in node.trials.values() if t.config and t.attempts and not t.collected)


def _worth(tree: Tree, trial: Trial) -> str:
    """Why nobody will miss it."""
    if tree.flagged(trial.node, "pruned"):
        return "pruned"
    return number(trial.score.value) if trial.score else trial.state


def _reasons(tree: Tree) -> Iterator[tuple[str, str]]:
    """(trial, why it stays), the weightiest reason last: it is the one that a dict keeps."""
    sign = 1.0 if tree.maximize else -1.0
    ranked = sorted(tree.scored(), key=lambda t: -sign * t.score.value if t.score else 0.0)
    keep = kept_best(tree)
    yield from ((trial.id, f"among the best {keep}") for trial in ranked[:keep])
    for node in tree.nodes.values():
        if _unfinished(tree, node):
            on_path = (tree.nodes[name] for name in tree.path(node.id))
            yield from ((t, "above an unfinished node") for held in on_path for t in held.trials)
    for node in tree.nodes.values():
        if node.direction == "baseline" and (best := node.best(tree.maximize)):
            yield best.id, "the baseline"
        yield from ((t.id, "judged on confirm or test") for t in node.trials.values() if t.confirm or t.test)
        yield from ((t, "pinned") for t in node.trials if node.id != ROOT and tree.holds(t, "pinned"))
        yield from ((t.id, "not finished") for t in node.trials.values() if _still_open(tree, t))
    yield tree.champion, "the champion"


def _unfinished(tree: Tree, node: Node) -> bool:
    waits = any(trial.state in OPEN for trial in node.trials.values())
    return waits and not tree.over and not tree.flagged(node.id, "pruned")


def _still_open(tree: Tree, trial: Trial) -> bool:
    return trial.state == "running" or (trial.state in OPEN and _unfinished(tree, tree.nodes[trial.node]))
