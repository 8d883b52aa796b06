"""The search screen as lines of plain text, once: for scripts, for screen readers, for a glance over a slow line.

The same screen as in the terminal, drawn without one. Facts for programs are `trex status --json`.
"""

from __future__ import annotations

import asyncio
import time

from textual.pilot import Pilot

from engine.errors import BadInput
from engine.workspace import Workspace
from trex_tui.app import TrexApp
from trex_tui.client.link import SocketLink
from trex_tui.client.replay import Replay, journalled
from trex_tui.client.source import Sink, Source
from trex_tui.model.store import Link

NARROW, WIDE = 60, 99  # columns: one pane only, so that a line is one thing
AROUND, MOST = 24, 400  # rows for everything but the nodes, and in all
PATIENCE = 10.0  # seconds to wait for what the engine knows
RULES = str.maketrans("", "", "─━═")


class Unattended(Replay):
    """What the journal says, where no engine is at work."""

    async def feed(self, sink: Sink) -> None:
        sink.records(self._records)
        sink.connection(Link("down", "no engine is at work here; `trex engine start` starts one"), self._at)
        await asyncio.Event().wait()


def once(workspace: Workspace, run: str, width: int, engine: bool) -> list[str]:
    """The lines. `engine`: whether one is there to ask; else the journal is read. Raises BadInput."""
    source: Source = SocketLink(lambda: workspace.door)
    if not engine:
        if not workspace.journal.exists():
            raise BadInput("this workspace holds no runs yet", hint="start one with `trex run TASK`")
        source = Unattended(list(journalled(workspace.journal)), time.time())
    return asyncio.run(_drawn(TrexApp(workspace, source, run=run), width))


async def _drawn(app: TrexApp, width: int) -> list[str]:
    async with app.run_test(size=(min(WIDE, max(NARROW, width)), AROUND)) as pilot:
        await _informed(app, pilot)
        view = app.store.runs.get(app.selection.run)
        await pilot.resize_terminal(app.size.width, min(MOST, AROUND + (len(view.order) if view else 0)))
        await _settled(app, pilot)
        return text(app)


async def _informed(app: TrexApp, pilot: Pilot[int]) -> None:
    """What the engine knows has come, and the first word of what it does."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        link = app.live.link
        known = link.kind == "live" and app.live.last_seq >= link.last_seq and app.live.pulse is not None
        if known or link.kind in ("replay", "down", "refused"):
            break
        await pilot.pause(0.02)
    await _settled(app, pilot)


async def _settled(app: TrexApp, pilot: Pilot[int]) -> None:
    """What is on show is read from the disk, styled and laid out."""
    for _ in range(3):
        await app.settle()
        await pilot.pause(0.03)


def text(app: TrexApp) -> list[str]:
    """What stands on the screen, without the lines that only divide it and without its keys."""
    strips = app.screen._compositor.render_strips()
    rows = ["".join(segment.text for segment in strip).translate(RULES).rstrip() for strip in strips]
    return [row.removeprefix(" ") for row in rows[:-1] if row.strip()]
