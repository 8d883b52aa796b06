"""What is known of each insight: how it stands, what speaks for and against it, and what plans made of it. Pure.

All of it comes from the trees: nothing is counted elsewhere. Not the retrieval by meaning (`engine.insights`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from engine.search.events import InsightChanged
from engine.search.insights import Insight, as_it_stands
from engine.search.tree import ROOT, Score, Tree

Gained = Mapping[str, Mapping[str, float]]
"""Run -> node -> gain."""


@dataclass(frozen=True, slots=True)
class Witness:
    """A node that speaks for an insight or against it. `here`: its run is one of those that were looked at."""

    run: str
    node: str
    score: Score | None
    gain: float | None
    here: bool = True


@dataclass(frozen=True, slots=True)
class Use:
    """A plan that was given the insight. `gain`: of its node, positive where it is better; None without a score."""

    run: str
    node: str
    named: bool
    gain: float | None


@dataclass(frozen=True, slots=True)
class Lesson:
    """An insight with its evidence. `words` is what filters look into.

    Times in Unix seconds; `changed_at`: of the last thing that somebody did to it and did not take back, 0 = nothing.
    """

    insight: Insight
    run: str
    learned_at: float
    changed_at: float
    supports: tuple[Witness, ...]
    contradicts: tuple[Witness, ...]
    uses: tuple[Use, ...]
    words: str

    @property
    def named(self) -> int:
        """Plans that named it as what they build on."""
        return sum(use.named for use in self.uses)

    @property
    def gain(self) -> float | None:
        """Mean gain of the plans that named it and were judged; None where there is none."""
        gains = [use.gain for use in self.uses if use.named and use.gain is not None]
        return sum(gains) / len(gains) if gains else None


def lessons(trees: Mapping[str, Tree]) -> list[Lesson]:
    """Every insight of these runs, the newest first."""
    gained = {run: gains(tree) for run, tree in trees.items() if tree.created}
    uses = _uses(trees, gained)
    changed = {run: _changes(tree) for run, tree in trees.items()}
    found = [
        Lesson(
            insight=(insight := as_it_stands(learned, tree.insight_changes.get(name))),
            run=run,
            learned_at=tree.learned_at[name],
            changed_at=changed[run].get(name, 0.0),
            supports=tuple(_witness(trees, gained, run, other) for other in learned.supports),
            contradicts=tuple(_witness(trees, gained, run, other) for other in learned.contradicts),
            uses=tuple(uses.get(name, ())),
            words=_words(insight),
        )
        for run, tree in trees.items()
        for name, learned in tree.insights.items()
    ]
    return sorted(found, key=lambda lesson: -lesson.learned_at)


def gains(tree: Tree) -> dict[str, float]:
    """How far each judged node is above what its plan set out from, positive where it is better.

    That is its parent; for children of the base model, which was never trained, the baseline.
    """
    scores = {name: score.value for name in tree.nodes if (score := tree.score(name))}
    baseline = next((n.id for n in tree.nodes.values() if n.direction == "baseline" and n.id in scores), ROOT)
    found: dict[str, float] = {}
    for name, value in scores.items():
        parent = tree.nodes[name].parent
        before = baseline if parent == ROOT and name != baseline else parent
        if name != ROOT and before in scores:
            found[name] = (value - scores[before]) * (1 if tree.maximize else -1)
    return found


def marks(insight: Insight) -> tuple[str, ...]:
    """What people have done to it: `edited`, `pinned`, `deleted`."""
    done = {"edited": bool(insight.original), "pinned": insight.pinned, "deleted": insight.deleted}
    return tuple(name for name, holds in done.items() if holds)


def matching(found: Iterable[Lesson], text: str) -> list[Lesson]:
    """Those in which every word of `text` stands: in the sentence, the id, the task, the source or the marks."""
    wanted = text.casefold().split()
    return [lesson for lesson in found if all(word in lesson.words for word in wanted)]


ORDERS: dict[str, Callable[[Lesson], float]] = {
    "newest": lambda lesson: -lesson.learned_at,
    "most named": lambda lesson: -lesson.named - len(lesson.uses) / 1e6,
    "best gain": lambda lesson: -lesson.gain if lesson.gain is not None else 1e9,
}
"""Name of an order -> its key; of equals the newest comes first."""


def _changes(tree: Tree) -> dict[str, float]:
    """When each insight was last changed, as far as that was not taken back."""
    return {deed.event.insight: deed.time for deed in tree.deeds if isinstance(deed.event, InsightChanged)}


def _words(insight: Insight) -> str:
    parts = (insight.text, insight.insight, insight.task, insight.source, *marks(insight))
    return " ".join(parts).casefold()


def _witness(trees: Mapping[str, Tree], gained: Gained, run: str, name: str) -> Witness:
    """`n2` of the same run, or `movies-1:n2`."""
    where, _, node = name.rpartition(":")
    where = where or run
    tree = trees.get(where)
    if tree is None or node not in tree.nodes:
        return Witness(where, node, None, None, here=False)
    return Witness(where, node, tree.score(node), gained.get(where, {}).get(node))


def _uses(trees: Mapping[str, Tree], gained: Gained) -> dict[str, list[Use]]:
    """Insight -> the plans that were given it, run by run in the order in which they were made."""
    found: dict[str, list[Use]] = {}
    for run, tree in trees.items():
        for node in tree.nodes.values():
            if node.plan is None:
                continue
            for name in dict.fromkeys((*node.plan.insights_given, *node.plan.insights_named)):
                use = Use(run, node.id, name in node.plan.insights_named, gained[run].get(node.id))
                found.setdefault(name, []).append(use)
    return found
