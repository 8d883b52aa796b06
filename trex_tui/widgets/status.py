"""The four lines at the top: which search, how good, how long, what is happening now.

Each line is a list of parts in order of importance; those that do not fit are left out whole, never cut.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from textual.content import Content
from textual.widget import Widget

from engine.search.tree import ROOT, Tree
from trex_tui.host import Host
from trex_tui.model import format as fmt
from trex_tui.model.spending import Counts, counts, spending, time_said
from trex_tui.model.state import author, held, who_set
from trex_tui.model.store import RunView, Store

GAP = "   "
LABEL, STRONG, WARN, GOOD = "$quiet", "bold", "bold $text-warning", "bold $text-success"

Parts = list[Content]


class Status(Widget):
    """Draws itself from the store on show."""

    def __init__(self, host: Host, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._host = host
        self.run = ""
        self._counted = ("", 0, Counted(Counts(0, 0), 0, 0, 0))

    def render(self) -> Content:
        return Content("\n").join(lines(self._host.store, self.run, self._host.now(), self.size.width, self._count()))

    def _count(self) -> Counted | None:
        """The counts of the tree on show, made anew only when it has changed."""
        view = self._host.store.runs.get(self.run)
        if view is None:
            return None
        if self._counted[:2] != (self.run, view.tree.last_seq):
            self._counted = (self.run, view.tree.last_seq, count(view.tree))
        return self._counted[2]


class Counted(NamedTuple):
    """What the header says of all trials; the base model's judgement is no trial of the search."""

    counts: Counts
    done: int
    failed: int
    waiting: int


def count(tree: Tree) -> Counted:
    nodes = [node for node in tree.nodes.values() if node.id != ROOT]
    states = [trial.state for node in nodes for trial in node.trials.values()]
    alive = [trial.state for node in nodes if not node.failed for trial in node.trials.values()]
    waiting = alive.count("queued") + alive.count("interrupted")
    return Counted(counts(tree), states.count("done"), states.count("failed"), waiting)


def lines(store: Store, run: str, now: float, width: int, counted: Counted | None = None) -> list[Content]:
    """The header's lines, each at most `width` cells."""
    view = store.runs.get(run)
    if view is None or view.tree.created is None:
        first = _fit([Content.styled("TREX", "bold $primary"), _link(store, now)], width)
        return [first, _fit([Content.styled(store.unreadable or store.link.text, WARN)], width)]
    return [
        _fit(_which(store, view, run, now), width),
        _fit(_how_good(view), width),
        _fit(_how_long(store, view, run, now, width, counted or count(view.tree)), width),
        _fit(_what_now(store, view, run, now, width), width),
    ]


def _fit(parts: Parts, width: int) -> Content:
    """The parts that fit, first come first served; the first is cut where even it is too long."""
    taken = parts[0].truncate(max(1, width), ellipsis=True)
    for part in parts[1:]:
        if part.plain and taken.cell_length + len(GAP) + part.cell_length <= width:
            taken = Content(GAP).join([taken, part])
    return taken


def _pair(name: str, value: str, style: str = "") -> Content:
    return Content.assemble((f"{name} ", LABEL), (value, style))


def _which(store: Store, view: RunView, run: str, now: float) -> Parts:
    setup = view.tree.setup
    style = WARN if view.word in ("paused", "failed", "stopped") else GOOD
    return [
        Content.assemble(("TREX ", "bold $primary"), (fmt.clean(setup.task), STRONG)),
        Content.styled(fmt.state(view.word), style),
        _link(store, now),
        _pair("run", run),
        _pair("policy", setup.policy),
        _pair("Researcher", setup.researcher),
        _pair("base model", setup.base_model),
    ]


def _link(store: Store, now: float) -> Content:
    """How the engine is heard, in words."""
    if quiet := store.silence(now):
        return Content.styled(f"! engine silent for {fmt.duration(quiet)}", WARN)
    word = {"live": "engine ● live", "connecting": "connecting", "replay": "recording"}.get(store.link.kind)
    if word is None:
        return Content.styled("! engine down" if store.link.kind == "down" else "! engine refused us", WARN)
    online = f", network {'on' if store.pulse.online else 'off'}" if store.pulse else ""
    return Content.styled(word + online, LABEL)


