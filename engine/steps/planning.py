"""Planning and diagnosis: the Researcher's two turns of a round, as steps of the loop."""

from __future__ import annotations

from engine.errors import MachineFailure, TrexError
from engine.search.events import Failed, Noted, Outcome, Planned
from engine.steps import restore
from engine.steps.context import Run


async def plan(run: Run, node: str) -> None:
    """Settle the node's plan. A Researcher that cannot be reached is the machine's failure, not an idea's."""
    run.doing(f"{node} is being planned")
    try:
        made = restore.plan(run, node) or await run.mind.plan(run, node)
        restore.keep(run, node, made)
    except TrexError as error:
        kind: Outcome = "machine" if isinstance(error, MachineFailure) else "idea"
        run.record(Failed(node=node, kind=kind, cause=str(error)))
        return
    if made.source == "sampled" and run.tree.setup.researcher != "none" and made.note:
        run.record(Noted(node=node, kind="fallback", text=f"{node}'s plan is sampled: {made.note}"))
    run.record(Planned(node=node, plan=made))


async def diagnose(run: Run, node: str) -> None:
    """Say what the round showed, and keep at most one insight."""
    run.doing(f"{node} is being read")
    try:
        diagnosis, insight = await run.mind.diagnose(run, node)
    except TrexError as error:
        run.record(Failed(node=node, kind="machine", cause=str(error)))
        return
    if insight is not None:
        run.record(insight)
    # Last: a node with a diagnosis is finished, so a kill in between repeats the step rather than losing it.
    run.record(diagnosis)
