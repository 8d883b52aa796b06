"""One run's records among all of a history: where each stands in time, and which of them a person looks for. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from engine.search import events as ev


class Timeline:
    """Positions are 1 for the run's first event, and so on. The lists of marks are positions, rising."""

    def __init__(self, run: str, records: Sequence[ev.Record] = ()) -> None:
        self.run = run
        self.counts: list[int] = []  # position - 1 -> records of the whole history up to that event
        self.times: list[float] = []  # likewise, Unix seconds
        self.nodes: list[int] = []
        self.better: list[int] = []  # a score that no trial before had reached
        self.failures: list[int] = []
        self._seen = 0
        self._maximize = True
        self._best: float | None = None
        self.extend(records)

    def __len__(self) -> int:
        return len(self.counts)

    def extend(self, records: Sequence[ev.Record]) -> None:
        """Take over what the history has gained; `records` are all of it."""
        for index in range(self._seen, len(records)):
            if records[index].run == self.run:
                self.counts.append(index + 1)
                self.times.append(records[index].time)
                self._mark(records[index].event)
        self._seen = len(records)

    def at(self, moment: float) -> int:
        """The position of the last event up to a moment; the first one where the run had not begun."""
        return max(1, bisect_right(self.times, moment))

    def node_before(self, position: int) -> int:
        """The latest node that came before this event; the run's beginning where there is none."""
        at = bisect_left(self.nodes, position)
        return self.nodes[at - 1] if at else 1

    def node_after(self, position: int) -> int:
        """The next node that came after this event; the end where there is none."""
        at = bisect_right(self.nodes, position)
        return self.nodes[at] if at < len(self.nodes) else len(self)

    def _mark(self, event: ev.AnyEvent) -> None:
        match event:
            case ev.RunCreated():
                self._maximize = event.maximize
            case ev.NodeAdded() | ev.Forked():
                self.nodes.append(len(self))
            case ev.Finished():
                self._judge(event.score)
            case ev.Failed() if event.kind != "cancelled":
                self.failures.append(len(self))

    def _judge(self, score: float) -> None:
        """The first score is the base model's, and no improvement."""
        if self._best is None:
            self._best = score
        elif (score > self._best) if self._maximize else (score < self._best):
            self._best = score
            self.better.append(len(self))
