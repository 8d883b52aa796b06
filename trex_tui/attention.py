"""Calls the person where something has happened while they look elsewhere: the terminal's notifications and its title.

What is news is decided in `trex_tui.model.news`, how a terminal is told in `trex_tui.model.terminal`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from trex_tui.model import news, terminal
from trex_tui.model.store import Store


class Attention:
    """`write` sends escape sequences to the terminal; `env` is what it says of itself."""

    def __init__(self, live: Store, write: Callable[[str], None], env: Mapping[str, str], on: bool) -> None:
        self._live, self._write, self._env, self.on = live, write, env, on
        self._seen = -1  # the last record that is history or was told; before the first word of an engine none is
        self._title = ""

    def look(self, run: str) -> list[news.News]:
        """Tell what is new since the last look; `run` is on show. Returns what was told."""
        fresh = self._fresh()
        if self.on:
            for item in fresh:
                self._write(terminal.notification(item.text, self._env))
        self._name_window(run)
        return fresh

    def _fresh(self) -> list[news.News]:
        link, last = self._live.link, self._live.last_seq
        if self._seen < 0:
            if link.kind == "live" and last >= link.last_seq:
                self._seen = link.last_seq
            else:
                return []
        if last <= self._seen:
            return []
        found = [item for name, view in self._live.runs.items() for item in news.since(name, view, self._seen)]
        self._seen = last
        return found

    def _name_window(self, run: str) -> None:
        word = {"down": "engine down", "refused": "engine refused us"}.get(self._live.link.kind, "")
        said = terminal.title(news.title(run, self._live.runs.get(run), word), self._env)
        if said != self._title:
            if not self._title:
                self._write(terminal.SAVE_TITLE)
            self._title = said
            self._write(said)

    def leave(self) -> None:
        """Give the window its title back."""
        if self._title:
            self._write(terminal.RESTORE_TITLE)
