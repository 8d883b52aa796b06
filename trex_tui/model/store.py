"""What the interface knows: the trees of all runs, folded from records, and what has changed since it last drew.

Plain data. Whoever receives records pushes them in; widgets pull from here at their own pace, so that a flood of
events costs one redraw a tick. A run's tree is the engine's own fold (`engine.search.tree`), not a second one.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import msgspec

from engine.control.protocol import Pulse
from engine.errors import TrexError
from engine.search import events as ev
from engine.search.fold import apply
from engine.search.tree import ROOT, ROOT_TRIAL, Tree, Trial
from trex_tui.model.folders import FolderView
from trex_tui.model.log_text import RECENT, repeats, supersedes
from trex_tui.model.telemetry import Chunk, TrialView

Part = Literal["runs", "tree", "log", "status", "telemetry"]
LinkKind = Literal["connecting", "live", "down", "refused", "replay", "past"]

_REARRANGING = (
    ev.RunCreated,
    ev.NodeAdded,
    ev.Forked,
    ev.Finished,
    ev.FlagSet,
    ev.StopAsked,
)  # what order or the best may follow

_PROCESSES = (ev.Launched, ev.Finished, ev.Failed, ev.Interrupted, ev.Retried)  # what a trial's state may follow

SILENT_AFTER = 5.0  # seconds without a pulse; the engine sends one every second
LOG_LIMIT = 20_000
WORDS = 1000  # calls of the Researcher whose prompt and answer are held; 10,000 nodes have 90 MB of them


class Line(NamedTuple):
    """A line of a trial's own log, in the log of its run. `times`: how often it was said lately."""

    time: float
    trial: str
    text: str
    times: int = 1


class Words(NamedTuple):
    """What the Researcher was given and what it answered, word for word."""

    prompt: str
    answer: str


class Link(NamedTuple):
    """How the interface is connected. `text`: one sentence for the person, where something is wrong.

    `last_seq`: of the engine's history when it answered. `told`: an engine that is down was told to end. `recorded`:
    the past is that of a recording.
    """

    kind: LinkKind
    text: str = ""
    last_seq: int = 0
    told: bool = False
    recorded: bool = False


@dataclass(slots=True)
class LogLines:
    """A bounded list of lines; `dropped` counts those that were forgotten at its front."""

    lines: list[ev.Record | Line] = field(default_factory=list)
    dropped: int = 0

    def append(self, line: ev.Record | Line) -> None:
        self.lines.append(line)
        if len(self.lines) > LOG_LIMIT + LOG_LIMIT // 5:  # in chunks, so that an append stays cheap
            surplus = len(self.lines) - LOG_LIMIT
            del self.lines[:surplus]
            self.dropped += surplus

    def say(self, line: Line) -> None:
        """A trial's own line. It takes the place of a recent one that it repeats, or whose progress it goes on with."""
        for at in range(len(self.lines) - 1, max(-1, len(self.lines) - 1 - RECENT), -1):
            old = self.lines[at]
            if not isinstance(old, Line) or old.trial != line.trial:
                continue
            if repeats(line.text, old.text):
                self.lines[at] = line._replace(times=old.times + 1)
                return
            if supersedes(line.text, old.text):
                self.lines[at] = line
                return
        self.append(line)


