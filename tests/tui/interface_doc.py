"""docs/interface.md from the tables of keys:  python -m tests.tui.interface_doc

What the screens are is said here; which keys they have comes from `trex_tui.keymap`. A test compares page and tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from trex_tui import keymap
from trex_tui.screens.help import KEYS

TABLES: dict[str, tuple[keymap.Key, ...]] = {
    name: value
    for name, value in vars(keymap).items()
    if name.isupper() and name != "UNBOUND" and isinstance(value, tuple) and value and isinstance(value[0], keymap.Key)
}
PLACES = {
    "APP": ("Everywhere", "On every screen that is no window over another one."),
    "SEARCH": (
        "Search",
        "The first screen: how the search goes, its tree, everything about the selected node, the log. "
        "Where there is room for one pane only, enter and esc go in and out.",
    ),
    "TREE": ("Search, in the tree", "One line a node: state, name, direction, score with its noise, gain, trials."),
    "FILTER": ("Search, in the filter's line", "`state:failed score>0.8 lr<1e-4 has:insight NOT text`."),
    "DETAIL": ("Search, in the node's pane", "The pages 1 to 9 and 0 of the selected node."),
    "LOG": ("Search, in the log", "What happened, newest last, with the running trial's own lines."),
    "RUNS": ("Searches", "`r`: all searches of the workspace, what of each stands below the list."),
    "MODELS": ("Models", "`M`: what is here and whole; fetch one, bring in your own."),
    "LIST": ("Searches and models, in the list", ""),
    "ABOUT": ("Searches and models, below the list", ""),
    "LIST_FILTER": ("Searches and models, in the line of the words", ""),
    "COMPARE": ("Compare", "`c`: the marked nodes side by side: plan, curves, flips, scores."),
    "INSIGHTS": ("Insights", "`i`: what was learned in all searches, with the evidence."),
    "INSIGHT_LINE": ("Insights, in the line of words", "Filters while one types."),
    "INSIGHT_LIST": ("Insights, in the list", ""),
    "EVIDENCE": ("Insights, in the evidence", "What speaks for and against an insight, and what was made of it."),
    "DATA": ("Data", "`d`: the task's splits, and the rows before and after each step of a recipe."),
    "DATA_PAGE": ("Data, in a pane", ""),
    "LOGS": ("Logs", "`L`: the run's events, what its processes wrote, what the engine wrote; any size."),
    "FILE_LOG": ("Logs, in the lines", ""),
    "FIND": ("Logs, in the line of the text", ""),
    "DIGEST": ("Since you left", "`A`, and by itself after an hour away: what was tried, learned, spent, what comes."),
    "COMMAND": ("Command line", "`:` and words, completed with tab."),
    "CHAT": ("Chat", "`a`: the trial's model beside its base model."),
    "CHAT_LINE": ("Chat, in the line", ""),
    "CONFIRM": ("Questions", "Before what cannot be taken back lightly."),
    "FORM": ("Forms", "New search, new task, fork, hint, budget, export, insight."),
    "LINE": ("Forms, in a line", ""),
    "HELP": ("Help", "`?`: every key of the screen below."),
    "CLOSE": ("Any screen over the first", ""),
}
HEAD = """# The interface: every screen and every key

Made from the tables in `trex_tui/keymap.py` by `python -m tests.tui.interface_doc`; a test fails where they differ.
`?` shows the same on the screen that one is on, ctrl+p finds an action by its name, and `:` takes it in words.
Keys can be changed: `trex_tui/settings.py` says where.
"""


def path() -> Path:
    return Path(__file__).parents[2] / "docs" / "interface.md"


def page() -> str:
    return "\n".join([HEAD, *(line for name in _order() for line in _section(name))]) + "\n"


def _order() -> list[str]:
    """Those that are described first, in that order; then any that nobody has described yet."""
    return [name for name in PLACES if name in TABLES] + [name for name in TABLES if name not in PLACES]


def _section(name: str) -> Iterator[str]:
    title, about = PLACES.get(name, (name.replace("_", " ").capitalize(), ""))
    yield f"## {title}"
    yield ""
    if about:
        yield about
        yield ""
    yield "| key | what it does |"
    yield "|---|---|"
    for key in TABLES[name]:
        names = ", ".join(KEYS.get(part, part) for part in key.keys.split(",") if part)
        yield f"| {_cell(names) or 'none; by name'} | {_cell(key.help)} |"
    yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    path().write_text(page(), encoding="utf-8")
