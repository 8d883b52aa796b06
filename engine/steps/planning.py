"""Planning and diagnosis: the Researcher's two turns of a round, as steps of the loop."""

from __future__ import annotations

import msgspec

from engine.errors import MachineFailure, TrexError
from engine.plan import Plan, trial_fingerprint
from engine.search.events import Failed, Noted, Outcome, Planned
from engine.search.tree import Tree
from engine.steps import restore
from engine.steps.context import Run


async def plan(run: Run, node: str) -> None:
    """Settle the node's plan. A Researcher that cannot be reached is the machine's failure, not an idea's."""
    run.doing(f"{node} is being planned")
    try:
        made = restore.plan(run, node) or await run.mind.plan(run, node)
        fresh = without_repeats(run.tree, made)
        if fresh is None:
            text = f"{node}'s plan was tried by a fork meanwhile; it is planned again"
            run.record(Noted(node=node, text=text))
            return
        made = fresh
        restore.keep(run, node, made)
    except TrexError as error:
        kind: Outcome = "machine" if isinstance(error, MachineFailure) else "idea"
        run.record(Failed(node=node, kind=kind, cause=str(error)))
        return
    if made.source == "sampled" and run.tree.setup.researcher != "none" and made.note:
        note = Noted(node=node, kind="fallback", text=f"{node}'s plan is sampled: {made.note}")
        if all(held != note for _, held in run.tree.notes):  # a death may have come between
            run.record(note)
    run.record(Planned(node=node, plan=made))


def without_repeats(tree: Tree, plan: Plan) -> Plan | None:
    """The plan without trials that a person forked while it was thought of; None where nothing is left."""
    tried = tree.tried()
    fresh = tuple(c for c in plan.trials if trial_fingerprint(plan.recipe, c) not in tried)
    if plan.source == "baseline" or len(fresh) == len(plan.trials):
        return plan
    return msgspec.structs.replace(plan, trials=fresh) if fresh else None


async def diagnose(run: Run, node: str) -> None:
    """Say what the round showed, and keep at most one insight: none where no trial has shown anything."""
    run.doing(f"{node} is being read")
    try:
        diagnosis, insight = await run.mind.diagnose(run, node)
    except TrexError as error:
        run.record(Failed(node=node, kind="machine", cause=str(error)))
        return
    if insight is not None and run.tree.insights.get(insight.insight) != insight:  # a death may have come between
        run.record(insight)
    # Last: a node with a diagnosis is finished, so a kill in between repeats the step rather than losing it.
    run.record(diagnosis)
