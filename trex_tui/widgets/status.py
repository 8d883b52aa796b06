"""The four lines at the top: which search, how good, how long, what is happening now.

Each line is a list of parts in order of importance; those that do not fit are left out whole, never cut.
"""

from __future__ import annotations

from collections.abc import Callable

from textual.content import Content
from textual.widget import Widget

from engine.search.tree import ROOT, Tree
from trex_tui.model import format as fmt
from trex_tui.model.store import RunView, Store

GAP = "   "
LABEL, STRONG, WARN, GOOD = "$quiet", "bold", "bold $text-warning", "bold $text-success"

Parts = list[Content]


class Status(Widget):
    """Draws itself from the store. `now` gives Unix seconds."""

    def __init__(self, store: Store, now: Callable[[], float], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._store, self._now = store, now
        self.run = ""

    def render(self) -> Content:
        return Content("\n").join(lines(self._store, self.run, self._now(), self.size.width))


def lines(store: Store, run: str, now: float, width: int) -> list[Content]:
    """The header's lines, each at most `width` cells."""
    view = store.runs.get(run)
    if view is None or view.tree.created is None:
        first = _fit([Content.styled("TREX", "bold $primary"), _link(store, now)], width)
        return [first, _fit([Content.styled(store.unreadable or store.link.text, WARN)], width)]
    return [
        _fit(_which(store, view, run, now), width),
        _fit(_how_good(view), width),
        _fit(_how_long(store, view, run, now, width), width),
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


def _counts(tree: Tree, brief: bool) -> Content:
    """`trials 9 done, 1 failed, 2 waiting`; the base model's judgement is no trial of the search."""
    states = [t.state for node in tree.nodes.values() if node.id != ROOT for t in node.trials.values()]
    failed, waiting = states.count("failed"), states.count("queued") + states.count("interrupted")
    text = f"{states.count('done')} done"
    if not brief:
        text += f", {failed} failed" if failed else ""
        text += f", {waiting} waiting" if waiting else ""
    return _pair("trials", text)


def _how_long(store: Store, view: RunView, run: str, now: float, width: int) -> Parts:
    tree, setup = view.tree, view.tree.setup
    spent = tree.elapsed(now)
    share = spent / setup.wall_seconds if setup.wall_seconds else 0.0
    brief = width < 100
    return [
        Content.assemble((fmt.bar(share, 8 if brief else 24), "$primary"), f" {min(share, 9.99):.0%}"),
        _pair("spent", f"{fmt.duration(spent)} of {fmt.duration(setup.wall_seconds)}"),
        _end(store, view, run, now, brief),
        _counts(tree, brief),
        _pair("round", f"{len(tree.nodes) - 1} of {setup.rounds}"),
    ]


def _end(store: Store, view: RunView, run: str, now: float, brief: bool) -> Content:
    """When it ended or will end."""
    if view.over:
        return _pair("ended", fmt.day(view.tree.ended_at)) if view.tree.ended_at is not None else Content("")
    eta = store.pulse.eta if store.pulse and store.pulse.run == run else 0.0
    if not eta:
        return _pair("ends", "not known yet") if view.word == "running" and not brief else Content("")
    when = fmt.clock(eta) if eta - now < 86400 else fmt.day(eta)
    return _pair("ends", f"about {when}" if brief else f"about {when}, in {fmt.duration(eta - now)}")


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
        return [Content.styled(f"paused: {fmt.clean(view.tree.reason) or 'by a person'}; p goes on", WARN)]
    if pulse is None:
        return [Content.styled("waiting for word from the engine", LABEL)]
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
