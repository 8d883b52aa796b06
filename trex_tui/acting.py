"""The part of the application that carries out what a person asks for: says why not, asks first, opens forms, sends.

What is asked for is decided elsewhere (`trex_tui.actions`); what is shown is the screens' affair.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from textual import work

from engine.control import protocol as p
from engine.errors import TrexError
from engine.workspace import Workspace
from trex_tui import actions, bulk
from trex_tui.client.source import Source
from trex_tui.model.store import Store
from trex_tui.typed import Typed
from trex_tui.widgets.notice import Notice

if TYPE_CHECKING:
    from trex_tui.forms.sheet import Order, Sheet

NewRun = Callable[[p.StartRun], p.Reply]
"""Sees to it that an engine runs, sends it the message, returns its reply. Blocks. Raises TrexError."""


class Acting(Typed):
    """An application that acts on `live` through `source`."""

    def __init__(self, workspace: Workspace, source: Source, new_run: NewRun | None) -> None:
        super().__init__()
        self.workspace, self.live = workspace, Store()
        self._source, self._new_run = source, new_run

    @property
    @abstractmethod
    def selection(self) -> actions.Selection:
        """What is selected on the search screen."""

    @abstractmethod
    def now(self) -> float:
        """The moment that is on show, in Unix seconds."""

    @abstractmethod
    def tick(self) -> None:
        """Let every screen take over what has changed."""

    @abstractmethod
    def action_show(self, name: str, *words: str) -> None:
        """Open a screen by its name."""

    @abstractmethod
    def look_at(self, run: str, node: str = "") -> None:
        """Show a run on the search screen, and a node of it."""

    def say(self, text: str, warning: bool = False) -> None:
        """One sentence, on whatever screen is on top and has a place for it."""
        places = (screen.query(Notice) for screen in reversed(self.screen_stack))
        if place := next((found.first() for found in places if found), None):
            place.say(text, warning)

    async def send(self, command: p.Command) -> p.Reply:
        """Send one command; whatever goes wrong comes back as a refusal."""
        return await self._source.command(command)

    def decide(self, decision: actions.Decision) -> None:
        """Say why not, ask first, open a form, or send."""
        match decision:
            case actions.Refusal():
                self.say(decision.text, warning=True)
            case actions.Ask():
                self._ask(decision)
            case actions.AskAll():
                self._ask_all(decision)
            case actions.Open(what="clean"):
                self._offer_cleaning(decision.at)
            case actions.Open(what="report"):
                self._report(decision.at)
            case actions.Open(what="edit"):
                self._edit_plan(decision.at)
            case actions.Open(what="chat"):
                self.action_show("chat", *decision.at)
            case actions.Open():
                self._fill_in(decision)
            case _:
                self._send(decision)

    @work
    async def _ask(self, ask: actions.Ask) -> None:
        from trex_tui.screens.confirm import Confirm

        if await self.push_screen_wait(Confirm(ask)):
            self._send(ask.command)

    @work
    async def _ask_all(self, ask: actions.AskAll) -> None:
        from trex_tui.screens.confirm import Confirm

        if await self.push_screen_wait(Confirm(ask)):
            self.say(*await bulk.send_all(ask, lambda run: self.live.runs[run].tree, self.send))
            self.tick()

    @work
    async def _send(self, command: p.Command) -> None:
        self._answered(await self.send(command))

    @work
    async def _report(self, at: actions.Selection) -> None:
        from trex_tui.opening import report

        self.say(*await report(at.run, self.live, self.workspace, self.send))

    @work
    async def _edit_plan(self, at: actions.Selection) -> None:
        from trex_tui.opening import fork_from_editor

        try:
            command = await fork_from_editor(self, at, self.live, self.workspace, self.now)
        except TrexError as problem:
            self.say(str(problem), warning=True)
            return
        if command is None:
            self.say("nothing was changed")
        else:
            self._send(command)

    @work
    async def _fill_in(self, asked: actions.Open) -> None:
        from trex_tui.opening import sheet

        try:
            filled = sheet(asked, self.live, self.workspace, self.now)
        except TrexError as problem:
            self.say(str(problem), warning=True)
            return
        await self._show_form(filled)

    async def _show_form(self, filled: Sheet) -> p.Reply | None:
        """The engine's consent, or None where the person has left the form."""
        from trex_tui.screens.form import Form

        reply = await self.push_screen_wait(Form(filled, self._deliver_order))
        if reply is not None:
            self._answered(reply)
        return reply

    async def _deliver_order(self, order: Order) -> p.Reply:
        """A form's order: sent, or done here. What starts a search goes to an engine that may have to be started."""
        starts = isinstance(order, p.StartRun)
        if isinstance(order, p.StartRun) and self._new_run is not None:
            order = partial(self._new_run, order)
        try:
            reply = await (asyncio.to_thread(order) if callable(order) else self.send(order))
        except TrexError as error:
            return p.Reply(id=0, ok=False, text=str(error))
        except OSError as error:
            return p.Reply(id=0, ok=False, text=f"{error.filename or 'the disk'}: {error.strerror}")
        if starts and reply.ok:
            self.look_at(reply.run)
        return reply

    @work
    async def _offer_cleaning(self, at: actions.Selection) -> None:
        from trex_tui.opening import cleaning

        self.say("looking at the disk")
        self.decide(await cleaning(at, self.live, self.workspace))

    def _answered(self, reply: p.Reply) -> None:
        self.say(reply.text or ("done" if reply.ok else "the engine refused, without a reason"), warning=not reply.ok)
        self.tick()

    @work
    async def action_new_run(self, task: str = "", like: str = "") -> None:
        """The form of a new search: of this task, or as that run; else as the one on show."""
        from trex_tui.opening import new_run

        if not self.screen.is_modal:  # else a form or a question is open already
            await self._show_form(new_run(task, like or self.selection.run, self.live, self.workspace))

    @work
    async def action_new_task(self) -> None:
        from trex_tui.forms.new_task import NewTaskSheet
        from trex_tui.opening import new_run

        if self.screen.is_modal:
            return
        sheet = NewTaskSheet()
        if await self._show_form(sheet) is not None:
            await self._show_form(new_run(str(sheet.made), self.selection.run, self.live, self.workspace))
