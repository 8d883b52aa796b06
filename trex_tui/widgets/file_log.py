"""A file of any size on the screen: follows its end, scrolls anywhere, finds a text.

What walks the whole file goes on in a thread, slice by slice, and never holds up a key.
"""

from __future__ import annotations

import asyncio
import re
import time
from typing import ClassVar

from textual import work
from textual.binding import BindingType
from textual.events import Click, MouseScrollDown, MouseScrollUp
from textual.message import Message

from trex_tui.keymap import FILE_LOG, bindings
from trex_tui.model.file_bytes import Bytes
from trex_tui.model.file_search import Hunt
from trex_tui.model.open_file import SLICE, OpenFile
from trex_tui.widgets.file_view import BAD, FileView

PERIOD = 0.1  # seconds between looks at the file
WHEEL = 3  # lines


class FileLog(FileView, can_focus=True, inherit_bindings=False):
    """Shows one `Bytes` at a time; `show` chooses it."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(FILE_LOG)

    class Said(Message):
        """Something that a person should know."""

        def __init__(self, text: str, warning: bool = False) -> None:
            super().__init__()
            self.text, self.warning = text, warning

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.hunting: Hunt | None = None
        self._poked = asyncio.Event()

    def show(self, source: Bytes, about: str, bad: re.Pattern[str] = BAD) -> None:
        """Another log, from its end. `bad`: what makes a line one that should be seen."""
        self._close()
        self.file, self._about, self._bad, self._left = OpenFile(source), about, bad, 0
        self._read(self.file)

    def on_unmount(self) -> None:
        self._close()

    def _close(self) -> None:
        self.stop()
        if self.file is not None:
            self.file.source.close()

    @work(exclusive=True, group="file")
    async def _read(self, file: OpenFile) -> None:
        """Look at the file, again and again; between the looks do what work there is."""
        while True:
            self._poked.clear()
            look = await asyncio.to_thread(file.source.look)
            known = file.seen
            if said := file.take(look):
                self._say(said)
            if look != known or not self._page:
                self.redraw()
            if await self._work(file):
                continue
            try:
                await asyncio.wait_for(self._poked.wait(), PERIOD)
            except TimeoutError:
                continue

    async def _work(self, file: OpenFile) -> bool:
        """Slices of what there is to do, until it is time to look at the file again; whether there is more."""
        end = time.monotonic() + PERIOD
        while self.hunting is None and (slice_of_work := file.work()) is not None:
            before = file.done
            await asyncio.to_thread(slice_of_work)
            self._tell()
            if file.only:
                self.redraw()
            if file.done == before:  # the file was cut off under us
                return False
            if self._poked.is_set() or time.monotonic() > end:
                return True
        return False

    # --- searching -----------------------------------------------------------------------------------------------

    def find(self, text: str) -> None:
        """Mark this text from now on."""
        if self.file is not None:
            self.stop()
            self.file.find(text)
            self._poked.set()
            self.redraw()

    def fold(self, only: bool) -> None:
        """The matching lines alone, or all of them."""
        if self.file is not None:
            self.file.fold(only)
            self.redraw()

    def action_hunt(self, forward: bool) -> None:
        if self.file is None or self.file.needle is None:
            self._say("nothing is looked for; / asks for a text", True)
        else:
            self._hunt(self.file, forward)

    @work(exclusive=True, group="hunt")
    async def _hunt(self, file: OpenFile, forward: bool) -> None:
        before, walking = file.current, file.current in self._page
        for again, hunt in enumerate(file.hunts(forward)):
            self.hunting = hunt
            while not await asyncio.to_thread(hunt.advance, SLICE):
                self.post_message(self.Changed())
            self.hunting = None
            if hunt.found >= 0:
                self._arrive(file, hunt.found)
                if again and walking:
                    only = hunt.found == before
                    self._say("this is the only match" if only else f"from the {'first' if forward else 'last'} match")
                return
        self._say("no line has this text", True)
        self.redraw()

    def _arrive(self, file: OpenFile, start: int) -> None:
        following = file.window.following
        file.arrive(start)
        self._left = file.sideways(start, self._left, self.content_size.width - 3)
        self._note_stop(following)
        self.redraw()

    def _say(self, text: str, warning: bool = False) -> None:
        self.post_message(self.Said(text, warning))

    def stop(self) -> bool:
        """Give up the search for the next match; whether there was one."""
        self.workers.cancel_group(self, "hunt")
        hunting, self.hunting = self.hunting, None
        return hunting is not None

    # --- moving --------------------------------------------------------------------------------------------------

    def _note_stop(self, was_following: bool) -> None:
        if self.file is not None and was_following and not self.file.window.following:
            self.file.stopped()

    def action_line(self, by: int) -> None:
        if self.file is not None:
            following = self.file.window.following
            self.file.window.move(by)
            self._note_stop(following)
            self.redraw()

    def action_page(self, by: int) -> None:
        self.action_line(by * max(1, self.content_size.height - 1))

    def action_edge(self, end: bool) -> None:
        if self.file is not None:
            following = self.file.window.following
            self.file.window.edge(end)
            self._note_stop(following)
            self.redraw()

    def follow(self) -> None:
        """Stay with the end, or stay here."""
        if self.file is not None:
            self.file.window.following = not self.file.window.following
            self._note_stop(True)
            self.redraw()

    def action_shift(self, by: int) -> None:
        """Sideways, by cells."""
        if self.file is not None:
            most = max(0, self.file.widest() - self.content_size.width // 2) if by > 0 else self._left
            self._left = max(0, min(self._left + by, max(most, self._left)))
            self.redraw()

    def action_shift_page(self, by: int) -> None:
        self.action_shift(by * max(8, self.content_size.width - 10))

    def action_shift_edge(self, end: bool) -> None:
        widest = self.file.widest() if self.file and end else 0
        self._left = max(0, widest - self.content_size.width + 4)
        self.redraw()

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        event.stop()
        self.action_line(WHEEL)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        event.stop()
        self.action_line(-WHEEL)

    def on_click(self, event: Click) -> None:
        """On the bar: to that place of the file."""
        inside = event.get_content_offset(self)
        if inside is None or self.file is None or inside.x < self.content_size.width - 1:
            return
        following = self.file.window.following
        self.file.window.go_to(inside.y / max(1, self.content_size.height - 1))
        self._note_stop(following)
        self.redraw()
