"""The lines of the header that say what is happening: why, since when, who computes, what comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from engine.control.protocol import Pulse
from engine.search.tree import ROOT, Tree
from trex_tui.model import format as fmt
from trex_tui.model.state import author, held, who_set
from trex_tui.model.store import RunView, Store

if TYPE_CHECKING:
    from trex_tui.model.agenda import Doing

LABEL, STRONG, WARN = "$quiet", "bold", "bold $text-warning"


def paired(name: str, value: str, style: str = "") -> Content:
    return Content.assemble((f"{name} ", LABEL), (fmt.clean(value), style))


def link_word(store: Store, now: float) -> Content:
    """How the engine is heard, and whether it may use the network, in words."""
    if quiet := store.silence(now):
        return Content.styled(f"! engine silent for {fmt.duration(quiet)}", WARN)
    words = {"live": "engine ● live", "connecting": "connecting", "replay": "recording", "past": "the past"}
    word = words.get(store.link.kind)
    if word is None:
        return Content.styled("! engine down" if store.link.kind == "down" else "! engine refused us", WARN)
    word = "a recording, the past" if store.link.recorded else word
    word += ", read-only" if store.read_only else ""
    return Content.styled(word + (f", {'online' if store.pulse.online else 'offline'}" if store.pulse else ""), LABEL)


def now_parts(store: Store, view: RunView, run: str, now: float, width: int) -> list[Content]:
    """What is happening, in order of importance."""
    if store.unreadable:
        return [Content.styled(f"! {store.unreadable}", WARN)]
    if view.over:
        ways = {"replay": "[ goes back in time", "past": store.link.text}
        way_on = Content(ways.get(store.link.kind, "n starts a new one, o shows the report"))
        over = Content.styled(f"{view.word}: {fmt.clean(view.tree.reason)}", STRONG)
        return [over.truncate(max(20, width - way_on.cell_length - 3), ellipsis=True), way_on]
    if store.link.kind == "replay":
        return [Content.styled(f"a recording, as it was on {fmt.day(now)}", STRONG), *_then(view, now)]
    if store.link.kind == "past":
        return [Content.styled(store.link.text, WARN), *_then(view, now)]
    if store.link.kind != "live":
        return [Content.styled(store.link.text or "connecting to the engine", WARN)]
    if view.paused and not view.tree.stop_by:
        return [Content.styled(f"paused: {_why_paused(view.tree)}; p goes on", WARN)]
    if store.pulse is None:
        return [Content.styled("waiting for word from the engine", LABEL)]
    if not store.pulse.run and (names := held(view.tree)):
        return [Content.styled(f"nothing goes on: {_listed(names)} paused; b or T on it lets it go on", WARN)]
    if store.pulse.run != run:
        return [Content(_elsewhere(store.pulse, run))]
    return _at_work(store, store.pulse, view, run, now)


def _then(view: RunView, now: float) -> list[Content]:
    """What was being done at a moment of the past, and why."""
    from trex_tui.model import agenda

    doing = agenda.doing(view, now, None)
    return [Content(doing.what), paired("why", fmt.clean(doing.why)) if doing.why else Content("")]


def _at_work(store: Store, pulse: Pulse, view: RunView, run: str, now: float) -> list[Content]:
    from trex_tui.model import agenda  # with the policies: the first paint has no tree yet

    doing = agenda.doing(view, now, lambda trial: store.trials.get((run, trial)), pulse.activity)
    since = f", for {fmt.duration(now - pulse.since)}" if pulse.since else ""
    ending = Content.styled(f"ended by {view.tree.stop_by}", WARN) if view.tree.stop_by else Content("")
    return [
        Content.styled(f"{doing.what or fmt.clean(pulse.activity)}{since}", STRONG),
        ending,
        Content(_lease(pulse, doing)),
        paired("why", fmt.clean(doing.why)) if doing.why else Content(""),
    ]


def _lease(pulse: Pulse, doing: Doing) -> str:
    """Who holds the device, and who computes where nobody does."""
    device = fmt.clean(pulse.device) or "device"
    if pulse.holder:
        return f"{device} held by {fmt.clean(pulse.holder)}"
    return f"{device} lease free, {doing.who} computes" if doing.who else f"{device} free"


def next_parts(store: Store, view: RunView, run: str, upcoming: tuple[str, ...]) -> list[Content]:
    """What comes next, while the run is at work; after its end, how an engine that is missing comes back."""
    if view.over and store.link.kind in ("down", "refused"):
        return [Content.styled(store.link.text, WARN)]
    at_work = store.link.kind == "live" and store.pulse is not None and store.pulse.run == run
    been = store.link.kind in ("past", "replay")
    if view.over or not (at_work or been) or (view.paused and not view.tree.stop_by) or not upcoming:
        return []
    parts = [paired("next", upcoming[0])]
    if len(upcoming) > 1:
        parts = [paired("next", ", then ".join(upcoming[:3]))]
    return parts


def _elsewhere(pulse: Pulse, run: str) -> str:
    at_work = f"the engine works on {pulse.run}" if pulse.run else "the engine is idle"
    queued = f"{run} is number {pulse.queued.index(run) + 1} in the queue; " if run in pulse.queued else ""
    return queued + at_work


def _why_paused(tree: Tree) -> str:
    """The engine's reason, else who it was."""
    return fmt.clean(tree.reason or f"by {author(who_set(tree, 'paused', ROOT))}")


def _listed(names: list[str]) -> str:
    """`n4 is`, `n4 and n5t0 are`, `n4, n5 and 3 more are`."""
    if len(names) == 1:
        return f"{names[0]} is"
    rest = len(names) - 2
    return f"{names[0]} and {names[1]} are" if not rest else f"{names[0]}, {names[1]} and {rest} more are"
