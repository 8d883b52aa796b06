"""Somebody at the keyboard: opens the interface, presses keys, reads what stands on the screen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from textual.geometry import Region
from textual.pilot import Pilot
from textual.widget import Widget

from engine.workspace import Workspace
from trex_tui.acting import NewRun
from trex_tui.app import TrexApp
from trex_tui.around import Around
from trex_tui.client.link import SocketLink
from trex_tui.screens.search import SearchScreen
from trex_tui.widgets.tree_pane import NodeTree

SMALL, MIDDLE, LARGE = (80, 24), (120, 40), (200, 60)
PATIENCE = 40.0  # seconds until something that should happen counts as not happening


class Person:
    def __init__(self, app: TrexApp, pilot: Pilot[Any]) -> None:
        self.app, self.pilot = app, pilot

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def until(self, fact: Callable[[], object], what: str = "") -> None:
        end = time.monotonic() + PATIENCE
        while not fact():
            assert time.monotonic() < end, f"never happened: {what}\n{self.screen}"
            await self.pilot.pause(0.02)

    async def sees(self, *texts: str) -> None:
        for text in texts:
            await self.until(partial(self._shows, text), f"{text!r} on the screen")

    async def finds(self, key: str, text: str) -> None:
        """Presses a key that moves until the text stands there: a page may grow while it is read."""
        end = time.monotonic() + PATIENCE
        while not self._shows(text):
            assert time.monotonic() < end, f"{key} never led to {text!r}\n{self.screen}"
            await self.press(key)

    def _shows(self, text: str) -> bool:
        return text in self.screen

    @property
    def screen(self) -> str:
        """What stands on the screen, as text."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)

    @property
    def search(self) -> SearchScreen:
        return self.app._search

    @property
    def selected(self) -> str:
        return self.search.query_one(NodeTree).selected


@asynccontextmanager
async def person(
    workspace: Workspace,
    size: tuple[int, int] = MIDDLE,
    *,
    run: str | None = None,
    new_run: NewRun | None = None,
    around: Around | None = None,
) -> AsyncIterator[Person]:
    """Opens the interface on a workspace whose engine (real or fake) listens, or not."""
    app = TrexApp(workspace, SocketLink(workspace.socket), run=run, new_run=new_run, around=around)
    async with app.run_test(size=size) as pilot:
        yield Person(app, pilot)


@asynccontextmanager
async def looking(workspace: Workspace, size: tuple[int, int] = MIDDLE, **more: Any) -> AsyncIterator[Person]:
    """The same, after the first records have come."""
    async with person(workspace, size, **more) as somebody:
        await somebody.until(lambda: somebody.search.run, "a run on the screen")
        live = somebody.app.live
        await somebody.until(lambda: live.last_seq >= live.link.last_seq, "all that has happened")
        await asyncio.sleep(0)
        await somebody.pilot.pause()
        yield somebody


def misplaced(app: TrexApp) -> list[str]:
    """Faults of the layout: widgets that stand outside the screen, or over one another."""
    bounds = app.screen.region
    shown = [w for w in app.screen.walk_children() if isinstance(w, Widget) and _is_leaf(w)]
    faults = [f"{w} at {w.region} is outside {bounds}" for w in shown if not bounds.contains_region(_seen(w))]
    for index, one in enumerate(shown):
        faults += [f"{one} covers {two}" for two in shown[index + 1 :] if _seen(one).intersection(_seen(two)).area]
    return faults


def _is_leaf(widget: Widget) -> bool:
    """On show, with content of its own, and nothing of ours inside. The insides of a scroll area may be longer."""
    visible = widget.display and all(getattr(a, "display", True) for a in widget.ancestors)
    inside = [child for child in widget.children if child.display]
    scrolled = any(
        getattr(a, "id", "")
        in (
            "page",
            "curves",
            "help-scroll",
            "fields",
            "about-scroll",
            "detail-scroll",
            "talk",
            "data-task",
            "data-recipe",
        )
        for a in widget.ancestors
    )
    return visible and not inside and not scrolled and widget.region.area > 0


def _seen(widget: Widget) -> Region:
    return widget.region
