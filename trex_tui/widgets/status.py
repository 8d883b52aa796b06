"""The header: which search, how good, how long, what is happening now and why, what comes next, the machine.

Each line is a list of parts in order of importance; those that do not fit are left out whole, never cut.
"""

from __future__ import annotations

import math
import time
from typing import NamedTuple

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from engine.search.tree import ROOT, Tree
from trex_tui.host import Host
from trex_tui.model import format as fmt
from trex_tui.model.machine import Gauge, gauges
from trex_tui.model.spending import Counts, counts, kept_back, spending, time_said
from trex_tui.model.store import RunView, Store
from trex_tui.widgets.gauges import drawn
from trex_tui.widgets.status_now import STRONG, WARN, link_word, next_parts, now_parts, paired

GAP = "   "
GOOD = "bold $text-success"
ANEW = 1.0  # seconds between walks over the whole tree, while it changes
PHONE = Size(60, 18)  # below either, three lines must do
MIDDLE = 68  # columns below which there may be room for either the time spent or the end: the end it is
TALL = 34  # rows from which the machine has a line of its own

Parts = list[Content]


class Counted(NamedTuple):
    """What is said of the whole tree; the base model's judgement is no trial of the search."""

    counts: Counts
    done: int = 0
    failed: int = 0
    waiting: int = 0
    kept_back: float = 0.0  # seconds for confirming, testing and the report
    upcoming: tuple[str, ...] = ()


