"""What the run's folders give back when the journal has lost its last events (a backup was put in its place).

A settled plan is written into its node's folder before its event, data and results lie in theirs anyway. So a node that
the journal does not know is taken up again with the plan it had, and its trials with the results they had: nothing is
asked or trained a second time. What does not fit is moved aside, never used and never deleted.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import msgspec

from engine.files import UNREADABLE, disk_errors, read_regular, write_json
from engine.plan import Plan
from engine.search.events import Forked, NodeAdded, Noted
from engine.search.policies import choose
from engine.steps.context import Run

NODE = "node.json"


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`node.json`: the node's place and plan. `by`: who forked it; empty for the search's own."""

    parent: str
    plan: Plan
    by: str = ""
    retries: int = 0


def keep(run: Run, node: str, plan: Plan) -> None:
    """Write down the plan of a node, before its event."""
    here = run.tree.nodes[node]
    write_json(_file(run, node), Kept(parent=here.parent, plan=plan, by=here.by, retries=here.retries))


def node(run: Run, name: str) -> bool:
    """Take up a node that has a folder but no event; False where there is none. A fork keeps its person."""
    kept = _read(_file(run, name))
    if kept is None or kept.parent not in run.tree.nodes:
        return False
    run.record(Noted(text=f"{name} is taken up again from its folder: the journal had lost it", kind="warning"))
    if kept.by:
        run.record(Forked(node=name, source=kept.parent, plan=kept.plan, by=kept.by))
        return True
    choice = choose(run.tree)
    why = choice.rivals if choice.parent == kept.parent else ()
    direction = kept.plan.direction if kept.plan.source == "baseline" else None
    run.record(NodeAdded(node=name, parent=kept.parent, direction=direction, why=why))
    return True


def every_node(run: Run) -> None:
    """Take up all nodes that have a folder but no event, in their order, before anything else gets their names."""
    while node(run, f"n{len(run.tree.nodes)}"):
        pass


def plan(run: Run, node: str) -> Plan | None:
    """The plan that the node had when the journal still knew it."""
    here = run.tree.nodes[node]
    kept = _read(_file(run, node))
    if kept is None or kept.parent != here.parent or kept.retries != here.retries:
        return None
    return kept.plan


def set_aside(folder: Path) -> None:
    """Move a folder away whose contents belong to something else than what is about to be done there."""
    with disk_errors(folder):
        target = folder.with_name(f"{folder.name}.other-{time.time_ns()}")
        shutil.move(folder, target)


def _file(run: Run, node: str) -> Path:
    return run.workspace.node(run.name, node) / NODE


def _read(path: Path) -> Kept | None:
    try:
        return msgspec.json.decode(read_regular(path), type=Kept)
    except (OSError, *UNREADABLE):
        return None
