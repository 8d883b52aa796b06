"""The line of a node's tabs: which is open, and as many names of the others as there is room for. Pure."""

from __future__ import annotations

from textual.content import Content

TABS = ("why", "plan", "recipe", "curves", "cases", "flips", "insight", "log", "files", "asked")


def tab_line(tab: str, width: int) -> Content:
    """`1 [2 plan] 3 recipe 4 ...`: the open one in brackets, the names of the nearest ones as far as they fit."""
    parts = _parts(tab, width)
    return Content("").join(Content.styled(p, "bold $text-accent" if p.startswith("[") else "$quiet") for p in parts)


def tab_at(tab: str, width: int, x: int) -> str:
    """Which tab stands in a cell of that line; "" for none."""
    for name, part in zip(TABS, _parts(tab, width), strict=True):
        if x < len(part):
            return name
        x -= len(part)
    return ""


def _parts(tab: str, width: int) -> list[str]:
    here = TABS.index(tab)
    named = {here}
    for other in sorted(range(len(TABS)), key=lambda place: abs(place - here)):
        if sum(map(len, _pieces(here, named | {other}))) > width:
            break
        named.add(other)
    return _pieces(here, named)


def _pieces(here: int, named: set[int]) -> list[str]:
    """The tabs with one cell between two of them; brackets take its place."""
    parts: list[str] = []
    for place, name in enumerate(TABS):
        key = str((place + 1) % 10)
        said = f"{key} {name}" if place in named else key
        if place == here:
            parts.append(f"[{said}]")
        else:
            parts.append(said if place in (0, here + 1) else f" {said}")
    return parts
