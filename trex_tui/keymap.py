"""Which key does what: tables of keys, the only place where keys are named.

The key bar, the help screen and the palette are made from the live bindings that come out of these tables.
`bar` is the place in the key bar (1 first, kept longest); 0 keeps a key out of it.
"""

from __future__ import annotations

from typing import NamedTuple

from textual.binding import Binding, BindingType


class Key(NamedTuple):
    """One action: its keys (comma separated), its name, a short label, a sentence for the help screen."""

    keys: str
    action: str
    label: str
    help: str
    bar: int = 0
    shown: str = ""


APP = (
    Key("question_mark,f1", "help", "help", "Every key that works here", 1, "?"),
    Key("q,ctrl+q,ctrl+c", "leave", "quit", "Leave the interface; the engine goes on with its work", 2, "q"),
    Key("r", "show('runs')", "runs", "All searches of this workspace", 11),
    Key("n", "new_run", "new", "Start a new search", 12),
    Key("ctrl+p", "command_palette", "palette", "Find any action by its name"),
)
SEARCH = (
    Key("p", "steer('pause_run')", "pause", "Pause the search, or let it go on", 3),
    Key("b,P", "steer('pause_branch')", "branch", "Pause the selected branch, or let it go on", 5, "b"),
    Key("T", "steer('pause_trial')", "pause trial", "Pause the trial on show (t chooses it), or let it go on", 16),
    Key("x", "steer('prune')", "prune", "Prune the selected branch (asks first), or restore it", 4),
    Key("R", "steer('retry')", "retry", "Try again what failed or was cancelled in the selected node", 6),
    Key("F", "steer('fork')", "fork", "Fork the trial on show: try it again with edits", 8),
    Key("H", "steer('hint')", "hint", "Advise the Researcher, for the selected branch; shows the advice there is", 9),
    Key("u", "steer('undo')", "undo", "Take back the last thing that somebody did (asks first)", 10),
    Key("B", "steer('budget')", "budget", "What the search may spend, and what it has spent; change it", 13),
    Key("asterisk", "steer('pin')", "pin", "Keep the adapter of the trial on show for good, or no longer", 17, "*"),
    Key("C", "steer('clean')", "clean", "Remove adapters that nobody needs (shows them and asks first)", 18),
    Key("s", "steer('stop')", "stop", "End the search now (asks first)", 15),
    Key("o", "report", "report", "The report: where it lies; opens it where there is a desktop", 14),
    Key("f", "follow", "follow", "Let the selection follow what the engine works on", 19),
    Key("t", "next_trial", "trial", "The node's next trial in curves, cases and log", 20),
    Key("1", "tab('why')", "why", "Why this node: hypothesis, the policy's terms, diagnosis"),
    Key("2", "tab('plan')", "plan", "The plan: recipe and the configuration of each trial"),
    Key("3", "tab('curves')", "curves", "Loss, learning rate and gradient norm"),
    Key("4", "tab('cases')", "cases", "Validation rows that the trial got wrong"),
    Key("5", "tab('insight')", "insight", "What was learned here, and what this plan built on"),
    Key("6", "tab('log')", "log", "The trial's own log"),
    Key("tab", "pane(1)", "pane", "The next pane: tree, node, log", 21),
    Key("shift+tab", "pane(-1)", "pane before", "The pane before"),
    Key("escape", "back", "back", "Back to the tree"),
)
TREE = (
    Key("down,j", "move(1)", "down", "The next node"),
    Key("up,k", "move(-1)", "up", "The node before"),
    Key("pagedown,ctrl+d", "page(1)", "page down", "A page down"),
    Key("pageup,ctrl+u", "page(-1)", "page up", "A page up"),
    Key("home,g", "edge(False)", "first", "The first node"),
    Key("end,G", "edge(True)", "last", "The last node"),
    Key("left,h", "outward", "parent", "Fold the branch, or go to the parent"),
    Key("right,l", "inward", "child", "Unfold the branch, or go to the first child"),
    Key("space", "fold", "fold", "Fold or unfold the branch"),
    Key("enter", "open", "open", "Look at the selected node", 7, "enter"),
)
DETAIL = (
    Key("down,j", "scroll_by(1)", "down", "A line down"),
    Key("up,k", "scroll_by(-1)", "up", "A line up"),
    Key("pagedown,ctrl+d", "scroll_page(1)", "page down", "A page down"),
    Key("pageup,ctrl+u", "scroll_page(-1)", "page up", "A page up"),
    Key("home,g", "scroll_edge(False)", "top", "To the top"),
    Key("end,G", "scroll_edge(True)", "bottom", "To the bottom"),
    Key("left,h", "turn(-1)", "tab before", "The tab before"),
    Key("right,l", "turn(1)", "tabs", "The next tab", 7, "h l"),
)
LOG = (
    Key("down,j", "line(1)", "down", "A line down"),
    Key("up,k", "line(-1)", "up", "A line up; stops following"),
    Key("pagedown,ctrl+d", "page(1)", "page down", "A page down"),
    Key("pageup,ctrl+u", "page(-1)", "page up", "A page up"),
    Key("home,g", "edge(False)", "oldest", "The oldest line"),
    Key("end,G", "edge(True)", "newest", "The newest line, and follow", 7, "G"),
    Key("left,h", "shift(-8)", "left", "Scroll long lines back"),
    Key("right,l", "shift(8)", "right", "Scroll long lines to their end"),
)
RUNS = (
    Key("down,j", "cursor_down", "down", "The next search"),
    Key("up,k", "cursor_up", "up", "The search before"),
    Key("pagedown,ctrl+d", "page_down", "page down", "A page down"),
    Key("pageup,ctrl+u", "page_up", "page up", "A page up"),
    Key("home,g", "first", "first", "The first search"),
    Key("end,G", "last", "last", "The last search"),
    Key("enter", "select", "look", "Look at this search", 3, "enter"),
)
CLOSE = (Key("escape", "close", "back", "Back", 3, "esc"),)
CONFIRM = (
    Key("y,enter", "answer(True)", "yes", "Do it", 3, "y"),
    Key("n,escape,q", "answer(False)", "no", "Leave everything as it is", 4, "n"),
)
FORM = (
    Key("ctrl+s", "send", "send", "Send it", 3, "ctrl+s"),
    Key("escape", "close", "cancel", "Leave everything as it is", 4, "esc"),
)
LINE = (
    Key("down", "screen.line(1)", "next line", "The next line", 5, "↓"),
    Key("up", "screen.line(-1)", "line before", "The line before", 6, "↑"),
)
SYSTEM_PRIORITY = frozenset({"ctrl+q", "ctrl+c"})


def bindings(table: tuple[Key, ...]) -> list[BindingType]:
    """Textual's bindings for a table. Only the first key of an action stands in the key bar."""
    made: list[BindingType] = []
    for key in table:
        for part in key.keys.split(","):
            made.append(
                Binding(
                    part,
                    key.action,
                    key.label,
                    show=key.bar > 0 and part == key.keys.split(",")[0],
                    key_display=(key.shown or part) if key.bar and part == key.keys.split(",")[0] else None,
                    tooltip=key.help,
                    priority=part in SYSTEM_PRIORITY,
                )
            )
    return made


def bar_place(action: str) -> int:
    """The place of an action in the key bar; 0 = not in it."""
    return _PLACES.get(action, 0)


_PLACES = {
    key.action: key.bar for table in (APP, SEARCH, TREE, DETAIL, LOG, RUNS, CLOSE, CONFIRM, FORM, LINE) for key in table
}
