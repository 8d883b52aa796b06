"""What a screen may ask of the application, and how screens are found by name. No widgets, no engine."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol

from textual.screen import Screen

from engine.control import protocol as p
from engine.errors import TrexError
from engine.workspace import Workspace
from trex_tui.actions import Decision, Selection
from trex_tui.model.machine import Reading
from trex_tui.model.store import Store
from trex_tui.travel import Travel


class Host(Protocol):
    """The application, as screens see it."""

    workspace: Workspace
    travel: Travel  # which moment is on show

    @property
    def store(self) -> Store:
        """What is on show: the live store, or the one of a moment in the past."""

    @property
    def live(self) -> Store:
        """What the engine says now, whatever is on show."""

    @property
    def selection(self) -> Selection:
        """What is selected on the search screen."""

    @property
    def marked(self) -> tuple[str, ...]:
        """The nodes that are marked on the search screen, in the order of marking."""

    @property
    def machine(self) -> Reading | None:
        """The last look at the processor, the memory, the card; None before the first."""

    @property
    def left_at(self) -> float:
        """When this person last looked, before now; 0 where they never did. Unix seconds."""

    def now(self) -> float:
        """The moment that is on show, in Unix seconds."""

    def decide(self, decision: Decision) -> None:
        """Say why not, ask first, open a form, or send."""

    def say(self, text: str, warning: bool = False) -> None:
        """One sentence above the keys of whatever screen is on top."""

    async def send(self, command: p.Command) -> p.Reply:
        """Send one command to the engine. Whatever goes wrong comes back as a refusal in one sentence."""

    def action_new_run(self, task: str = "", like: str = "") -> object:
        """Open the form of a new search: of this task, or with the settings of that run."""

    def look_at(self, run: str, node: str = "") -> None:
        """Show a run on the search screen, and a node of it."""

    def look_closer(self) -> None:
        """Another trial is on show: read its directory now."""


SCREENS = {
    "compare": "compare",
    "runs": "runs",
    "logs": "log",
    "models": "models",
    "digest": "digest",
    "insights": "insights",
    "data": "data",
    "chat": "chat",
}
"""Name -> module of `trex_tui.screens` with `make(host, words) -> Screen`. `words`: what stood behind the name."""


def make(host: Host, name: str, words: tuple[str, ...] = ()) -> Screen[Any]:
    """The screen of that name, imported when it is first asked for. Raises TrexError where it cannot be shown."""
    made = import_module(f"trex_tui.screens.{SCREENS[name]}").make(host, words)
    if not isinstance(made, Screen):
        raise TrexError(f"{name} is no screen")
    return made
