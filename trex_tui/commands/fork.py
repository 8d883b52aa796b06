"""`trex fork`: another trial's plan with edits, or a plan from a file."""

from __future__ import annotations

import argparse
from pathlib import Path

from engine import strict
from engine.control import protocol as p
from engine.errors import BadInput
from engine.files import expanded
from engine.plan import Plan
from trex_tui.commands.run import changes
from trex_tui.commands.steer import say
from trex_tui.decisions import named, person


def fork(options: argparse.Namespace) -> int:
    if options.set and options.plan:
        raise BadInput(
            "a plan from a file leaves nothing to set", where="--set", hint="change the file, or drop --plan"
        )
    if not (options.set or options.plan):
        raise BadInput("a fork needs a change", hint="give --set training.learning_rate=1e-4, say, or --plan FILE")
    node, trial = named(options.node)
    command = p.Fork(
        id=1,
        run=options.run,
        node=node,
        trial=trial,
        changes=changes(options.set),
        plan=plan(options.plan) if options.plan else None,
        first=not options.last,
        by=person(),
    )
    return say(options, command)


def plan(path: Path) -> Plan:
    """A whole plan, as TOML where the file is called so, else as JSON. Raises BadInput: file, line, field."""
    path = expanded(path)
    if path.suffix == ".toml":
        return strict.from_toml(path, Plan)
    return strict.from_json(strict.read_text(path).encode(), Plan, source=str(path))
