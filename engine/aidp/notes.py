"""What an operator says about its own work besides its rows: why some went, why some came, which could not be read.

Bounded: reasons are kept for the first few rows, broken rows up to a number; counts are of all. Texts of data come in
here as they are, half characters among them, and are kept as they can be stored.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from engine.aidp.reading.values import encodable

MOST = 8  # rows of one operator that are shown
BROKEN = 1_000  # broken rows of one operator that are kept
LONGEST = 300  # characters of a broken row that are kept
WITHHELD = "overlaps a held-out row, so its text is not shown"


class Broken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row that could not be read: where it stands, why, and how it begins."""

    where: str
    why: str
    text: str = ""


@dataclass
class Notes:
    """Filled by one operator. Places are those of its input, in the order in which it meets them."""

    dropped: dict[int, str] = field(default_factory=dict)
    why_dropped: str = ""  # of every row without a reason of its own
    added: dict[str, str] = field(default_factory=dict)  # by the row's id
    why_added: str = ""
    secret: bool = False  # the texts of dropped rows are not to be shown
    changed: dict[str, str] = field(default_factory=dict)  # by id, rows that stay and read otherwise
    counts: tuple[int, int] | None = None  # rows dropped and added, where their numbers do not say it
    note: str = ""  # of the work as a whole: which layout was taken, and why
    remarks: list[str] = field(default_factory=list)  # on a file as a whole
    broken: list[Broken] = field(default_factory=list)
    broken_rows: int = 0

    def drops(self, at: int, why: str) -> None:
        if len(self.dropped) < MOST:
            self.dropped[at] = encodable(why)

    def adds(self, id_: str, why: str) -> None:
        if len(self.added) < MOST:
            self.added[id_] = encodable(why)

    def changes(self, id_: str, why: str) -> None:
        if len(self.changed) < MOST:
            self.changed[id_] = encodable(why)

    def sets_aside(self, where: str, why: str, text: str = "") -> None:
        self.broken_rows += 1
        if len(self.broken) < BROKEN:
            self.broken.append(Broken(encodable(where), encodable(why), encodable(text[:LONGEST])))

    def remark(self, what: str) -> None:
        """What was found out about a file; of the files of a folder the same is said once."""
        if (said := encodable(what)) not in self.remarks:
            self.remarks.append(said)

    def whole(self) -> str:
        """All that is said of the work as a whole."""
        return encodable("; ".join(filter(None, (*self.remarks, self.note))))
