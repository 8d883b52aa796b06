"""The Researcher's memory as text: what it is told of the task and of the search so far, within a token budget.

Pure. What stays the same through a run comes first (the model's cache of it is used again), newest facts last.
"""

from __future__ import annotations

from engine.aidp.recipe import describe, operator_name
from engine.plan import TrialConfig
from engine.researcher.facts import Facts
from engine.researcher.prompts import prompt
from engine.researcher.schema import AMOUNT, amounts, knobs, offered, spelt, steps, written
from engine.search.tree import Node, Score, Trial
from engine.space import grid_for
from engine.task import Task

CHARACTERS_PER_TOKEN = 2.6  # measured on these prompts: digits are a token each
BRIEF_TOKENS = 900
INSIGHTS = "Insights:"
Section = tuple[str, list[str]]


def system(task: Task) -> str:
    """The constant part: role, task, knobs, operators."""
    grid = grid_for(task.space)
    pairs = amounts(grid, task.baseline, task.budget.examples_per_trial)
    listed = [f"- {AMOUNT}: {', '.join(pairs)}"]
    listed += [
        f"- {knob}: {', '.join(str(v) if not isinstance(v, float) else f'{v:g}' for v in values)}"
        for knob, values in knobs(grid).items()
    ]
    return prompt(
        "system",
        title=task.title or task.name,
        brief=one_line(task.brief, 500),
        metric=task.metric.name,
        better="higher" if task.metric.direction == "maximize" else "lower",
        model=task.model.base,
        examples=task.budget.examples_per_trial,
        knobs="\n".join(listed),
        operators="\n".join(f"- {operator_name(kind)}: {offer.does}" for kind, offer in offered(task).items()),
    )


def brief(facts: Facts, budget: int = BRIEF_TOKENS) -> str:
    """The search so far in at most about `budget` tokens. The start, the hints and what is left always stay."""
    sections = _sections(facts)
    cuttable = sections[:-1]
    while estimate(text := _joined(sections)) > budget and any(rows for _, rows in cuttable):
        heading, rows = next(section for section in cuttable if section[1])
        rows.pop(-1 if heading == INSIGHTS else 0)  # pinned and near ones stand first; of the others the newest last
    return text


def queries(task: Task) -> tuple[str, str]:
    """Texts to look insights up by, one for each direction: what such insights speak of."""
    turned = ", ".join((AMOUNT, *knobs(grid_for(task.space))))
    operators = ", ".join(map(operator_name, offered(task)))
    measured = f"points of {task.metric.name}, better or worse"
    return f"{turned} raised or lowered: {measured}", f"recipe with {operators}: {measured}"


def estimate(text: str) -> int:
    """Tokens, by characters: the engine has no tokenizer."""
    return int(len(text) / CHARACTERS_PER_TOKEN) + 1


def _sections(facts: Facts) -> list[Section]:
    """(heading, lines) from the least to the most important; the last one is never cut."""
    shown = {n.id for n in (*facts.path, *facts.siblings)}
    keys = {n.id: n for n in (*facts.failures, *facts.successes) if n.id not in shown}
    return [
        ("Elsewhere in the tree:", [row for n in keys.values() for row in node_lines(facts, n)]),
        ("Tried from the same parent:", [row for n in facts.siblings for row in node_lines(facts, n)]),
        ("The way to the start:", [row for n in facts.path for row in node_lines(facts, n)]),
        (INSIGHTS, [f"i{n}: {one_line(known.text, 260)}" for n, known in enumerate(facts.insights, 1)]),
        ("", _last_lines(facts)),
    ]


def _last_lines(facts: Facts) -> list[str]:
    start, best = facts.start, facts.best
    rows = [f"Hint from the person who runs this: {one_line(hint, 300)}" for hint in facts.hints]
    if facts.base:
        rows.append(f"Untrained base model: {facts.base.value:.3f}")
    if best and best.config and best.score:
        rows.append(f"Best so far: {best.id}, {steps(start.config, best.config)}: {_scored(facts, best.score)}")
    rows.append(f"Start recipe: {describe(start.recipe)}")
    rows.append(f"Start configuration: {describe_config(start.config)}: {_scored(facts, start.score)}")
    rows.append(f"Rounds left with this one: {facts.rounds_left}")
    return rows


def node_lines(facts: Facts, node: Node) -> list[str]:
    """One line a trial: what it changed from the start, and how it ended."""
    head = ""
    if node.plan and node.plan.recipe != facts.start.recipe:
        head = f"recipe {describe(node.plan.recipe)}, "
    if not node.trials:
        return [f"{node.id}: {node.state}{f' ({one_line(node.failure, 100)})' if node.failure else ''}"]
    return [
        f"{trial.id}: {head}{steps(facts.start.config, trial.config)}: {ending(facts, trial)}"
        for trial in node.trials.values()
        if trial.config
    ]


def ending(facts: Facts, trial: Trial) -> str:
    """`0.836 (+4.0 points)`, or why there is no score."""
    if trial.score:
        return _scored(facts, trial.score)
    return f"{trial.state}{f' ({one_line(trial.cause, 100)})' if trial.cause else ''}"


def _scored(facts: Facts, score: Score | None) -> str:
    """A score and how far it is from the start's, in words: a small model misreads signs."""
    if score is None:
        return "no score"
    start = facts.start.score
    if start is None or score == start:
        return f"{score.value:.3f}"
    points = 100 * (score.value - start.value) * (1 if facts.maximize else -1)
    return f"{score.value:.3f} ({abs(points):.1f} points {'better' if points > 0 else 'worse'} than the start)"


def describe_config(config: TrialConfig) -> str:
    """Every knob of a configuration, the amount of data first."""
    return " ".join(written(knob, value) for knob, value in spelt(config).items() if knob != "max_steps" or value)


def one_line(text: str, most: int) -> str:
    """White space folded, cut at `most` characters."""
    folded = " ".join(text.split())
    return folded if len(folded) <= most else folded[: most - 3].rstrip() + "..."


def _joined(sections: list[Section]) -> str:
    blocks = ["\n".join(filter(None, [heading, *rows])) for heading, rows in sections if rows]
    return "\n".join(blocks)
