"""What a trial's directory says: curves, phase, log lines, result. Read by window, away from the interface's thread.

`read` touches the disk and returns a `Chunk`; `TrialView.take` merges it and is quick. Only results of the validation
split are ever shown: what was judged on confirm or test is not read into a view.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from engine.executor.job import Item, Result, State, Step
from engine.files import UNREADABLE, read_regular
from trex_tui.model.ordinary import opened

WINDOW = 512 * 1024  # bytes of one file per reading
LOG_START = 16 * 1024  # bytes of an old log that are shown
LOG_KEEP = 2000
POINTS = 20_000
RESULT_LIMIT = 64 * 1024 * 1024
SPLIT_LIMIT = 256 * 1024 * 1024  # bytes of a split file that prompts are looked for in
ROW_LIMIT = 8 * 1024 * 1024
COUNTED = 1 << 53  # steps and the like: more is no count, and no float

_STAMP = re.compile(r"(\d\d):(\d\d):(\d\d)[. ]")
_step = msgspec.json.Decoder(Step)
_state = msgspec.json.Decoder(State)
_result = msgspec.json.Decoder(Result)


class Prompt(msgspec.Struct, frozen=True):
    """A row of a split file, as far as the interface shows it."""

    id: str
    prompt: str


@dataclass(frozen=True, slots=True)
class Offsets:
    """How far a trial's directory has been read, in bytes; `stamp`, `result`: when these JSON files were changed."""

    metrics: int = 0
    log: int = -1
    stamp: int = 0
    result: int = 0


@dataclass(frozen=True, slots=True)
class Chunk:
    """News of a trial. `state` and `result` are None where they have not changed."""

    offsets: Offsets
    first: bool = False
    steps: tuple[Step, ...] = ()
    lines: tuple[str, ...] = ()
    state: State | None = None
    result: Result | None = None
    prompts: dict[str, str] = field(default_factory=dict)  # row id -> prompt, of the bad cases

    @property
    def empty(self) -> bool:
        return not (self.steps or self.lines or self.state or self.result)


@dataclass(slots=True)
class TrialView:
    """What is known of one trial's course. The curves have one point per step kept in `at`; `times`: Unix seconds."""

    at: list[int] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    grad_norm: list[float] = field(default_factory=list)
    last: Step | None = None
    state: State | None = None
    result: Result | None = None
    prompts: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def take(self, chunk: Chunk) -> tuple[str, ...]:
        """Merge news; returns the log lines that were written while we watched."""
        for step in chunk.steps:
            self._forget_from(step.step)
            self.at.append(step.step)
            self.times.append(step.time)
            self.loss.append(step.loss)
            self.learning_rate.append(step.learning_rate)
            self.grad_norm.append(step.grad_norm)
        self.last = chunk.steps[-1] if chunk.steps else self.last
        if len(self.at) > POINTS:  # every second point still shows the course
            for curve in self._curves:
                del curve[1::2]
        self.state = chunk.state or self.state
        if chunk.result is not None:
            self.result, self.prompts = chunk.result, chunk.prompts
        self.lines.extend(chunk.lines)
        del self.lines[:-LOG_KEEP]
        return () if chunk.first else chunk.lines

    @property
    def _curves(self) -> tuple[list[Any], ...]:
        return self.at, self.times, self.loss, self.learning_rate, self.grad_norm

    def _forget_from(self, step: int) -> None:
        """A trial that was interrupted goes on from its checkpoint and runs some steps a second time."""
        while self.at and self.at[-1] >= step:
            for curve in self._curves:
                curve.pop()

    def until(self, moment: float, judged: bool) -> TrialView:
        """What was known at an earlier moment. `judged`: its score stood in the journal by then, so its result too."""
        kept = bisect_right(self.times, moment)
        state = self.state
        if state is not None and not judged:
            step = self.at[kept - 1] if kept else 0
            state = State(phase="training", step=step, steps=state.steps, device=state.device) if kept else None
        return TrialView(
            at=self.at[:kept],
            times=self.times[:kept],
            loss=self.loss[:kept],
            learning_rate=self.learning_rate[:kept],
            grad_norm=self.grad_norm[:kept],
            last=self.last if self.last and self.last.time <= moment else None,
            state=state,
            result=self.result if judged else None,
            prompts=self.prompts if judged else {},
            lines=_lines_until(self.lines, moment, self.times[0] if self.times else moment),
        )