@dataclass(slots=True)
class RunView:
    """One run: its tree, its nodes in the order in which they came, its log."""

    tree: Tree = field(default_factory=Tree)
    order: list[str] = field(default_factory=list)
    log: LogLines = field(default_factory=LogLines)
    best: Trial | None = None  # the tree's best_trial(), kept up to date: walking 10,000 nodes a tick is too slow
    calls: dict[str, tuple[ev.Asked, ...]] = field(default_factory=dict)  # of the Researcher, by node, without words
    words: dict[str, Words] = field(default_factory=dict)  # by call, the newest
    places: dict[str, int] = field(default_factory=dict)  # by call: the number of its record
    _at_work: dict[str, None] = field(default_factory=dict)  # trials; walking the tree for them is too slow
    _flags: dict[str, frozenset[ev.Flag]] = field(default_factory=dict)  # `inherited`, as far as it was asked for

    def take(self, record: ev.Record) -> None:
        """Fold one record in. Raises KeyError, AssertionError where it does not fit what went before."""
        if isinstance(record.event, ev.Asked):
            record = self._silent(record, record.event)
        self.tree = apply(self.tree, record)
        self.log.append(record)
        if isinstance(record.event, _REARRANGING):
            self._rearrange(record.event)
        if isinstance(record.event, _PROCESSES) and record.event.trial:
            self._at_work.pop(record.event.trial, None)
            if self.tree.trial(record.event.trial).state == "running":
                self._at_work[record.event.trial] = None

    def _silent(self, record: ev.Record, call: ev.Asked) -> ev.Record:
        """The record without its words, which are held apart, the oldest not at all: the journal has them."""
        if call.prompt or call.answer:
            self.words.pop(call.call, None)
            self.words[call.call] = Words(call.prompt, call.answer)
        if len(self.words) > WORDS:
            del self.words[next(iter(self.words))]
        self.places[call.call] = record.seq
        silent = msgspec.structs.replace(call, prompt="", answer="")
        others = (known for known in self.calls.get(call.node, ()) if known.call != call.call)
        self.calls[call.node] = (*others, silent)
        return msgspec.structs.replace(record, event=silent)

    @property
    def running(self) -> list[Trial]:
        """The trials at work, in the order in which they began."""
        return [self.tree.trial(name) for name in self._at_work]

    def _rearrange(self, event: ev.Event) -> None:
        match event:
            case ev.RunCreated():
                self.order.append(ROOT)
            case ev.NodeAdded() | ev.Forked():
                self.order.append(event.node)
            case ev.Finished():
                self._consider(self.tree.trial(event.trial))
            case ev.StopAsked():  # lifts a pause of the whole
                self._flags.clear()
            case ev.FlagSet(flag=flag):
                self._flags.clear()
                if flag == "pruned":
                    self.best = self.tree.best_trial()

    def inherited(self, node: str) -> frozenset[ev.Flag]:
        """The flags of a node and of all its ancestors."""
        path, here = [], node
        while here not in self._flags:
            path.append(here)
            if here == ROOT:
                break
            here = self.tree.nodes[here].parent
        flags = self._flags.get(here, frozenset())
        for name in reversed(path):
            flags |= self.tree.nodes[name].flags
            self._flags[name] = flags
        return flags

    def _consider(self, trial: Trial) -> None:
        assert trial.score is not None
        old = self.best.score if self.best else None
        better = old is None or self.tree.better(trial.score.value, old.value)
        if better and not self.tree.flagged(trial.node, "pruned"):
            self.best = trial

    @property
    def paused(self) -> bool:
        """By a person (a flag on the root) or by the engine."""
        return self.tree.paused

    @property
    def over(self) -> bool:
        return self.tree.state in ("done", "stopped", "failed")

    @property
    def word(self) -> str:
        """The run's state in one word."""
        return "paused" if self.paused and not self.over else self.tree.state


