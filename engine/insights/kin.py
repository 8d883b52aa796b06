"""Whether a new insight repeats or contradicts one that is held, so that it can be kept as a node for or against it.

By what was changed and which way it went, as the rule's opening states them; the embedding only narrows the search:
"raising it helped" and "raising it hurt" are near neighbours in any embedding.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.insights.index import InsightIndex

NEAR = 0.6  # similarity of two insights on one change, whatever the model added to them: 0.7 and more
CANDIDATES = 8
VERDICT = re.compile(r"(?:beyond|within) the noise: (better|worse|no clear)")


@dataclass(frozen=True)
class Kin:
    """Ids of held insights that a new text supports, and of those it contradicts."""

    supports: tuple[str, ...] = ()
    contradicts: tuple[str, ...] = ()


async def kin_of(index: InsightIndex, text: str, own: str = "", *, task: str = "") -> Kin:
    """What is held on the same change under another id than `own`; nothing for a text without the rule's opening. A tie
    contradicts nobody."""
    mine = claim(text)
    if mine is None:
        return Kin()
    found = await index.nearest(text, CANDIDATES, task=task, exclude={own}, floor=NEAR)
    same = [(f.id, theirs[1]) for f in found if (theirs := claim(index.rows[f.id].text)) and theirs[0] == mine[0]]
    against = {"better": "worse", "worse": "better"}.get(mine[1])
    return Kin(
        supports=tuple(id_ for id_, verdict in same if verdict == mine[1]),
        contradicts=tuple(id_ for id_, verdict in same if verdict == against),
    )


def claim(text: str) -> tuple[str, str] | None:
    """(what was changed, verdict) of an insight's opening: `lora_rank=64 instead of lora_rank=16`, `better`."""
    change, colon, rest = text.partition(": ")
    verdict = VERDICT.search(rest)
    return (change, verdict[1]) if colon and verdict else None
