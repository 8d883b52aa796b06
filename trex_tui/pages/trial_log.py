"""The trial's own log, its last lines."""

from __future__ import annotations

from textual.content import Content

from trex_tui.pages.page import DIM, Page, Subject

SHOWN = 300


def page(about: Subject) -> Content:
    out = Page()
    lines = about.course.lines if about.course else []
    if not lines:
        out.text(f"{about.trial_name or about.name} has written no log here yet.", DIM)
        return out.content()
    out.heading(
        f"{about.trial_name}: log.txt", f"the last {SHOWN} lines" if len(lines) > SHOWN else "t chooses another trial"
    )
    for line in lines[-SHOWN:]:
        out.text(line)
    return out.content()
