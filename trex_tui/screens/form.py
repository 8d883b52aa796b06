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
from textual.timer import Timer
from textual.widgets import Input, Label, Static

from engine.control import protocol as p
from engine.errors import BadInput, TrexError
from trex_tui.forms.sheet import Order, Row, Sheet
from trex_tui.keymap import FORM, LINE, bindings
from trex_tui.model.format import clean
from trex_tui.widgets.key_bar import KeyBar

Send = Callable[[Order], Awaitable[p.Reply]]

SHORT = 24  # letters; a longer value is not selected as a whole when its line is entered
PAUSE = 0.4  # seconds without a letter after which what was written is looked at more closely


class Line(Input):
    """The value of one line. Where there are choices, the arrows go through them."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(LINE)

    def __init__(self, row: Row) -> None:
        short = len(row.value) <= SHORT
        super().__init__(row.value, id=f"field-{_css(row.name)}", select_on_focus=short)
        self.choices = row.choices

    def action_choose(self, by: int) -> None:
        if self.value in self.choices:
            self.value = self.choices[(self.choices.index(self.value) + by) % len(self.choices)]
            self.select_all()
        elif by > 0:
            self.action_cursor_right()
        else:
            self.action_cursor_left()


class Fields(VerticalScroll, can_focus=False, inherit_bindings=False):
    """The lines; what scrolls them is going from one to the next."""


class Form(ModalScreen[p.Reply | None]):
    """Dismissed with the engine's consent, or None where the person has left it."""

    CSS_PATH = "overlay.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings(FORM)
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (60, "-wide")]  # noqa: RUF012 - so declared by Textual
    VERTICAL_BREAKPOINTS = [(0, "-low"), (22, "-tall")]  # noqa: RUF012

    def __init__(self, sheet: Sheet, send: Send) -> None:
        super().__init__(classes=f"-{sheet.kind}")
        self._sheet, self._deliver = sheet, send
        self._sending = False
        self._answer = ""  # what was said to the last attempt to send; it stands until something is written
        self._pause: Timer | None = None

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = self._sheet.title
            yield Static(self._sheet.lead, classes="say", markup=False)
            with Fields(id="fields"):
                for row in self._sheet.rows:
                    with Horizontal(classes="field"):
                        yield Label(f"  {clean(row.label)}", id=f"label-{_css(row.name)}", markup=False)
                        yield Line(row)
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
        await asyncio.to_thread(self._sheet.study, self.values)
        self._remark()

    @property
    def values(self) -> dict[str, str]:
        return {row.name: self._input(row.name).value for row in self._sheet.rows}

    def _input(self, name: str) -> Input:
        return self.query_one(f"#field-{_css(name)}", Input)

    def _remark(self) -> None:
        """Say of the values as they stand what there is to say."""
        there = self.query(Fields) and self.query("#below") and len(self.query(".note")) >= len(self._sheet.rows)
        if not there:
            return  # left, or not all of it there yet, while something was being read
        remarks = self._sheet.remarks(self.values)
        for row in self._sheet.rows:
            mark = "*" if row.name in remarks.marked else " "
            self.query_one(f"#label-{_css(row.name)}", Label).update(f"{mark} {clean(row.label)}")
            note = remarks.notes.get(row.name, "") or self._place(row)
            self.query_one(f"#note-{_css(row.name)}", Label).update(clean(note))
        self._say(self._answer or remarks.below)

    def _place(self, row: Row) -> str:
        """Which of its choices stands in the line."""
        value = self._input(row.name).value
        return f"{row.choices.index(value) + 1} of {len(row.choices)}" if value in row.choices else ""

    def _say(self, text: str) -> None:
        below = self.query_one("#below", Static)
        below.update(text)
        below.display = bool(text)
        below.set_class(text.startswith("!"), "-wrong")

    def on_input_changed(self) -> None:
        if not self.is_mounted:
            return
        self._answer = ""
        self._remark()
        if self._pause is not None:
            self._pause.stop()
        self._pause = self.set_timer(PAUSE, self._study)

    @work(exclusive=True, group="study")
    async def _study(self) -> None:
        await asyncio.to_thread(self._sheet.study, self.values)
        self._remark()

    def action_enter(self) -> None:
        if self._sheet.enter_sends:
            self.action_send()
        else:
            self.action_line(1)

    def action_edit(self) -> None:
        """The line's value in the person's own editor."""
        from trex_tui.editor import edit

        line = self.focused
        if not isinstance(line, Line):
            return
        try:
            new = edit(self.app, line.value)
        except TrexError as problem:
            self._reply(f"! {problem}")
            return
        if new is not None:
            line.value = " ".join(new.split())

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
            self._reply(f"! {problem}")
            return
        self._sending = True
        self._reply("working on it" if callable(command) else "sent; waiting for the engine")
        self._send(command)

    def _reply(self, text: str) -> None:
        self._answer = text
        self._say(text)

    @work
    async def _send(self, order: Order) -> None:
        reply = await self._deliver(order)
        self._sending = False
        if reply.ok:
            self.dismiss(reply)
        else:
            self._reply(f"! {reply.text or 'the engine refused, without a reason'}")

    def action_close(self) -> None:
        self.dismiss(None)

    def label_of(self, action: str) -> str:
        sends = action == "send" or (action == "screen.enter" and self._sheet.enter_sends)
        return self._sheet.verb if sends else ""

    def works(self, action: str) -> bool:
        """One key for each thing stands in the key bar: enter, where it sends."""
        if action.startswith("choose"):
            return isinstance(self.focused, Line) and self.focused.value in self.focused.choices
        return self._sheet.enter_sends == (action == "screen.enter") or action not in ("send", "screen.enter")


def _css(name: str) -> str:
    return name.replace(".", "-").replace("_", "-")
