"""The plain way, to compare with: Textual's own `Tree` and `RichLog`, updated event by event as its guide shows it.

    python -m tests.bench.tui_stock --socket SOCKET | --log FILE

Fed by the same engine over the same protocol, it shows the same tree and the same sentences. `--log` reads a file into
a `RichLog` and follows it.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from rich.style import Style
from rich.text import Text
from textual import work
from textual.app import App, ComposeResult
from textual.containers import Horizontal
from textual.widgets import Footer, RichLog, Static, Tree
from textual.widgets.tree import TreeNode

from engine.control import protocol as p
from engine.control.client import Connection
from engine.search import events as ev
from trex_tui.model.sentences import sentence

LINES = 1000  # of a file, between two turns for the keys


class Marked(Tree[str]):
    """The stock tree; its cursor has a mark too, so that it can be found from outside."""

    def render_label(self, node: TreeNode[str], base_style: Style, style: Style) -> Text:
        mark = "›" if node is self.cursor_node else " "
        return Text.assemble(mark, super().render_label(node, base_style, style))


class Watcher(App[None]):
    """A tree at the left, a log at the right."""

    BINDINGS = [("j", "down", "down"), ("k", "up", "up"), ("q", "quit", "quit")]  # noqa: RUF012 - as Textual's guide

    def __init__(self, socket: Path) -> None:
        super().__init__()
        self._socket = socket
        self._shown: dict[str, TreeNode[str]] = {}

    def compose(self) -> ComposeResult:
        yield Static("", id="head")
        with Horizontal():
            yield Marked("n0 base model")
            yield RichLog()
        yield Footer()

    def on_mount(self) -> None:
        root = self.query_one(Marked).root
        root.expand()
        self._shown["n0"] = root
        self.query_one(Marked).focus()
        self.feed()

    @work
    async def feed(self) -> None:
        connection = await Connection.open(self._socket, "stock")
        await connection.send(p.Subscribe())
        async for message in connection:
            if isinstance(message, p.Records):
                for record in message.records:
                    self.take(record.event)
                await asyncio.sleep(0)  # a turn for the keys, after each frame of the engine's
                self.query_one("#head", Static).update(f"seq {message.stored[-1].seq if message.stored else 0} ")

    def take(self, event: ev.AnyEvent) -> None:
        match event:
            case ev.NodeAdded():
                added = self._shown[event.parent].add(f"{event.node} thinking", expand=True)
                self._shown[event.node] = added
            case ev.Finished():
                self._shown[event.node].set_label(f"{event.node} done {event.score:.3f}")
        self.query_one(RichLog).write(sentence(event))

    def action_down(self) -> None:
        self.query_one(Marked).action_cursor_down()

    def action_up(self) -> None:
        self.query_one(Marked).action_cursor_up()


class Reader(App[None]):
    """A file in a `RichLog`, followed."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file

    def compose(self) -> ComposeResult:
        yield RichLog()

    def on_mount(self) -> None:
        self.read()

    @work
    async def read(self) -> None:
        log = self.query_one(RichLog)
        with self._file.open(errors="replace") as lines:
            while True:
                for _ in range(LINES):
                    if line := lines.readline():
                        log.write(line.rstrip("\n"))
                await asyncio.sleep(0.01)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--socket", type=Path)
    kind.add_argument("--log", type=Path)
    options = parser.parse_args()
    (Watcher(options.socket) if options.socket else Reader(options.log)).run()


if __name__ == "__main__":
    main()
