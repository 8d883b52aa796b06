"""When this person last looked at a workspace, and what they last said in the command line: `interface.json` in it.

Not settings (`trex_tui.settings`), which hold everywhere. What cannot be read or written is forgotten: it is a comfort.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

import msgspec

from engine import strict
from engine.errors import TrexError
from trex_tui.model.format import storable

AWAY = 3600.0  # seconds after which somebody wants to know what has happened
EVERY = 60.0  # seconds between notes that somebody looks
FOR_US_ALONE = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK  # a pipe would wait for a reader
SAID, LINE = 100, 400  # lines of the command line that are kept, and characters of each


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The file. Unix seconds."""

    looked: float = 0.0
    said: tuple[str, ...] = ()


class Visit:
    """`before`: when somebody looked last, 0 where nobody ever did. `note` writes at most once a minute."""

    def __init__(self, path: Path) -> None:
        self._path = path
        kept = self._read()
        self.before, self.said = kept.looked, list(kept.said)
        self._noted = 0.0

    def _read(self) -> Kept:
        with suppress(TrexError, OSError):
            return strict.from_json(strict.read_text(self._path, 64 * 1024).encode(), Kept, source=str(self._path))
        return Kept()

    def note(self, now: float, leaving: bool = False) -> None:
        """Somebody is looking now."""
        if not leaving and now - self._noted < EVERY:
            return
        self._noted = now
        kept = Kept(looked=now, said=tuple(storable(line[:LINE]) for line in self.said[-SAID:]))
        with suppress(OSError), os.fdopen(os.open(self._path, FOR_US_ALONE, 0o600), "wb") as out:
            if stat.S_ISREG(os.fstat(out.fileno()).st_mode):
                out.truncate()
                out.write(msgspec.json.encode(kept))

    def away(self, now: float) -> bool:
        """Whether somebody was here before, and long enough ago to be told what has happened since."""
        return bool(self.before) and now - self.before > AWAY
