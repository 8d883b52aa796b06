"""The screen of any form (`trex_tui.forms`). It stays until the engine has taken what was written: nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from engine.control import protocol as p
from engine.errors import BadInput
from trex_tui.forms.sheet import Sheet
from trex_tui.keymap import FORM, LINE, bindings
from trex_tui.widgets.key_bar import KeyBar

Send = Callable[[p.Command], Awaitable[p.Reply]]

SHORT = 24  # letters; a longer value is not selected as a whole when its line is entered


class Line(Input):
    """The value of one line."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(LINE)


class Fields(VerticalScroll, can_focus=False, inherit_bindings=False):
    """The lines; what scrolls them is going from one to the next."""


class Form(ModalScreen[p.Reply | None]):
    """Dismissed with the engine's consent, or None where the person has left it."""

    CSS_PATH = "overlay.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings(FORM)

    def __init__(self, sheet: Sheet, send: Send) -> None:
        super().__init__(classes=f"-{sheet.kind}")
        self._sheet, self._deliver = sheet, send
        self._sending = False

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = self._sheet.title
            yield Static(self._sheet.lead, classes="say", markup=False)
            with Fields(id="fields"):
                for row in self._sheet.rows:
                    with Horizontal(classes="field"):
                        yield Label(f"  {row.label}", id=f"label-{_css(row.name)}", markup=False)
                        short = len(row.value) <= SHORT
                        yield Line(row.value, id=f"field-{_css(row.name)}", select_on_focus=short)
                        yield Label("", id=f"note-{_css(row.name)}", classes="note", markup=False)
            yield Static("", id="below", markup=False)
            yield KeyBar()

    def on_mount(self) -> None:
        self._input(self._sheet.first).focus()
        self._remark()
        self._prepare()

    @work
    async def _prepare(self) -> None:
        await asyncio.to_thread(self._sheet.prepare)
        self._remark()

    @property
    def values(self) -> dict[str, str]:
        return {row.name: self._input(row.name).value for row in self._sheet.rows}

    def _input(self, name: str) -> Input:
        return self.query_one(f"#field-{_css(name)}", Input)

    def _remark(self) -> None:
        """Say of the values as they stand what there is to say."""
        remarks = self._sheet.remarks(self.values)
        for row in self._sheet.rows:
            mark = "*" if row.name in remarks.marked else " "
            self.query_one(f"#label-{_css(row.name)}", Label).update(f"{mark} {row.label}")
            self.query_one(f"#note-{_css(row.name)}", Label).update(remarks.notes.get(row.name, ""))
        self._say(remarks.below)

    def _say(self, text: str) -> None:
        below = self.query_one("#below", Static)
        below.update(text)
        below.display = bool(text)
        below.set_class(text.startswith("!"), "-wrong")

    def on_input_changed(self) -> None:
        if self.is_mounted:
            self._remark()

    def on_input_submitted(self) -> None:
        if self._sheet.enter_sends:
            self.action_send()
        else:
            self.action_line(1)

    def action_line(self, by: int) -> None:
        inputs = list(self.query(Input))
        here = inputs.index(self.focused) if isinstance(self.focused, Input) else 0
        self.set_focus(inputs[(here + by) % len(inputs)])  # at once: `focus` would come after the next key

    def action_send(self) -> None:
        if self._sending:
            return
        try:
            command = self._sheet.command(self.values)
        except BadInput as problem:
            self._say(f"! {problem}")
            return
        self._sending = True
        self._say("sent; waiting for the engine")
        self._send(command)

    @work
    async def _send(self, command: p.Command) -> None:
        reply = await self._deliver(command)
        self._sending = False
        if reply.ok:
            self.dismiss(reply)
        else:
            self._say(f"! {reply.text or 'the engine refused, without a reason'}")

    def action_close(self) -> None:
        self.dismiss(None)

    def label_of(self, action: str) -> str:
        return self._sheet.verb if action == "send" else ""


def _css(name: str) -> str:
    return name.replace(".", "-").replace("_", "-")
