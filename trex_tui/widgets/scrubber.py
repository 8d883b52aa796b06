"""Where in a run's time the moment on show stands: an axis with marks, the place in words, and what happened there.

Hidden while the present is on show. A click or a drag on it goes to that moment. One line on a small screen.
"""

from __future__ import annotations

from textual.content import Content
from textual.events import MouseDown, MouseMove, MouseUp
from textual.message import Message
from textual.widget import Widget

from trex_tui.host import Host
from trex_tui.model import format as fmt
from trex_tui.model.timeline import Timeline
from trex_tui.travel import Travel, said

GAP = "   "
NODE, HERE = "┼", "◆"
STYLES = {
    HERE: "bold $accent",
    fmt.BEST: "$text-success",
    fmt.GLYPHS["failed"]: "$text-warning",
    NODE: "$foreground",
    "━": "$accent",
    "─": "$quiet",
}


class Scrubber(Widget):
    """Draws itself from `host.travel`; `pull` when the moment, or what is known, has changed."""

    class Sought(Message):
        """A person wants to see this moment (Unix seconds)."""

        def __init__(self, moment: float) -> None:
            super().__init__()
            self.moment = moment

    def __init__(self, host: Host, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._host = host
        self._dragged = False

    def pull(self, changed: bool) -> None:
        self.display = self._host.travel.past is not None
        if changed and self.display:
            self.refresh()

    def render(self) -> Content:
        travel, width = self._host.travel, self.size.width
        if travel.past is None:
            return Content("")
        happened = said(travel.record)
        if self.size.height < 3:
            return _fitted([_place(travel, short=True), _new(travel), Content(happened)], width)
        when = f"{fmt.clock(travel.moment, seconds=True)}, {fmt.duration(travel.moment - travel.timeline.times[0])} in"
        playing = Content.styled(f"playing, {travel.speed:g} x" if travel.playing else "", "bold")
        parts = [_place(travel), Content(when), _new(travel), playing, Content.styled("end returns to now", "$quiet")]
        lines = [axis(travel.timeline, travel.moment, travel.ends, width), _fitted(parts, width)]
        return Content("\n").join([*lines, Content(fmt.cut(happened, width))])

    def on_mouse_down(self, event: MouseDown) -> None:
        self._dragged = True
        self.capture_mouse()
        self._seek(event.x)

    def on_mouse_move(self, event: MouseMove) -> None:
        if self._dragged:
            self._seek(event.x)

    def on_mouse_up(self, _event: MouseUp) -> None:
        self._dragged = False
        self.release_mouse()

    def _seek(self, column: int) -> None:
        """The moment that stands in a column of the axis, which is as wide as the widget."""
        travel = self._host.travel
        if travel.past is not None:
            began = travel.timeline.times[0]
            share = min(max(column - self.gutter.left, 0) / max(1, self.size.width - 1), 1.0)
            self.post_message(self.Sought(began + share * (travel.ends - began)))


def axis(timeline: Timeline, moment: float, ends: float, width: int) -> Content:
    """The run from its first event on; where two marks fall on one cell, the rarer one stands."""
    began = timeline.times[0]
    scale = (width - 1) / (ends - began or 1.0)

    def column(at: float) -> int:
        return min(width - 1, max(0, round((at - began) * scale)))

    here = column(moment)
    cells = ["━" if x < here else "─" for x in range(width)]
    marks = ((NODE, timeline.nodes), (fmt.GLYPHS["failed"], timeline.failures), (fmt.BEST, timeline.better))
    for glyph, positions in marks:
        for position in positions:
            cells[column(timeline.times[position - 1])] = glyph
    cells[here] = HERE
    return Content.assemble(*((cell, STYLES[cell]) for cell in cells))


def _place(travel: Travel, short: bool = False) -> Content:
    if short:
        text = f"{HERE} {travel.position}/{len(travel.timeline)} {fmt.clock(travel.moment, seconds=True)}"
    else:
        text = f"{HERE} event {travel.position:,} of {len(travel.timeline):,}"
    return Content.styled(text, "bold $accent")


def _new(travel: Travel) -> Content:
    return Content.styled(f"{travel.new:,} new" if travel.new else "", "bold $text-warning")


def _fitted(parts: list[Content], width: int) -> Content:
    """Joined; what is empty is left out, and what does not fit is cut."""
    return Content(GAP).join([part for part in parts if part.plain]).truncate(max(1, width), ellipsis=True)
