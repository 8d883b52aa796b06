"""What a run holds besides its tree: its hints, its budget, its adapters. Shown as they are, changed where asked."""

from __future__ import annotations

import argparse
import time
from functools import partial
from typing import Any

from engine.control import protocol as p
from engine.errors import BadInput
from engine.room import room_for
from engine.search.tree import ROOT, Tree
from trex_tui.actions import person
from trex_tui.commands.look import one, print_json
from trex_tui.commands.steer import say, withdraw
from trex_tui.model import garbage
from trex_tui.model.format import bar, clean, duration
from trex_tui.model.spending import counts, kept_back, spending

LIMITS = ("rounds", "trials", "wall", "device", "disk")


def hints(options: argparse.Namespace) -> int:
    """The advice that holds, or one piece of it withdrawn."""
    if options.withdraw:
        return withdraw(options)
    tree = one(options)
    if options.json:
        return print_json([{"hint": h.hint, "node": h.node, "text": h.text, "by": h.by} for h in tree.hints.values()])
    for hint in tree.hints.values():
        where = "the run" if hint.node == ROOT else hint.node
        print(f"{hint.hint:5} for {where:8} by {clean(hint.by or 'a person')}: {clean(hint.text)}")
    if not tree.hints:
        print(f'{options.run} has no hints; give one with: trex hint {options.run} "what it should know or try"')
    return 0


def budget(options: argparse.Namespace) -> int:
    """What may be spent and what is; with options, another budget."""
    given = {name: getattr(options, name) for name in LIMITS if getattr(options, name) is not None}
    if given:
        return say(options, p.SetBudget(id=1, run=options.run, by=person(), **given))
    tree, now = one(options), time.time()
    disk = room_for(options.space.run(options.run)).used
    if options.json:
        return print_json(_budget_facts(tree, now, disk))
    for line in spending(tree, now, counts(tree), disk):
        share = f"  {bar(line.share, 20)} {line.share:.0%}" if line.share else ""
        print(f"{line.name:8} {line.limit:>14}  {line.used:22}{share}".rstrip())
    if not tree.over:
        print(f"kept back for confirming, testing and the report: {duration(kept_back(tree))}")
    return 0


def _budget_facts(tree: Tree, now: float, disk: int) -> dict[str, Any]:
    return {
        "limits": tree.limits,
        "rounds": tree.rounds,
        "trials": tree.launched,
        "wall_seconds": tree.elapsed(now),
        "device_seconds": tree.device_seconds,
        "disk_bytes": disk,
        "kept_back_seconds": kept_back(tree),
    }


def clean_up(options: argparse.Namespace) -> int:
    """Which adapters and checkpoints would go, and why the rest stays; with --yes they go."""
    tree = one(options)
    found = garbage.measured(garbage.items(tree), partial(options.space.trial, options.run))
    if options.json and not options.yes:
        return print_json([item._asdict() for item in found])
    free = garbage.removable(found)
    if options.yes:
        if not free:
            raise BadInput("nothing can go", where=options.run, hint=f"see `trex clean {options.run}`")
        return say(options, p.Collect(id=1, run=options.run, trials=free, by=person()))
    for text in garbage.lines(found):
        print(text)
    if free:
        print(f"nothing is removed yet; scores, results and logs stay in any case: trex clean {options.run} --yes")
    return 0