class Store:
    """Everything on screen comes from here. `dirty` names what has changed since `take_dirty`."""

    def __init__(self) -> None:
        self.runs: dict[str, RunView] = {}
        self.trials: dict[tuple[str, str], TrialView] = {}
        self.folders: dict[tuple[str, str], FolderView] = {}  # by run and node, or run and trial
        self.losses: dict[tuple[str, str], array[float]] = {}  # of trials that have ended: a few points each
        self.last_seq = 0
        self.pulse: Pulse | None = None
        self.heard = 0.0  # Unix seconds of the last message
        self.link = Link("connecting")
        self.unreadable = ""  # why records could not be folded
        self.read_only = ""  # why nothing may be changed from here
        self.recall: Callable[[int], Words | None] = lambda _seq: None  # a call's words, by its record's number
        self.behind: Store | None = None  # the live store, where this one shows the past
        self._dirty: set[Part] = set()
        self._touched: set[tuple[str, str]] = set()

    def records(self, records: Iterable[ev.Record]) -> None:
        """Fold records in. Those that are known already (a reconnect) are left out."""
        for record in records:
            if record.seq <= self.last_seq:
                continue
            self.last_seq = record.seq
            self._fold(record)
        self._dirty |= {"runs", "tree", "log", "status"}

    def _fold(self, record: ev.Record) -> None:
        view = self.runs.get(record.run)
        if view is None:
            view = self.runs[record.run] = RunView()
        event = record.event
        try:
            view.take(record)
        except (KeyError, AssertionError, TrexError):
            self.unreadable = f"record {record.seq} does not fit what went before; is this engine of another version?"
            return
        node = getattr(event, "node", "") or getattr(event, "trial", "").split("t")[0]
        self._touched.add((record.run, node))

    def beat(self, pulse: Pulse, now: float) -> None:
        self.pulse, self.heard = pulse, now
        self._dirty.add("status")

    def connection(self, link: Link, now: float) -> None:
        self.link, self.heard = link, now
        if link.kind != "live":
            self.pulse = None
        self._dirty |= {"status", "runs"}

    def telemetry(self, run: str, trial: str, chunk: Chunk, now: float) -> None:
        """What was read from a trial's directory since the last time."""
        if chunk.empty:
            return
        view = self.trials.setdefault((run, trial), TrialView())
        fresh = view.take(chunk)
        owner = self.runs.get(run)
        if owner is not None and any(t.id == trial for t in owner.running):
            for text in fresh:
                owner.log.say(Line(now, trial, text))
            if fresh:
                self._dirty.add("log")
        self._dirty |= {"telemetry", "tree"}
        self._touched.add((run, trial.split("t")[0]))

    def folder(self, run: str, name: str, view: FolderView) -> None:
        """What lies in the directory of a node or a trial now."""
        if self.folders.get((run, name)) != view:
            self.folders[run, name] = view
            self._dirty.add("telemetry")
            self._touched.add((run, name.split("t")[0]))

    def origin(self, run: str, trial: str) -> str:
        """The run whose own work a reused score is; "" where the score is this run's, or the other is not known."""
        view = self.runs.get(run)
        if trial != ROOT_TRIAL or view is None or ROOT not in view.tree.nodes:
            return ""
        here = view.tree.trial(trial)
        if not here.reused:
            return ""
        for name, other in self.runs.items():
            there = other.tree.trial(trial) if ROOT in other.tree.nodes else here
            if not there.reused and there.result_sha256 == here.result_sha256:
                return name
        return ""

    def glanced(self, run: str, losses: dict[str, array[float]]) -> None:
        """The loss of trials that have ended, by trial."""
        self.losses.update({(run, trial): loss for trial, loss in losses.items()})
        self._dirty.add("telemetry")

    def take_dirty(self) -> tuple[frozenset[Part], frozenset[tuple[str, str]]]:
        """The changed parts and the (run, node) pairs touched, since the last call."""
        taken = frozenset(self._dirty), frozenset(self._touched)
        self._dirty.clear()
        self._touched.clear()
        return taken

    def words(self, run: str, call: str) -> Words | None:
        """What was asked and answered in a call; None where it cannot be read any more."""
        view = self.runs[run]
        found = view.words.get(call) or self.recall(view.places.get(call, 0))
        return found or (self.behind.words(run, call) if self.behind and run in self.behind.runs else None)

    def silence(self, now: float) -> float:
        """Seconds since the engine was last heard, where it should have been; otherwise 0."""
        if self.link.kind != "live":
            return 0.0
        quiet = now - self.heard
        return quiet if quiet > SILENT_AFTER else 0.0

    def default_run(self) -> str:
        """The run to show when none was named: the one at work, else the latest."""
        if self.pulse and self.pulse.run in self.runs:
            return self.pulse.run
        alive = [name for name, view in self.runs.items() if not view.over]
        return alive[0] if alive else next(reversed(self.runs), "")