def _how_good(view: RunView) -> Parts:
    tree, best = view.tree, view.best
    base = tree.score(ROOT)
    leader = tree.trial(tree.champion) if tree.champion else best
    if leader is None or leader.score is None:
        return [_pair("best", "no score yet")]
    if leader.node == ROOT:
        return [_pair("best", f"the base model itself, {fmt.interval(leader.score)}")]
    name = "champion" if tree.champion else "best"
    parts = [_pair(name, f"{leader.id} {fmt.interval(leader.score)}", GOOD)]
    if base:
        parts.append(_pair("base", fmt.score(base)))
        parts.append(_pair("gain", fmt.gain(leader.score, base, tree.maximize), STRONG))
    if leader.confirm:
        parts.append(_pair("confirm", fmt.interval(leader.confirm)))
    parts.append(_pair("metric", f"{tree.setup.metric}, {'higher' if tree.maximize else 'lower'} is better"))
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
    limits = tree.limits
    return [
        Content.assemble(
            (fmt.bar(share, 8 if brief else 24), "$primary"),
            f" {min(share, 9.99):.0%}" + ("" if timed else " of the rounds"),
        ),
        _pair("spent", time_said(tree, now)),
        _end(store, view, run, now, brief),
        _pair("trials", done + (f", at most {limits.trials}" if limits.trials else "")),
        _pair("round", f"{counted.counts.rounds} of {limits.rounds}"),
        *([_pair("device", f"{spent['device'].used} of {spent['device'].limit}")] if limits.device_seconds else []),
        *([_pair("disk", f"at most {spent['disk'].limit}")] if limits.disk_bytes else []),
        *([_pair("hints", str(len(tree.hints)))] if tree.hints else []),
    ]


def _listed(names: list[str]) -> str:
    """`n4 is`, `n4 and n5t0 are`, `n4, n5 and 3 more are`."""
    if len(names) == 1:
        return f"{names[0]} is"
    return (
        f"{names[0]} and {names[1]} are" if len(names) == 2 else f"{names[0]}, {names[1]} and {len(names) - 2} more are"
    )


def _end(store: Store, view: RunView, run: str, now: float, brief: bool) -> Content:
    """When it ended or will end."""
    if view.over:
        return _pair("ended", fmt.day(view.tree.ended_at)) if view.tree.ended_at is not None else Content("")
    eta = store.pulse.eta if store.pulse and store.pulse.run == run else 0.0
    if not eta:
        return _pair("ends", "not known yet") if view.word == "running" and not brief else Content("")
    when = fmt.clock(eta) if eta - now < 86400 else fmt.day(eta)
    return _pair("ends", f"about {when}" if brief else f"about {when}, in {fmt.duration(eta - now)}")


def _why_paused(tree: Tree) -> str:
    """The engine's reason, else who it was."""
    return fmt.clean(tree.reason or f"by {author(who_set(tree, 'paused', ROOT))}")


def _what_now(store: Store, view: RunView, run: str, now: float, width: int) -> Parts:
    if store.unreadable:
        return [Content.styled(f"! {store.unreadable}", WARN)]
    if view.over:
        way_on = Content("n starts a new one, o shows the report")
        over = Content.styled(f"{view.word}: {fmt.clean(view.tree.reason)}", STRONG)
        return [over.truncate(max(20, width - way_on.cell_length - len(GAP)), ellipsis=True), way_on]
    if store.link.kind == "replay":
        return [Content.styled(f"a recording, as it was on {fmt.day(now)}", STRONG)]
    if store.link.kind != "live":
        return [Content.styled(store.link.text or "connecting to the engine", WARN)]
    pulse = store.pulse
    if view.paused and not view.tree.stop_by:
        return [Content.styled(f"paused: {_why_paused(view.tree)}; p goes on", WARN)]
    if pulse is None:
        return [Content.styled("waiting for word from the engine", LABEL)]
    if not pulse.run and (names := held(view.tree)):
        return [Content.styled(f"nothing goes on: {_listed(names)} paused; b or T on it lets it go on", WARN)]
    if pulse.run != run:
        at_work = f"the engine works on {pulse.run}" if pulse.run else "the engine is idle"
        queued = f"{run} is number {pulse.queued.index(run) + 1} in the queue; " if run in pulse.queued else ""
        return [Content(queued + at_work)]
    since = f" for {fmt.duration(now - pulse.since)}" if pulse.since else ""
    holder = (
        f"{pulse.device or 'device'} held by {pulse.holder}" if pulse.holder else f"{pulse.device or 'device'} free"
    )
    ending = Content.styled(f"ended by {view.tree.stop_by}", WARN) if view.tree.stop_by else Content("")
    return [Content.styled(f"{pulse.activity}{since}", STRONG), ending, Content(holder)]
