"""The form of an insight: its words, beside those with which it was learned."""

from __future__ import annotations

from engine.control import protocol as p
from engine.errors import BadInput
from engine.search.insights import Insight
from trex_tui.forms.sheet import Remarks, Row, Sheet, Values
from trex_tui.model.format import clean

LONGEST = 1000  # letters, as the protocol has it


class InsightSheet(Sheet):
    """What is written here is what plans are given from now on."""

    kind, verb = "insight", "change"
    first = "text"

    def __init__(self, insight: Insight, by: str, seen: int) -> None:
        self._insight, self._by, self._seen = insight, by, seen
        self._now = clean(insight.text)
        self.title = f"insight {insight.insight}"
        learned = clean(insight.original or insight.text)
        self.lead = f"It was learned as:\n{learned}\nAn empty line brings these words back."
        self.rows = (Row("text", "text", self._now),)

    def remarks(self, values: Values) -> Remarks:
        text = values["text"].strip()
        differs = text not in ("", self._now)
        long = f"! {len(text):,} letters, {LONGEST:,} are allowed" if len(text) > LONGEST else ""
        return Remarks(marked=frozenset(("text",) if differs or not text else ()), below=long)

    def command(self, values: Values) -> p.ChangeInsight:
        text = values["text"].strip()
        if len(text) > LONGEST:
            raise BadInput(f"the insight has {len(text):,} letters, {LONGEST:,} are allowed", hint="shorten it")
        if text == self._now:
            raise BadInput("nothing is changed yet", hint="write other words, or leave with esc")
        return p.ChangeInsight(id=0, insight=self._insight.insight, text=text, by=self._by, seen=self._seen)
