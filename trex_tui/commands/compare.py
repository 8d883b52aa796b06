"""`trex compare`: trials of any runs, and plans from files, side by side; read from the journal, without an engine."""

from __future__ import annotations

import argparse
import shutil
import time
from itertools import combinations
from pathlib import Path
from typing import Any

from engine.errors import BadInput
from engine.executor.job import Result
from engine.journal import Journal
from engine.workspace import Workspace
from trex_tui.client.watcher import places
from trex_tui.commands.fork import plan
from trex_tui.commands.look import print_json
from trex_tui.model import compare as cmp
from trex_tui.model.compare import Imported, Side, What
from trex_tui.model.flips import Flips, flips
from trex_tui.model.pairing import Difference, difference
from trex_tui.model.store import Store
from trex_tui.model.telemetry import Offsets, read
from trex_tui.pages import compare as page


class Reckoner:
    """Differences at once: nobody waits at a key here."""

    def of(self, ours: Result, theirs: Result, maximize: bool) -> Difference | None:
        return difference(ours, theirs, maximize)

    def flips(self, ours: Result, theirs: Result) -> Flips:
        return flips(ours, theirs)


def compare(options: argparse.Namespace) -> int:
    """Print what the interface's comparison shows."""
    if not cmp.LEAST <= len(options.names) <= cmp.MOST:
        raise BadInput(f"{len(options.names)} named, and {cmp.LEAST} to {cmp.MOST} can stand side by side")
    store = Store()
    if options.space.journal.exists():
        journal = Journal.open_read_only(options.space.journal)
        try:
            store.records(journal.records())
        finally:
            journal.close()
    what = [_meant(name, store) for name in options.names]
    for side in cmp.resolve(store, what):
        if side.trial:
            _read(options.space, store, side.run, side.trial.id)
    sides = cmp.resolve(store, what)
    if options.json:
        return print_json({"sides": [_facts(side) for side in sides], "pairs": _pairs(sides)})
    width = shutil.get_terminal_size((100, 24)).columns
    reckoner = Reckoner()
    print(page.above(sides, width, reckoner).plain, page.below(sides, width, True, reckoner).plain, sep="\n\n")
    return 0


def _meant(name: str, store: Store) -> What:
    """A plan's file, or RUN:NODE; the run may be left out where there is one only."""
    if cmp.is_file(name):
        return imported(name)
    if ":" not in name and len(store.runs) != 1:
        raise BadInput(f"`{name}` names no run", hint="write RUN:NODE, such as movie_sentiment-1:n3")
    return cmp.address(name, store, next(iter(store.runs), ""))


def imported(path: str) -> Imported:
    """A plan's file, as `trex fork --plan` takes it. Raises BadInput."""
    return Imported(path, plan(Path(path)))


def _read(workspace: Workspace, store: Store, run: str, trial: str) -> None:
    """The trial's curve and result, window by window."""
    folder, split, kept = places(store, workspace, run, trial)
    seen = Offsets()
    while not (chunk := read(folder, seen, split, kept)).empty:
        seen = chunk.offsets
        store.telemetry(run, trial, chunk, time.time())


def _facts(side: Side) -> dict[str, Any]:
    return {
        "name": side.label,
        "about": side.about,
        "run": side.run,
        "trial": side.trial.id if side.trial else "",
        "score": side.score,
        "config": side.config,
        "recipe": side.plan.recipe if side.plan else None,
        "rows": side.node.rows if side.node else None,
        "seconds": side.trial.seconds if side.trial else 0.0,
        "train_seconds": side.trial.train_seconds if side.trial else 0.0,
        "examples": side.trial.examples if side.trial else 0,
        "supervised_tokens": side.result.supervised_tokens if side.result else 0,
        "steps": len(side.course.at) if side.course else 0,
        "loss": side.course.loss[-1] if side.course and side.course.loss else None,
    }


def _pairs(sides: list[Side]) -> list[dict[str, Any]]:
    """Each pair, the second against the first."""
    return [_pair(ours, theirs) for theirs, ours in combinations(sides, 2)]


def _pair(ours: Side, theirs: Side) -> dict[str, Any]:
    facts: dict[str, Any] = {"ours": ours.label, "theirs": theirs.label, "problem": cmp.why_not_rows(theirs, ours)}
    if facts["problem"] or ours.result is None or theirs.result is None:
        return facts
    found = flips(ours.result, theirs.result)
    gap = difference(ours.result, theirs.result, ours.maximize)
    return {
        **facts,
        "difference": gap._asdict() if gap else None,
        "right": [flip.ours.id for flip in found.right],
        "wrong": [flip.ours.id for flip in found.wrong],
        "both_right": found.both_right,
        "both_wrong": found.both_wrong,
        "sign_test": found.luck,
    }
