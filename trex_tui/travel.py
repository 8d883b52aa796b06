"""Time travel: which moment is on show, the steps from there, and playing on. No widgets, and no keys.

The live store goes on meanwhile. What came since is added at the end of the history, and nothing else of it is seen.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Iterable
from itertools import takewhile

from engine.search.events import Record
from trex_tui.model import format as fmt
from trex_tui.model.as_of import course, folder, held
from trex_tui.model.history import History, PastStore
from trex_tui.model.sentences import sentence
from trex_tui.model.store import Link, Part, Store
from trex_tui.model.timeline import Timeline

LONGEST = 1.5  # seconds between two events when they are played
AT_NOW = "this is now; [ goes one event back"
AT_START = "the search began here; ] goes on"

Archive = Callable[[], Iterable[Record]]
"""All records, from the first one on. Read in a thread. Raises TrexError."""

ALL: frozenset[Part] = frozenset({"runs", "tree", "log", "status", "telemetry"})
Dirty = tuple[frozenset[Part], frozenset[tuple[str, str]]]


class Travel:
    """`past` is the store of the moment on show, None = now. Positions: see `Timeline`. `now` gives Unix seconds."""

    def __init__(self, live: Store, archive: Archive, now: Callable[[], float]) -> None:
        self._live, self._archive, self._now = live, archive, now
        self._history: History | None = None
        self.timeline = Timeline("")
        self.position, self.moment = 0, 0.0
        self.playing, self.speed = False, 1.0
        self._left_at = 0  # the last record that was known when the person went back
        self._played = 0.0  # seconds since the event on show was reached
        self._taken = 0.0  # when `take` was called last
        self._opening = asyncio.Lock()
        self._returned = ""  # the run on show, when the person has just come back

    @property
    def past(self) -> PastStore | None:
        return self._history.store if self._history is not None and self.position else None

    @property
    def new(self) -> int:
        """Events that have come since the person left the present."""
        return max(0, self._live.last_seq - self._left_at)

    @property
    def ends(self) -> float:
        """Where the run's axis ends: with its last event, or now where it goes on. Only in the past."""
        last, view = self.timeline.times[-1], self._live.runs.get(self.timeline.run)
        return last if view is None or view.over else max(last, self._now())

    @property
    def record(self) -> Record:
        """The event at the moment on show. Only in the past."""
        assert self._history is not None
        return self._history.records[self.timeline.counts[self.position - 1] - 1]

    @property
    def refusal(self) -> str:
        """Why nothing can be steered now."""
        return f"this is how it was at {fmt.clock(self.moment)}; end returns to now"

    async def step(self, run: str, by: int) -> str:
        """So many events on, or back. What is returned here and below is to be said; "" = nothing."""
        if self.past is None and by > 0:
            return AT_NOW
        at = await self._begin(run)
        if at == 1 and by < 0:
            return AT_START
        self._go(at + by)
        return ""

    async def step_node(self, run: str, by: int) -> str:
        """To the next node that was added, or the one before."""
        if self.past is None and by > 0:
            return AT_NOW
        at = await self._begin(run)
        if at == 1 and by < 0:
            return AT_START
        self._go(self.timeline.node_after(at) if by > 0 else self.timeline.node_before(at))
        return ""

    async def seek(self, run: str, moment: float) -> str:
        """To a moment between two events, or at one; after the last one too, while the run goes on."""
        if await self._begin(run):
            self._go(self.timeline.at(moment), moment)
        return ""

    async def play(self, run: str) -> str:
        """Play from the moment on show, or from the beginning; where it plays, stop."""
        if self.playing:
            self.playing = False
            return "stopped; the action `play` goes on"
        now = self.past is None
        at = await self._begin(run)
        self._go(1 if now else at)
        self.playing, self._played = True, 0.0
        return f"playing, {self.speed:g} x; [ and ] stop it"

    def turn_to(self, run: str) -> None:
        """Another run is on show, at the same moment. One that had ended is seen at its end."""
        if self._history is not None and self.past is not None and run != self.timeline.run:
            self.playing = False
            self.timeline = Timeline(run, self._history.records)
            self.position = max(1, bisect_right(self.timeline.counts, self._history.count))

    def leave(self) -> None:
        """Back to now."""
        self._history, self.position, self.playing = None, 0, False
        self.timeline, self._returned = Timeline(""), self.timeline.run

    def take(self, dirty: Dirty, clock: float) -> Dirty:
        """What is to be drawn, given what has changed in the live store. `clock`: seconds that only rise."""
        parts, touched = dirty
        seconds, self._taken = clock - self._taken, clock
        if self._history is not None and self.past is not None:
            self._follow(self._history)
            if self.playing:
                self._play_on(seconds)
        if self.past is not None:
            if "telemetry" in parts:
                self._cut()
            mine, moved = self.past.take_dirty()
            return mine | parts & {"telemetry", "status"}, moved | touched
        run, self._returned = self._returned, ""
        return (parts | ALL, touched | {(run, "")}) if run else dirty

    def _follow(self, history: History) -> None:
        """Add what has come since to the end of what was."""
        if self._live.last_seq > history.last_seq:
            fresh = held(self._live, history.last_seq)
            if fresh and fresh[0].seq == history.last_seq + 1:  # otherwise one is missing: the next journey reads it
                history.extend(fresh)
                self.timeline.extend(history.records)

    async def _begin(self, run: str) -> int:
        """Read what was, unless that is done; the position on show, behind the last event at first."""
        self.playing = False
        async with self._opening:
            if self._history is None:
                self._left_at = self._live.last_seq
                self._history = await asyncio.to_thread(self._read, held(self._live, 0))
        if self.timeline.run != run:
            self.timeline = Timeline(run, self._history.records)
        return min(self.position, len(self.timeline)) or len(self.timeline)

    def _read(self, held: list[Record]) -> History:
        """The history: what the live store still holds, and before that what the archive has."""
        first = held[0].seq if held else self._left_at + 1
        early = takewhile(lambda record: record.seq < first, self._archive()) if first > 1 else ()
        history = History([*early, *held])
        history.show(len(history.records))
        return history

    def _go(self, position: int, moment: float | None = None) -> None:
        """To a position, at its event's time or later. The last event without another moment is now."""
        assert self._history is not None
        times, position = self.timeline.times, max(1, position)
        if position > len(times) or (position == len(times) and moment is None):
            self.leave()
            return
        began, ends = times[position - 1], times[position] if position < len(times) else self.ends
        self.position, self.moment = position, began if moment is None else min(max(moment, began), ends)
        before, count = self._history.count, self.timeline.counts[position - 1]
        self._history.show(count)
        past = self._history.store
        past.link, past.behind = Link("past", self.refusal, recorded=self._live.link.kind == "replay"), self._live
        past.moved(self.timeline.run, self._history.records[min(before, count) : max(before, count)])
        self._cut()

    def _play_on(self, seconds: float) -> None:
        """Pauses are shortened to `LONGEST`; in them the curves grow."""
        self._played += seconds * self.speed
        at = self.position
        while at < len(self.timeline):
            pause = self.timeline.times[at] - self.timeline.times[at - 1]
            shown = min(pause, LONGEST)
            if self._played < shown:
                self._go(at, self.timeline.times[at - 1] + pause * self._played / shown)
                return
            self._played -= shown
            at += 1
        self._go(at)

    def _cut(self) -> None:
        """What is known of the trials' directories, as far as it was there at the moment on show."""
        assert self._history is not None
        past, live = self._history.store, self._live
        past.trials = {
            key: seen for key, view in live.trials.items() if (seen := course(past, *key, view, self.moment))
        }
        past.folders = {key: folder(view, self.moment) for key, view in live.folders.items()}


def said(record: Record) -> str:
    """The event as a sentence."""
    return fmt.clean(sentence(record.event))
