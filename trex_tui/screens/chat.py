"""Talking to the trial on show, its answer beside the base model's. A process of its own does it (`engine.chat`).

Each line is a prompt by itself; nothing is remembered. Leaving ends the process.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Static

from engine.chat.messages import Ask, Opening, Who
from engine.chat.process import Chat
from engine.chat.setup import opening_for
from engine.errors import TrexError
from engine.search.tree import ROOT, ROOT_TRIAL
from trex_tui.actions import Selection
from trex_tui.host import Host
from trex_tui.keymap import CHAT, CHAT_LINE, bindings
from trex_tui.model import format as fmt
from trex_tui.model.store import Part
from trex_tui.model.talk import Talk, Turn, lines, verdict
from trex_tui.widgets.key_bar import KeyBar
from trex_tui.widgets.notice import Notice

TEMPERATURES = (0.0, 0.5, 1.0)
LENGTHS = (16, 64, 256, 1024)


def make(host: Host, words: tuple[str, ...]) -> ChatScreen:
    run, node, trial = words if len(words) == 3 else host.selection
    return ChatScreen(host, Selection(run, node, trial if node != ROOT else ROOT_TRIAL))


class Prompt(Input):
    """The line to write in, with our keys."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(CHAT_LINE)


class TurnView(Vertical):
    """One prompt and its answers, side by side where there is room."""

    def __init__(self, turn: Turn, names: dict[Who, str]) -> None:
        super().__init__(classes="turn")
        self._turn, self._names = turn, names
        self._answers = {who: Static(classes="answer", markup=False) for who in names}

    def compose(self) -> ComposeResult:
        yield Static(f"› {lines(self._turn.prompt)}", classes="prompt", markup=False)
        yield Horizontal(*self._answers.values(), classes="answers")

    def on_mount(self) -> None:
        self.draw()

    def draw(self) -> None:
        for who, widget in self._answers.items():
            done = self._turn.done.get(who)
            below = verdict(done) if done else self._turn.problem or "…"
            said = self._turn.said.get(who, "")
            widget.set_class(not (said or done or self._turn.problem), "-waiting")
            widget.update(
                Content.assemble((f"{self._names[who]}\n", "bold $accent"), said.strip(), "\n", (below, "$quiet"))
            )


class ChatScreen(Screen[None]):
    """The process is started when the screen is shown and killed when it is left."""

    CSS_PATH = "chat.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings(CHAT)
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (90, "-wide")]  # noqa: RUF012 - so declared by Textual

    def __init__(self, host: Host, at: Selection) -> None:
        super().__init__()
        self._host, self._at = host, at
        self._talk, self._chat = Talk(), None
        self._opening: Opening | None = None
        self._raw, self._asked, self._drawn = False, "", -1
        self._temperatures = itertools.cycle((*TEMPERATURES[1:], TEMPERATURES[0]))
        self._lengths = itertools.cycle((*LENGTHS[2:], *LENGTHS[:2]))
        self._temperature, self._length = TEMPERATURES[0], LENGTHS[1]

    _chat: Chat | None

    def compose(self) -> ComposeResult:
        yield Static(id="chat-head", markup=False)
        yield VerticalScroll(id="talk", can_focus=False)
        yield Static(id="chat-settings", markup=False)
        yield Prompt(id="chat-prompt", placeholder="a prompt")
        yield Notice(id="notice")
        yield KeyBar()

    def on_mount(self) -> None:
        self.query_one(Prompt).focus()
        self._draw()
        self._listen()

    @work
    async def _listen(self) -> None:
        """Take what the process says until it ends, or is ended."""
        try:
            view = self._host.live.runs[self._at.run]
            opening = opening_for(self._host.workspace, self._at.run, view.tree, self._at.trial)
            self._opening = opening
            self._length = opening.evaluation.max_new_tokens if opening.evaluation.mode == "generate" else self._length
            self._chat = Chat(opening)
            async for message in self._chat.listen():
                self._talk.take(message)
        except TrexError as problem:
            self._talk.end(str(problem))
        except OSError as problem:
            self._talk.end(f"the chat's process cannot be started ({problem.strerror})")

    async def on_unmount(self) -> None:
        if self._chat is not None:
            await asyncio.shield(self._chat.close())

    def pull(self, _parts: frozenset[Part], _touched: frozenset[tuple[str, str]]) -> None:
        if self.is_attached and self._drawn != self._talk.changes:
            self._draw()

    def _draw(self) -> None:
        self._drawn = self._talk.changes
        self.query_one("#chat-head", Static).update(self._head())
        self.query_one("#chat-settings", Static).update(self._settings())
        if turns := self.query(TurnView):
            turns.last().draw()
            self.query_one("#talk", VerticalScroll).scroll_end(animate=False)

    @property
    def _names(self) -> dict[Who, str]:
        tree = self._host.live.runs[self._at.run].tree
        base: dict[Who, str] = {"base": f"base: {tree.setup.base_model}"}
        return base if self._at.node == ROOT else {"tuned": self._at.trial, **base}

    def _head(self) -> Content:
        who = " beside ".join(self._names.values())
        text = f"chat with {who}, 4 bits, {self._talk.state}"
        return Content.styled(f"! {self._talk.problem}", "$text-warning") if self._talk.problem else Content(text)

    def _settings(self) -> str:
        warm = f"temperature {self._temperature:g}" if self._temperature else "greedy"
        form = self._opening.format if self._opening else None
        shape = "as it is" if self._raw or form is None else fmt.clean(form.prompt.replace("\n", "⏎"))
        return f"{fmt.cut(f'prompt: {shape}', max(20, self.size.width - 32))} · {warm} · {self._length} tokens"

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        if self._chat is None or self._talk.problem:
            self._host.say(self._talk.problem or "the models are not loaded yet", warning=True)
        elif self._talk.busy:
            self._host.say("an answer is being given; esc stops it", warning=True)
        elif text := event.value.strip():
            await self._ask(self._chat, text)

    async def _ask(self, chat: Chat, text: str) -> None:
        self._asked = text
        self.query_one(Prompt).value = ""
        turn = self._talk.begin(text)
        await self.query_one("#talk").mount(TurnView(turn, self._names))
        ask = Ask(
            id=turn.id, text=text, raw=self._raw, temperature=self._temperature, length=self._length, seed=turn.id
        )
        await chat.ask(ask)

    def action_recall(self) -> None:
        self.query_one(Prompt).value = self._asked
        self.query_one(Prompt).action_end()

    def action_raw(self) -> None:
        self._raw = not self._raw
        self._draw()

    def action_temperature(self) -> None:
        self._temperature = next(self._temperatures)
        self._draw()

    def action_length(self) -> None:
        self._length = next(self._lengths)
        self._draw()

    def action_edit(self) -> None:
        from trex_tui.editor import edit

        prompt = self.query_one(Prompt)
        try:
            new = edit(self.app, prompt.value)
        except TrexError as problem:
            self._host.say(str(problem), warning=True)
            return
        if new is not None:
            prompt.value = new.rstrip("\n")

    def action_scroll(self, by: int) -> None:
        self.query_one("#talk", VerticalScroll).scroll_relative(y=by * 10, animate=False)

    async def action_close(self) -> None:
        """Stop the answer that is being given; else leave."""
        if self._talk.busy and self._chat is not None:
            await self._chat.halt()
        else:
            self.dismiss()

    def label_of(self, action: str) -> str:
        if action == "close":
            return "stop" if self._talk.busy else ""
        return ("template" if self._raw else "raw") if action == "screen.raw" else ""
