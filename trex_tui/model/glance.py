"""The loss of a trial that has ended, as a few points: enough for a line of the tree. Read away from the interface.

Not the curve itself (`telemetry`), which is kept only for trials that somebody looks at.
"""

from __future__ import annotations

from array import array
from pathlib import Path

import msgspec

from engine.executor.job import Step
from engine.files import UNREADABLE
from trex_tui.model.ordinary import opened

POINTS = 16
LONGEST = 16 * 1024 * 1024  # bytes

_decode = msgspec.json.Decoder(Step).decode


def glance(folder: Path) -> array[float]:
    """The loss at up to `POINTS` moments of a trial, evenly spread; fewer where its file is short, torn or gone."""
    found = array("f")
    try:
        with opened(folder / "metrics.jsonl") as source:
            lines = source.read(LONGEST).splitlines()
    except OSError:
        return found
    for point in range(min(POINTS, len(lines))):
        try:
            found.append(_decode(lines[point * (len(lines) - 1) // max(1, min(POINTS, len(lines)) - 1)]).loss)
        except UNREADABLE:
            continue  # torn by a kill
    return found
