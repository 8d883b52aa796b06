"""What comes of a key or of a word: a message, a question, something to open, or the reason why not.

Types, and the words that `:` and the `trex` command share. What decides is `trex_tui.actions`, what carries it out
`trex_tui.acting`.
"""

from __future__ import annotations

import getpass
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from engine.control import protocol as p
from engine.search import events as ev
from engine.search.tree import ROOT

TURNS: dict[str, tuple[ev.Flag, bool]] = {
    "pause": ("paused", True),
    "resume": ("paused", False),
    "prune": ("pruned", True),
    "restore": ("pruned", False),
    "pin": ("pinned", True),
    "unpin": ("pinned", False),
}
"""Word -> the flag that it turns, and whether on."""
_TRIAL = re.compile(r"(n\d+)t\d+")


def named(word: str) -> tuple[str, str]:
    """Node and trial of `n3` or `n3t1`; the trial is "" for a node. Whether they are there is not asked."""
    found = _TRIAL.fullmatch(word)
    return (found[1], word) if found else (word, "")


class Selection(NamedTuple):
    """What is on show: a run, a node of it, a trial of that node ("" where it has none yet)."""

    run: str
    node: str = ROOT
    trial: str = ""


@dataclass(frozen=True)
class Refusal:
    """Why an action cannot be done now, as one sentence."""

    text: str


@dataclass(frozen=True)
class Ask:
    """A command that is sent only after a person has said yes. `explain` says what it costs.

    A function, because it may walk a large branch: the key bar asks often whether a key works, and reads nothing.
    """

    question: str
    explain: Callable[[], str]
    command: p.Command


@dataclass(frozen=True)
class Open:
    """Something more must be said, or read, before there is a command."""

    what: Literal["fork", "edit", "hint", "budget", "clean", "export", "report", "chat"]
    at: Selection


@dataclass(frozen=True)
class AskAll:
    """Several commands behind one question. `refused`: why some of what was meant is not among them."""

    question: str
    explain: Callable[[], str]
    commands: tuple[p.SetFlag | p.Retry, ...]
    refused: tuple[str, ...] = ()


Decision = p.Command | Ask | AskAll | Open | Refusal


def person() -> str:
    """Who is at the keyboard, for the journal."""
    try:
        return getpass.getuser()[:200]
    except (OSError, KeyError):
        return "somebody"
