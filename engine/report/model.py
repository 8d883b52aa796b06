"""What a report is made of, as types: the folded tree and what was computed beside it.

Not how it is computed (`gather`, `scoring`, `timing`) and not how it is said (`sections`).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from engine.executor.job import Step
from engine.plan import TrialConfig
from engine.search.events import Purpose, Split
from engine.search.tree import Score, Tree

Role = Literal["base", "baseline", "champion", "best so far"]
Activity = Literal["planning", "data", "starting", "training", "evaluation", "judging", "lost", "paused", "away"]
SPLITS: tuple[Split, ...] = ("validation", "confirm", "test")


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the report's types."""


class Judgement(Part, frozen=True, kw_only=True):
    """One score as the journal has it, and as its items give it; `problem` where they disagree."""

    trial: str
    split: Split
    recorded: Score
    recomputed: Score | None = None
    problem: str = ""

    @property
    def score(self) -> Score:
        """What the items give, or the journal's word where there are none."""
        return self.recomputed or self.recorded


class Contender(Part, frozen=True, kw_only=True):
    """A trial that the result speaks of. The same trial may be both baseline and champion."""

    roles: tuple[Role, ...]
    trial: str
    node: str
    config: TrialConfig | None
    judged: dict[Split, Judgement]


class Comparison(Part, frozen=True, kw_only=True):
    """`challenger` minus `against`, paired over the same items, with the difference's 95% interval."""

    challenger: str
    against: str
    split: Split
    difference: float
    low: float
    high: float
    items: int
    maximize: bool

    @property
    def beyond(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low > 0.0 or self.high < 0.0

    @property
    def better(self) -> bool:
        """Whether the difference goes the metric's way, beyond noise or not."""
        return self.difference > 0.0 if self.maximize else self.difference < 0.0

    @property
    def verdict(self) -> str:
        """In words: `better, beyond noise`, `worse, beyond noise` or `inside the noise`."""
        if not self.beyond:
            return "inside the noise"
        return f"{'better' if self.better else 'worse'}, beyond noise"


class Curve(Part, frozen=True, kw_only=True):
    """The training of one trial, step by step."""

    label: str
    trial: str
    steps: tuple[Step, ...]


class Best(Part, frozen=True, kw_only=True):
    """A validation score at `seconds` after the start, and the best one until then."""

    seconds: float
    trial: str
    value: float
    best: float


class Insight(Part, frozen=True, kw_only=True):
    """One thing learned, in this run or an earlier one. `named_by`: nodes whose plan says it builds on it."""

    id: str
    text: str
    source: str
    node: str = ""
    supports: tuple[str, ...] = ()
    contradicts: tuple[str, ...] = ()
    given_to: tuple[str, ...] = ()
    named_by: tuple[str, ...] = ()
    earlier: bool = False


class Incident(Part, frozen=True, kw_only=True):
    """A failure, interruption, fall-back, note or a person's hand. `seconds` after the start."""

    seconds: float
    where: str
    kind: str
    text: str


class Calls(Part, frozen=True, kw_only=True):
    """The Researcher's calls for one purpose. Times in seconds."""

    purpose: Purpose
    calls: int
    refused: int
    seconds: float
    prompt_tokens: int
    answer_tokens: int
    refusals: tuple[str, ...] = ()  # whose answer, and why it was not used; one a refused call


class Span(Part, frozen=True, kw_only=True):
    """One activity from `start` to `end`, seconds after the run began."""

    activity: Activity
    start: float
    end: float
    label: str

    @property
    def seconds(self) -> float:
        return self.end - self.start


class TimeUse(Part, frozen=True, kw_only=True):
    """Where the time went. Activities may overlap (thinking while a trial runs); `idle` is what none fills."""

    wall: float
    spans: tuple[Span, ...]
    device_busy: float
    idle: float


class ReportData(Part, frozen=True, kw_only=True):
    """All of a report. Every part may be empty: a report says what is missing."""

    tree: Tree
    contenders: tuple[Contender, ...]
    comparisons: tuple[Comparison, ...]
    headline: Split | None  # the most trustworthy split on which base and challenger are both judged
    judgements: tuple[Judgement, ...]
    against_parent: dict[str, Comparison]
    progress: tuple[Best, ...]
    curves: tuple[Curve, ...]
    insights: tuple[Insight, ...]
    incidents: tuple[Incident, ...]
    calls: tuple[Calls, ...]
    time: TimeUse
    devices: tuple[str, ...]
    versions: dict[str, str]
    warnings: tuple[str, ...]

    def contender(self, *roles: Role) -> Contender | None:
        """The first contender that has one of these roles."""
        return next((c for c in self.contenders if set(roles) & set(c.roles)), None)

    @property
    def challenger(self) -> Contender | None:
        """The champion, or the best so far where none was chosen."""
        return self.contender("champion", "best so far")

    def compared(self, challenger: str, against: str, split: Split) -> Comparison | None:
        """The paired comparison of two trials on a split, where both were judged on the same items."""
        wanted = (challenger, against, split)
        return next((c for c in self.comparisons if (c.challenger, c.against, c.split) == wanted), None)
