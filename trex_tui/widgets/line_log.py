"""The run's log: events as sentences and the running trial's own lines. Renders only the lines in sight.

It follows the end until a person scrolls up, then counts what is new; the last line makes it follow again.
"""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.binding import BindingType
from textual.strip import Strip

from engine.search.events import Record
from trex_tui.keymap import LOG, bindings
from trex_tui.model import format as fmt
from trex_tui.model.log_text import clock_of, last_state
from trex_tui.model.sentences import sentence, weight
from trex_tui.model.store import Line, LogLines
from trex_tui.widgets.lines import Lines


class LineLog(Lines, can_focus=True, inherit_bindings=False):
    """Shows a `LogLines`; call `pull` when it has grown."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(LOG)
    COMPONENT_CLASSES: ClassVar[set[str]] = {"log--bad", "log--good", "log--quiet", "log--time"}

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._source = LogLines()
        self._seen = 0  # lines ever, at the last pull
        self._dropped = 0
        self._left = 0  # cells scrolled to the right
        self.following = True
        self.unread = 0

    def show(self, source: LogLines) -> None:
        """Another run's log, from its end."""
        self._source, self._seen, self._dropped, self._left = source, 0, source.dropped, 0
        self.following, self.unread = True, 0
        self.pull()

    def pull(self) -> None:
        """Take over what the log has gained since the last time."""
        source = self._source
        total = source.dropped + len(source.lines)
        if not self.following:
            self.unread += total - self._seen
            if source.dropped > self._dropped:
                self.scroll_to(y=max(0, self.scroll_y - (source.dropped - self._dropped)), animate=False)
        self._seen, self._dropped = total, source.dropped
        self.hold(len(source.lines))
        if self.following:
            self.scroll_to(y=len(source.lines), animate=False, force=True, immediate=True)
        self._title()

    def on_resize(self) -> None:
        self.pull()

    def render_line(self, y: int) -> Strip:
        index, width = self.scroll_offset.y + y, self.scrollable_content_region.width
        if index >= len(self._source.lines):
            return Strip.blank(width, self.rich_style)
        line = self._source.lines[index]
        clock, text, role = _said(line)
        stamp = f" {clock} "
        style = self.get_component_rich_style(f"log--{role}", partial=True) if role else None
        room = width - len(stamp) - 1
        body = set_cell_size(_window(text, self._left, room), max(0, room + 1))
        time_style = self.get_component_rich_style("log--time", partial=True)
        return Strip([Segment(stamp, time_style), Segment(body, style)], width).apply_style(self.rich_style)

    def watch_scroll_y(self, old: float, new: float) -> None:
        super().watch_scroll_y(old, new)
        at_end = new >= self.max_scroll_y - 0.5
        if at_end != self.following:
            self.following = at_end
            self.unread = 0
            self._title()

    def _title(self) -> None:
        if self.following:
            self.border_title = "log, following"
        else:
            new = f", {self.unread} new" if self.unread else ""
            self.border_title = f"log{new}, G follows again"

    def _to(self, y: float) -> None:
        self.scroll_to(y=y, animate=False, force=True, immediate=True)

    def action_line(self, by: int) -> None:
        self._to(self.scroll_y + by)

    def action_page(self, by: int) -> None:
        self._to(self.scroll_y + by * max(1, self.size.height - 1))

    def action_edge(self, end: bool) -> None:
        self._to(len(self._source.lines) if end else 0)

    def action_shift(self, by: int) -> None:
        self._left = max(0, self._left + by)
        self.refresh()


def _said(line: Record | Line) -> tuple[str, str, str]:
    """When a line was said (by its own clock where it has one), its text and its role."""
    if isinstance(line, Record):
        return fmt.clock(line.time, seconds=True), fmt.clean(sentence(line.event)), weight(line.event)
    clock, text = clock_of(last_state(line.text))
    often = f" ({line.times} times)" if line.times > 1 else ""
    return clock or fmt.clock(line.time, seconds=True), f"{line.trial} | {fmt.clean(text)}{often}", "quiet"


def _window(text: str, left: int, width: int) -> str:
    """`width` cells of a line from `left` on, an ellipsis at each side that hides something."""
    if left:
        text = "…" + text[left + 1 :] if left < cell_len(text) else "…"
    return fmt.cut(text, width)
