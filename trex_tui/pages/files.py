"""Files: what lies in the directories of the node and of the trial on show. One line is chosen; its path can be copied.

In the past only what has not been changed since stands here: nobody knows what a file was before.
"""

from __future__ import annotations

from textual.content import Content

from engine.search.tree import ROOT
from trex_tui.model import format as fmt
from trex_tui.model.folders import Entry
from trex_tui.pages.page import DIM, MARK, Page, Subject

NAME = 20  # cells of a name, where there is room


def page(about: Subject) -> Content:
    return _laid_out(about)[0].content()


def entries(about: Subject) -> list[Entry]:
    """All files that can be chosen, in the order in which they are shown."""
    views = [about.folder(name) for name in names(about)]
    return [entry for view in views if view for entry in view.entries]


def names(about: Subject) -> list[str]:
    """The directories: the node's, which the base model has not, and the trial's."""
    return [name for name in (about.name if about.name != ROOT else "", about.trial_name) if name]


def line_of_cursor(about: Subject) -> int:
    """In which line of the page the chosen file stands."""
    return _laid_out(about)[1]


def _laid_out(about: Subject) -> tuple[Page, int]:
    out, line, number = Page(), 0, 0
    for name in names(about):
        view = about.folder(name)
        out.heading(name, _end_of(str(view.path), about.width - len(name) - 2) if view else "")
        if view is None or not view.entries:
            out.text("nothing lies here yet" if view else "being read", DIM)
            continue
        for entry in view.entries:
            chosen = number == about.cursor
            line = len(out) if chosen else line
            out.text(_row(entry, about.width, chosen), MARK if chosen else "")
            number += 1
        if view.more:
            out.text(f"and {view.more:,} more", DIM)
    return out, line


def _end_of(path: str, width: int) -> str:
    """The path, its beginning left out where there is no room."""
    return path if len(path) <= width else "…" + path[len(path) - max(0, width - 1) :]


def _row(entry: Entry, width: int, chosen: bool) -> str:
    name = fmt.cut(entry.name + ("/" if entry.folder else ""), max(8, min(NAME, width - 20)))
    meaning = f"  {entry.meaning}" if width >= 56 and entry.meaning else ""
    when = fmt.day(entry.time) if width >= 56 else fmt.clock(entry.time)
    row = f"{'›' if chosen else ' '} {name:<{min(NAME, width - 20)}} {_bytes(entry.size):>8}  {when}{meaning}"
    return fmt.cut(row, width)


def _bytes(count: int) -> str:
    return fmt.size(count) if count >= 1000 else f"{count} B"
