"""The interface on a real engine process that trains a tiny model: nothing from the keys to the training is fake."""

from __future__ import annotations

import os
import signal
from functools import partial

from engine.search import events as ev
from engine.search.tree import Node
from tests.place import Place

from .person import LARGE, Person, looking, misplaced


def node(one: Person, name: str) -> Node | None:
    view = one.app.store.runs.get("letters-1")
    return view.tree.nodes.get(name) if view else None


def state(one: Person, name: str) -> str:
    found = node(one, name)
    return found.state if found else "not there"


async def test_a_person_watches_pauses_resumes_and_prunes(place: Place) -> None:
    async with looking(place.workspace, LARGE) as one:
        await one.until(lambda: state(one, "n1") == "running", "the baseline trains")
        assert misplaced(one.app) == []
        await one.press("p")
        await one.sees("‖ paused")
        await one.until(lambda: not place.tree().running(), "the trial gives way")
        assert any(isinstance(e, ev.FlagSet) and e.flag == "paused" and e.on for e in place.events())
        await one.press("p")
        await one.until(lambda: state(one, "n1") == "done", "the trial goes on where it was, and finishes")
        await one.until(partial(node, one, "n2"), "the next round")
        await one.press("g", "j")
        assert one.selected == "n1"
        await one.press("x", "y")
        await one.until(lambda: place.tree().flagged("n1", "pruned"), "n1 pruned in the journal")
        await one.press("x")
        await one.until(lambda: not place.tree().flagged("n1", "pruned"), "n1 restored")
        assert misplaced(one.app) == []


async def test_the_engine_dies_and_the_interface_finds_the_next_one(place: Place) -> None:
    async with looking(place.workspace) as one:
        await one.until(lambda: state(one, "n1") in ("running", "done"), "the baseline trains")
        os.kill(place.engine_pid(), signal.SIGKILL)
        await one.until(lambda: one.app.store.link.kind != "live", "the interface notices")
        place.trex("engine", "start")
        await one.until(lambda: one.app.store.link.kind == "live", "and comes back")
        await one.until(lambda: state(one, "n1") == "done", "the search goes on")
        seqs = [r.seq for r in one.app.store.runs["letters-1"].log.lines if isinstance(r, ev.Record)]
        assert seqs == list(range(1, len(seqs) + 1))