class Status(Widget):
    """Draws itself from the store on show. Its height depends on the terminal's size alone."""

    def __init__(self, host: Host, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._host = host
        self.run = ""
        self._counted = ("", 0, 0.0, Counted(Counts(0, 0)))
        self._counted_in: Store | None = None  # returning from the past is another tree, however near its number

    def get_content_height(self, _container: Size, _viewport: Size, _width: int) -> int:
        return height(self.app.size)

    def render(self) -> Content:
        host = self._host
        machine = gauges(host.machine, speed(host.live, self.run)) if host.store is host.live else ()
        shown = lines(host.store, self.run, host.now(), self.app.size, machine, self._count(), self.size.width)
        return Content("\n").join(shown)

    def _count(self) -> Counted | None:
        """What was counted in the tree on show; anew where it has changed, but not at every redraw of a flood."""
        view = self._host.store.runs.get(self.run)
        if view is None or view.tree.created is None:
            return None
        run, seq, at, _ = self._counted
        moment = time.monotonic()
        other = run != self.run or self._counted_in is not self._host.store
        if other or (seq != view.tree.last_seq and (moment - at > ANEW or seq > view.tree.last_seq)):
            self._counted_in = self._host.store
            self._counted = (self.run, view.tree.last_seq, moment, count(view.tree, self._host.now()))
        return self._counted[3]


def height(terminal: Size) -> int:
    """Lines of the header on a terminal of this size."""
    if terminal.width < PHONE.width or terminal.height < PHONE.height:
        return 3
    return 6 if terminal.height >= TALL else 5


def speed(store: Store, run: str) -> float:
    """Tokens a second of the trial that trains; 0 where none does."""
    holder = store.pulse.holder if store.pulse and store.pulse.run == run else ""
    seen = store.trials.get((run, holder))
    training = seen is not None and seen.state is not None and seen.state.phase == "training"
    return seen.last.tokens_per_second if seen and seen.last and training else 0.0


def count(tree: Tree, now: float) -> Counted:
    """What the header says of the whole tree."""
    from trex_tui.model import agenda  # with the policies: the first paint has no tree yet

    nodes = [node for node in tree.nodes.values() if node.id != ROOT]
    states = [trial.state for node in nodes for trial in node.trials.values()]
    alive = [trial.state for node in nodes if not node.failed for trial in node.trials.values()]
    return Counted(
        counts(tree),
        states.count("done"),
        states.count("failed"),
        alive.count("queued") + alive.count("interrupted"),
        kept_back(tree) if len(nodes) <= agenda.LARGE and not tree.over else 0.0,
        agenda.upcoming(tree, now),
    )


def lines(
    store: Store,
    run: str,
    now: float,
    terminal: Size,
    machine: tuple[Gauge, ...] = (),
    counted: Counted | None = None,
    width: int = 0,
) -> list[Content]:
    """The header's lines, each at most `width` cells (the terminal's where 0)."""
    width = width or terminal.width
    view = store.runs.get(run)
    if view is None or view.tree.created is None:
        first = fit([Content.styled("TREX", "bold $primary"), link_word(store, now), *drawn(machine)], width)
        return [first, fit([Content.styled(store.unreadable or store.link.text, WARN)], width)]
    known = counted or count(view.tree, now)
    if height(terminal) == 3:
        return [fit(parts, width) for parts in _on_a_phone(store, view, run, now)]
    after = next_parts(store, view, run, known.upcoming)
    own_line = height(terminal) == 6
    found = [
        _which(store, view, run, now),
        _how_good(view),
        _how_long(store, view, run, now, width, known),
        now_parts(store, view, run, now, width),
        [*after, *([] if own_line else drawn(machine))],
        *([drawn(machine)] if own_line else []),
    ]
    return [fit(parts, width) for parts in found]


def fit(parts: Parts, width: int) -> Content:
    """The parts that fit, first come first served; the first is cut where even it is too long."""
    parts = [part for part in parts if part.plain] or [Content("")]
    taken = parts[0].truncate(max(1, width), ellipsis=True)
    for part in parts[1:]:
        if taken.cell_length + len(GAP) + part.cell_length <= width:
            taken = Content(GAP).join([taken, part])
    return taken


def _on_a_phone(store: Store, view: RunView, run: str, now: float) -> list[Parts]:
    """The best, what runs, when it ends."""
    tree, best = view.tree, view.best
    leader = tree.trial(tree.champion) if tree.champion else best
    score = fmt.score(leader.score) if leader and leader.score else "no score yet"
    gained = fmt.gain(leader.score, tree.score(ROOT), tree.maximize) if leader and leader.node != ROOT else ""
    name = leader.id if leader else ""
    return [
        [
            Content.assemble((f"{fmt.GLYPHS.get(view.word, '?')} ", _mood(view)), (f"{fmt.BEST} {name} {score}", GOOD)),
            Content.styled(gained, STRONG),
            Content(fmt.clean(tree.setup.task)),
        ],
        now_parts(store, view, run, now, 40),
        [
            _end(store, view, run, now, brief=True),
            paired("spent", time_said(tree, now)),
            link_word(store, now),
        ],
    ]


def _mood(view: RunView) -> str:
    return WARN if view.word in ("paused", "failed", "stopped") else GOOD


def _which(store: Store, view: RunView, run: str, now: float) -> Parts:
    setup = view.tree.setup
    return [
        Content.assemble(("TREX ", "bold $primary"), (fmt.clean(setup.task), STRONG)),
        Content.styled(fmt.state(view.word), _mood(view)),
        link_word(store, now),
        paired("run", run),
        paired("policy", setup.policy),
        paired("Researcher", setup.researcher),
        paired("base model", setup.base_model),
    ]


def _how_good(view: RunView) -> Parts:
    tree, best = view.tree, view.best
    base = tree.score(ROOT)
    leader = tree.trial(tree.champion) if tree.champion else best
    if leader is None or leader.score is None:
        return [paired("best", "no score yet")]
    if leader.node == ROOT:
        return [paired("best", f"the base model itself, {fmt.interval(leader.score)}")]
    name = "champion" if tree.champion else "best"
    parts = [paired(name, f"{leader.id} {fmt.interval(leader.score)}", GOOD)]
    if base:
        parts.append(paired("base", fmt.score(base)))
        parts.append(paired("gain", fmt.gain(leader.score, base, tree.maximize), STRONG))
    if leader.confirm:
        parts.append(paired("confirm", fmt.interval(leader.confirm)))
    parts.append(paired("metric", f"{tree.setup.metric}, {'higher' if tree.maximize else 'lower'} is better"))
    return parts


def _how_long(store: Store, view: RunView, run: str, now: float, width: int, counted: Counted) -> Parts:
    """What is spent of what may be spent. The bar: of the time, else of the rounds."""
    tree, brief = view.tree, width < 100
    spent = {line.name: line for line in spending(tree, now, counted.counts)}
    timed = math.isfinite(tree.allowed_seconds)
    share = spent["wall" if timed else "rounds"].share
    done = f"{counted.done} done"
    if not brief:
        done += f", {counted.failed} failed" if counted.failed else ""
        done += f", {counted.waiting} waiting" if counted.waiting and not view.over else ""
    when = [paired("spent", time_said(tree, now)), _end(store, view, run, now, brief)]
    limits, reserve = tree.limits, timed and counted.kept_back and not view.over
    return [
        Content.assemble(
            (fmt.bar(share, 8 if brief else 24), "$primary"),
            f" {min(share, 9.99):.0%}" + ("" if timed else " of the rounds"),
        ),
        *(when if width >= MIDDLE else reversed(when)),
        paired("trials", done + (f", at most {limits.trials}" if limits.trials else "")),
        paired("round", f"{counted.counts.rounds} of {limits.rounds}"),
        *([paired("kept for test and report", fmt.duration(counted.kept_back))] if reserve else []),
        *([paired("device", f"{spent['device'].used} of {spent['device'].limit}")] if limits.device_seconds else []),
        *([paired("disk", f"at most {spent['disk'].limit}")] if limits.disk_bytes else []),
        *([paired("hints", str(len(tree.hints)))] if tree.hints else []),
    ]


def _end(store: Store, view: RunView, run: str, now: float, brief: bool) -> Content:
    """When it ended or will end."""
    if view.over:
        return paired("ended", fmt.day(view.tree.ended_at)) if view.tree.ended_at is not None else Content("")
    eta = store.pulse.eta if store.pulse and store.pulse.run == run else 0.0
    if not eta:
        return paired("ends", "not known yet") if view.word == "running" and not brief else Content("")
    when = fmt.clock(eta) if eta - now < 86400 else fmt.day(eta)
    return paired("ends", f"about {when}" if brief else f"about {when}, in {fmt.duration(eta - now)}")