def _lines_until(lines: list[str], moment: float, near: float) -> list[str]:
    """The log up to a moment. Its lines carry the time of day only: each is taken for the nearest to the line before.

    `near`: a moment within hours of the first line. What carries no time belongs to the line before.
    """
    half = timedelta(hours=12)
    try:
        before = datetime.fromtimestamp(near)
        datetime.fromtimestamp(moment)
    except (ValueError, OverflowError, OSError):  # no time that there is: nothing can be told apart
        return list(lines)
    for index, line in enumerate(lines):
        found = _STAMP.match(line)
        if found is None or int(found[1]) > 23 or int(found[2]) > 59 or int(found[3]) > 59:
            continue
        at = before.replace(hour=int(found[1]), minute=int(found[2]), second=int(found[3]), microsecond=0)
        try:
            at += timedelta(days=(at < before - half) - (at > before + half))
            if at.timestamp() > moment:
                return lines[:index]
        except (ValueError, OverflowError, OSError):  # the end of the calendar
            return list(lines)
        before = at
    return list(lines)


def read(folder: Path, seen: Offsets, split: Path | None = None, kept: Path | None = None) -> Chunk:
    """Everything new in a trial's directory. Missing or half-written files are simply not there yet.

    `split`: the validation split's file, for the prompts of the rows that were judged wrong. `kept`: another directory
    that holds the same result, where this one has none.
    """
    metrics, rows = _tail(folder / "metrics.jsonl", seen.metrics)
    start = seen.log
    if start < 0:
        start = max(0, _size(folder / "log.txt") - LOG_START)
    log, lines = _tail(folder / "log.txt", start)
    if seen.log < 0 and start > 0:
        lines = lines[1:]  # the first one is torn
    stamp = _stamp(folder / "state.json")
    state = _decoded(folder / "state.json", _state, 64 * 1024) if stamp != seen.stamp else None
    result, result_stamp = _result_in(folder, kept, seen.result)
    return Chunk(
        offsets=Offsets(metrics, log, stamp, result_stamp),
        first=seen.log < 0,
        steps=_steps(rows),
        lines=tuple(line.decode("utf-8", "replace") for line in lines if line.strip()),
        state=state,
        result=result,
        prompts=_prompts(split, frozenset(item.id for item in bad_cases(result))) if split and result else {},
    )


def _result_in(folder: Path, kept: Path | None, seen: int) -> tuple[Result | None, int]:
    """A validation result that has not been read yet, and its file's stamp; one half-written is read again."""
    path = folder / "result.json"
    if kept is not None and not _stamp(path):
        path = kept / "result.json"
    stamp = _stamp(path)
    if stamp in (0, seen):
        return None, seen
    result = _decoded(path, _result, RESULT_LIMIT)
    if result is None:
        return None, seen
    return (result if result.split == "validation" else None), stamp


def bad_cases(result: Result) -> tuple[Item, ...]:
    """The rows judged wrong, worst first. Nothing for a result of another split than validation."""
    if result.split != "validation":
        return ()
    return tuple(sorted((item for item in result.items if item.correct < 1.0), key=lambda item: item.correct))


def _prompts(split: Path, wanted: frozenset[str]) -> dict[str, str]:
    """The prompts of these rows; fewer where the file has fewer or is gone."""
    found: dict[str, str] = {}
    decode = msgspec.json.Decoder(Prompt).decode
    try:
        with opened(split) as rows:
            while len(found) < len(wanted) and rows.tell() < SPLIT_LIMIT and (row := rows.readline(ROW_LIMIT)):
                prompt = decode(row)
                if prompt.id in wanted:
                    found[prompt.id] = prompt.prompt
    except (OSError, *UNREADABLE):
        return found
    return found


def _steps(rows: list[bytes]) -> tuple[Step, ...]:
    steps = []
    for row in rows:
        try:
            step = _step.decode(row)
        except UNREADABLE:
            continue  # a line torn by a kill; the next one is whole
        if 0 <= step.step < COUNTED:
            steps.append(step)
    return tuple(steps)


def _tail(path: Path, offset: int) -> tuple[int, list[bytes]]:
    """Whole lines after `offset`, at most a window of them; the offset behind them."""
    try:
        with opened(path) as source:
            size = source.seek(0, 2)
            offset = 0 if size < offset else offset  # the file was begun again
            source.seek(offset)
            data = source.read(WINDOW)
    except OSError:
        return offset, []
    whole = data[: data.rfind(b"\n") + 1]
    if not whole and len(data) == WINDOW:  # no line end in a whole window: nothing we could show
        return offset + len(data), []
    return offset + len(whole), whole.splitlines()


def _decoded(path: Path, decoder: Any, limit: int) -> Any:
    try:
        return decoder.decode(read_regular(path, limit))
    except (OSError, *UNREADABLE):
        return None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _stamp(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
