"""Feeding inputs to a target and watching what must hold for every one of them.

No exception but TrexError, its sentence one printable line, no input longer than `LIMIT_SECONDS`, and a refused input
leaves everything as it was. What does not hold is a finding; findings with one cause are counted as one.
"""

from __future__ import annotations

import faulthandler
import signal
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import FrameType
from typing import NamedTuple, Protocol

from engine.errors import TrexError

LIMIT_SECONDS = 5.0
DEAD_SECONDS = 600.0  # for `TURN` inputs: not even a signal is heard; the whole run ends, with all stacks
TURN = 1000
LONGEST_SENTENCE = 10_000
ROOT = Path(__file__).parents[2]


State = dict[str, object]


class Input(NamedTuple):
    """What is fed. `kind` is counted: the type of message or file; `how` says how it was made."""

    kind: str
    how: str
    data: bytes


class Target(Protocol):
    """Something that takes bytes from outside."""

    name: str

    def kinds(self) -> tuple[str, ...]:
        """Every kind of input there is; each must be covered."""

    def make(self, kind: str, rng: Random) -> Input: ...

    def feed(self, given: Input) -> None:
        """Take the input as the real program would. Raises TrexError where it is refused."""

    def state(self) -> State:
        """Everything that a refused input must not change, by name."""

    def renew(self) -> None:
        """A fresh state, after an input that was accepted."""

    def close(self) -> None: ...


class Hang(BaseException):
    """The alarm."""


class Broken(Exception):
    """A property does not hold."""


@dataclass
class Finding:
    """One defect: where it shows, what happened, the shortest input that did it, and how many did."""

    target: str
    what: str
    where: str
    given: Input
    trace: str
    times: int = 1


@dataclass
class Outcome:
    """What came of all inputs of one target."""

    name: str
    counts: Counter[str] = field(default_factory=Counter)  # by kind
    accepted: Counter[str] = field(default_factory=Counter)  # by kind
    verdicts: Counter[str] = field(default_factory=Counter)  # accepted, refused, finding
    findings: dict[tuple[str, str], Finding] = field(default_factory=dict)
    slowest: float = 0.0
    seconds: float = 0.0

    def found(self, error: BaseException, given: Input) -> None:
        what = type(error).__name__ if not isinstance(error, Broken) else str(error).split(":")[0]
        where = _place(error)
        known = self.findings.get((what, where))
        times = known.times + 1 if known else 1
        if known is not None and len(known.given.data) <= len(given.data):
            known.times = times
            return
        trace = "".join(traceback.format_exception(error, limit=-6))
        text = f"{type(error).__name__}: {str(error)[:300]!r}"
        self.findings[what, where] = Finding(self.name, text, where, given, trace, times)


def run(target: Target, inputs: int, seed: int) -> Outcome:
    """Feed `inputs` inputs, kinds in turn."""
    outcome, rng, began = Outcome(target.name), Random(f"{target.name}/{seed}"), time.monotonic()
    kinds = target.kinds()
    before = target.state()
    for number in range(inputs):
        if number % TURN == 0:
            faulthandler.dump_traceback_later(DEAD_SECONDS, exit=True)
        kind = kinds[number % len(kinds)]
        given = target.make(kind, rng)
        verdict, took = _one(target, given, before, outcome)
        outcome.counts[kind] += 1
        outcome.accepted[kind] += verdict == "accepted"
        outcome.verdicts[verdict] += 1
        outcome.slowest = max(outcome.slowest, took)
        if verdict != "refused" and (verdict == "finding" or target.state() != before):
            target.renew()
            before = target.state()
    faulthandler.cancel_dump_traceback_later()
    outcome.seconds = time.monotonic() - began
    return outcome


def _one(target: Target, given: Input, before: State, outcome: Outcome) -> tuple[str, float]:
    began = time.perf_counter()
    verdict = "accepted"
    try:
        with _alarm():
            target.feed(given)
    except TrexError as refusal:
        verdict = "refused"
        try:
            check_sentence(str(refusal))
            if changes := _changes(before, target.state()):
                raise Broken(f"a refused input has changed something: {changes}, {str(refusal)[:200]}") from None
        except Broken as broken:
            broken.__cause__ = refusal
            outcome.found(broken, given)
            verdict = "finding"
    except (Exception, Hang) as error:
        outcome.found(error, given)
        verdict = "finding"
    return verdict, time.perf_counter() - began


def _changes(before: State, after: State) -> list[str]:
    return [name for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name)][:5]


def check_sentence(text: str) -> None:
    """One printable line for a person. Raises Broken."""
    if not text.strip():
        raise Broken("a refusal without a word")
    if not text.isprintable():
        raise Broken(f"a refusal with control characters: {text[:200]!r}")
    if "Traceback" in text or 'File "' in text:
        raise Broken(f"a refusal with a traceback: {text[:200]!r}")
    if len(text) > LONGEST_SENTENCE:
        raise Broken(f"a refusal of more than {LONGEST_SENTENCE} characters: {len(text)}, {text[:200]!r}")


@contextmanager
def _alarm() -> Iterator[None]:
    def ring(_number: int, _frame: FrameType | None) -> None:
        raise Hang(f"more than {LIMIT_SECONDS:g} s")

    old = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, LIMIT_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)


def _place(error: BaseException) -> str:
    """The innermost line of ours, tests left out; where there is none, the innermost line at all."""
    at: BaseException = error.__cause__ if isinstance(error, Broken) and error.__cause__ else error
    frames = traceback.extract_tb(at.__traceback__)
    ours = [f for f in frames if Path(f.filename).is_relative_to(ROOT) and ".venv" not in f.filename]
    inside = [f for f in ours if not Path(f.filename).is_relative_to(ROOT / "tests")] or ours or list(frames)
    if not inside:
        return "?"
    last = inside[-1]
    path = Path(last.filename)
    return f"{path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}:{last.lineno}"
