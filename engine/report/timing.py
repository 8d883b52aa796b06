"""Where the time of a run went: one span per activity, from the times of its events.

Not the budget (`engine.search.budget`): this is bookkeeping after the fact. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from engine.report.model import Activity, Span, TimeUse
from engine.search import events as ev

Ending = ev.Finished | ev.Confirmed | ev.Tested | ev.Failed | ev.Interrupted
ON_DEVICE: frozenset[Activity] = frozenset({"starting", "training", "evaluation", "judging", "lost"})


def time_use(records: Sequence[ev.Record]) -> TimeUse:
    """Spans, wall time, seconds with a trial process at work, and idle seconds, until the run's end.

    What happens after `run_ended` (a test opened a week later, say) is no part of it.
    """
    if not records:
        return TimeUse(wall=0.0, spans=(), device_busy=0.0, idle=0.0)
    start = records[0].time
    wall = next((r.time for r in records if isinstance(r.event, ev.RunEnded)), records[-1].time) - start
    spans = tuple(s for s in (_clip(s, wall) for s in _spans(records, start)) if s.seconds > 0)
    return TimeUse(
        wall=wall,
        spans=spans,
        device_busy=covered(s for s in spans if s.activity in ON_DEVICE),
        idle=max(0.0, wall - covered(spans)),
    )


def covered(spans: Iterable[Span]) -> float:
    """Seconds that at least one of the spans covers."""
    total, reached = 0.0, float("-inf")
    for start, end in sorted((s.start, s.end) for s in spans):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


def seconds_by_activity(spans: Iterable[Span]) -> dict[Activity, float]:
    """Summed lengths per activity; overlaps count in each."""
    sums: dict[Activity, float] = {}
    for span in spans:
        sums[span.activity] = sums.get(span.activity, 0.0) + span.seconds
    return sums


def _clip(span: Span, wall: float) -> Span:
    return Span(activity=span.activity, start=max(0.0, span.start), end=min(wall, span.end), label=span.label)


def _spans(records: Sequence[ev.Record], start: float) -> list[Span]:
    return [*_thinking(records, start), *_jobs(records, start), *_absences(records, start)]


def _thinking(records: Sequence[ev.Record], start: float) -> Iterator[Span]:
    """The Researcher's calls and the data processes: their events come at the end and say how long it took."""
    for record in records:
        now, event = record.time - start, record.event
        if isinstance(event, ev.Asked):
            label = f"{event.node} {event.purpose}"
            yield Span(activity="planning", start=now - event.seconds, end=now, label=label)
        elif isinstance(event, ev.DataReady):
            yield Span(activity="data", start=now - event.seconds, end=now, label=event.node)


def _jobs(records: Sequence[ev.Record], start: float) -> Iterator[Span]:
    """Trial processes, from the launch to whatever ended them; one still at work lasts until the last record."""
    running: dict[tuple[str, ev.Split], float] = {}
    for record in records:
        now, event = record.time - start, record.event
        if isinstance(event, ev.Launched):
            running[event.trial, event.split] = now
        elif isinstance(event, ev.Finished | ev.Confirmed | ev.Tested | ev.Failed | ev.Interrupted):
            split = _split_of(event)
            if (begin := running.pop((event.trial, split), None)) is not None:
                yield from _job_spans(event, split, begin, now)
    for (trial, split), begin in running.items():
        activity: Activity = "training" if split == "validation" else "judging"
        yield Span(activity=activity, start=begin, end=records[-1].time - start, label=trial)


def _absences(records: Sequence[ev.Record], start: float) -> Iterator[Span]:
    """Pauses, and the time between one engine and the next."""
    paused: float | None = None
    for record in records:
        now, event = record.time - start, record.event
        if isinstance(event, ev.Adopted):
            yield Span(activity="away", start=now - event.idle_seconds, end=now, label="no engine")
        elif isinstance(event, ev.RunPaused) and paused is None:
            paused = now
        elif isinstance(event, ev.RunResumed) and paused is not None:
            yield Span(activity="paused", start=paused, end=now, label="paused")
            paused = None
    if paused is not None:
        yield Span(activity="paused", start=paused, end=records[-1].time - start, label="paused")


def _split_of(event: Ending) -> ev.Split:
    match event:
        case ev.Failed() | ev.Interrupted():
            return event.split
        case ev.Finished():
            return "validation"
        case ev.Confirmed():
            return "confirm"
        case ev.Tested():
            return "test"


def _job_spans(event: Ending, split: ev.Split, begin: float, end: float) -> list[Span]:
    if isinstance(event, ev.Finished):
        return _trial_spans(event, begin, end)
    activity: Activity = "lost" if isinstance(event, ev.Failed | ev.Interrupted) else "judging"
    return [Span(activity=activity, start=begin, end=end, label=f"{event.trial} on {split}")]


def _trial_spans(done: ev.Finished, begin: float, end: float) -> list[Span]:
    """Start-up, training, evaluation: the last two lie at the end of the trial, as long as it says."""
    judged = min(done.evaluate_seconds, end - begin)
    trained = min(done.train_seconds, end - begin - judged)
    marks = (begin, end - judged - trained, end - judged, end)
    names: tuple[Activity, ...] = ("starting", "training", "evaluation")
    return [Span(activity=n, start=marks[i], end=marks[i + 1], label=done.trial) for i, n in enumerate(names)]
