"""What a key is, and the six ways to move that every list and every text has. Not which keys there are: that is
`trex_tui.keymap`.
"""

from __future__ import annotations

from typing import NamedTuple


class Key(NamedTuple):
    """One action: its keys (comma separated), its name, a short label, a sentence for the help screen.

    `bar` is the place in the key bar (1 first, kept longest); 0 keeps a key out of it.
    """

    keys: str
    action: str
    label: str
    help: str
    bar: int = 0
    shown: str = ""


class Moves(NamedTuple):
    """The actions of one kind of widget."""

    down: str
    up: str
    page_down: str
    page_up: str
    first: str
    last: str


ROWS = Moves("move(1)", "move(-1)", "page(1)", "page(-1)", "edge(False)", "edge(True)")
OPTIONS = Moves("cursor_down", "cursor_up", "page_down", "page_up", "first", "last")
TEXT = Moves(
    "scroll_by(1)", "scroll_by(-1)", "scroll_page(1)", "scroll_page(-1)", "scroll_edge(False)", "scroll_edge(True)"
)
SCROLL = Moves("scroll_down", "scroll_up", "page_down", "page_up", "scroll_home", "scroll_end")


def chooses(moves: Moves, noun: str = "line") -> tuple[Key, ...]:
    """For a cursor that goes from one thing to the next."""
    words = (f"The next {noun}", f"The {noun} before", f"The first {noun}", f"The last {noun}")
    return _six(moves, words, ("first", "last"))


def scrolls(moves: Moves = TEXT) -> tuple[Key, ...]:
    """For a text that slides under the eyes."""
    return _six(moves, ("A line down", "A line up", "To the top", "To the bottom"), ("top", "bottom"))


def _six(moves: Moves, words: tuple[str, str, str, str], ends: tuple[str, str]) -> tuple[Key, ...]:
    down, up, first, last = words
    return (
        Key("down,j", moves.down, "down", down),
        Key("up,k", moves.up, "up", up),
        Key("pagedown,ctrl+d", moves.page_down, "page down", "A page down"),
        Key("pageup,ctrl+u", moves.page_up, "page up", "A page up"),
        Key("home,g", moves.first, ends[0], first),
        Key("end,G", moves.last, ends[1], last),
    )
