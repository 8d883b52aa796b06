"""The form of the budget: what the run may spend, beside what it has spent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from engine import limits
from engine.amounts import NONE
from engine.control import protocol as p
from engine.errors import BadInput
from engine.search.steering import limits_said
from engine.search.tree import Tree
from trex_tui.forms.sheet import Remarks, Row, Sheet, Values, changed, whole
from trex_tui.model.format import duration
from trex_tui.model.spending import Spending, counts, kept_back, spending

LABELS = {"wall": "time", "device": "on the device", "disk": "on the disk"}


class BudgetSheet(Sheet):
    """`disk` measures the run's folder (bytes); `now` in Unix seconds."""

    kind, verb = "budget", "change"
    first = "rounds"
    lead = "Time: 90m, 8h, until 07:00. Device: 6h. Disk: 20GB. none = no limit (rounds always have one)."

    def __init__(
        self, run: str, tree: Callable[[], Tree], by: str, now: Callable[[], float], disk: Callable[[], int]
    ) -> None:
        self._run, self._tree, self._by, self._now, self._measure = run, tree, by, now, disk
        self._seen = tree().last_seq  # what somebody else changes while the form is open makes the engine refuse
        self._counts = counts(tree())
        self._disk: int | None = None
        self.title = f"what {run} may spend"
        self.rows = tuple(Row(line.name, LABELS.get(line.name, line.name), line.limit) for line in self._lines())

    def prepare(self) -> None:
        self._disk = self._measure()

    def remarks(self, values: Values) -> Remarks:
        notes = {line.name: line.used for line in self._lines()}
        edits = changed(self.rows, values)
        below = f"{duration(kept_back(self._tree()))} of the time are kept back for confirming, testing and the report."
        if edits:
            try:
                new = limits.changed(self._tree().limits, self.command(values), datetime.fromtimestamp(self._now()))
                below = f"then: {limits_said(new)}"
            except BadInput as problem:
                below = f"! {problem}"
        return Remarks(notes, frozenset(edits), below)

    def command(self, values: Values) -> p.SetBudget:
        edits = changed(self.rows, values)
        if not edits:
            raise BadInput("nothing is changed yet", hint="write other limits, or leave with esc")
        command = p.SetBudget(
            id=0,
            run=self._run,
            rounds=whole(edits["rounds"], "rounds", 100_000, 1) if "rounds" in edits else None,
            trials=whole(_lifted(edits["trials"]), "trials", 1_000_000) if "trials" in edits else None,
            wall=edits.get("wall"),
            device=edits.get("device"),
            disk=edits.get("disk"),
            by=self._by,
            seen=self._seen,
        )
        limits.changed(self._tree().limits, command, datetime.fromtimestamp(self._now()))
        return command

    def _lines(self) -> tuple[Spending, ...]:
        return spending(self._tree(), self._now(), self._counts, self._disk)


def _lifted(text: str) -> str:
    return "0" if text in NONE else text
