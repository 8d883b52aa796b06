"""What the live store knows, as of an earlier moment: its records, and what had been read from directories by then."""

from __future__ import annotations

from dataclasses import replace

from engine.search.events import Record
from trex_tui.model.folders import FolderView
from trex_tui.model.store import Store
from trex_tui.model.telemetry import TrialView


def held(live: Store, since: int) -> list[Record]:
    """The last records above `since`, as far back as the store's logs still hold every one of them."""
    found: list[Record] = []
    for view in live.runs.values():
        for line in reversed(view.log.lines):
            if isinstance(line, Record):
                if line.seq <= since:
                    break
                found.append(line)
    found.sort(key=lambda record: record.seq)
    whole = 0
    while whole < len(found) and found[-1 - whole].seq == live.last_seq - whole:
        whole += 1
    return found[len(found) - whole :]


def course(past: Store, run: str, trial: str, view: TrialView, moment: float) -> TrialView | None:
    """A trial's course up to a moment; None where it had not begun."""
    owner = past.runs.get(run)
    node = owner.tree.nodes.get(trial.split("t")[0]) if owner else None
    then = node.trials.get(trial) if node else None
    if then is None or not (then.attempts or then.score):
        return None
    return view.until(moment, then.score is not None)


def folder(view: FolderView, moment: float) -> FolderView:
    """The files that were there already, as far as their times say."""
    entries = tuple(entry for entry in view.entries if entry.time <= moment)
    made = any(entry.name == "report.json" for entry in entries)
    return replace(view, entries=entries, report=view.report if made else None)
