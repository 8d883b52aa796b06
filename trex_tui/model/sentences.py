"""Events as sentences for the log. One short line each, the object named first where there is one."""

from __future__ import annotations

from engine.plan import Source
from engine.search import events as ev
from engine.search.steering import said
from trex_tui.model.format import duration, number, plural

WRITERS: dict[Source, str] = {
    "researcher": "planned by the Researcher",
    "sampled": "sampled",
    "person": "planned by a person",
    "baseline": "the task's own",
}


def sentence(event: ev.AnyEvent) -> str:
    """What happened, in one line."""
    match event:
        case ev.RunCreated():
            return f"search of {event.task} asked for: policy {event.policy}, Researcher {event.researcher}"
        case ev.NodeAdded():
            return f"{event.node} grows from {event.parent}"
        case ev.Asked():
            told = f"{event.node}: the Researcher answered ({event.purpose}, {duration(event.seconds)})"
            return f"{told}, refused: {event.refused}" if event.refused else told
        case ev.Planned():
            plan = event.plan
            trials = plural(len(plan.trials), "trial")
            text = plan.hypothesis.removeprefix("sampled: ")
            return f"{event.node} tries {plan.direction}, {trials}, {WRITERS[plan.source]}: {text}"
        case ev.DataReady():
            gone = sum(count for _, count in event.dropped)
            return f"{event.node}: {event.rows:,} rows ready, {gone:,} dropped"
        case ev.Forked():
            return f"{said(event)}: {event.plan.hypothesis}"
        case ev.FlagSet() | ev.HintGiven() | ev.HintWithdrawn() | ev.InsightChanged() | ev.BudgetChanged():
            return said(event) + (" (undo)" if event.undoes else "")
        case ev.Retried() | ev.Collected():
            return said(event)
        case ev.Diagnosed():
            return f"{event.node}: {event.text}"
        case ev.Learned():
            return f"{event.node} learned: {event.text}"
        case ev.Noted():
            head = f"{event.node}: " if event.node else ""
            return f"{head}{'' if event.kind == 'info' else event.kind + ': '}{event.text}"
        case _:
            return _of_trial(event)


def _of_trial(event: ev.AnyEvent) -> str:
    match event:
        case ev.Launched():
            again = f", attempt {event.attempt}" if event.attempt > 1 and event.split == "validation" else ""
            split = "" if event.split == "validation" else f" on the {event.split} split"
            return f"{event.trial} starts{split}{again}"
        case ev.Finished():
            reused = ", score of an earlier run" if event.reused else ""
            return f"{event.trial} done: {_scored(event)} in {duration(event.seconds)}{reused}"
        case ev.Failed():
            verb = "was cancelled" if event.kind == "cancelled" else f"failed ({event.kind})"
            return f"{event.trial or event.node} {verb}: {event.cause}"
        case ev.Interrupted():
            return f"{event.trial} was interrupted: {event.cause}"
        case ev.Confirmed():
            return f"{event.trial} on the confirm split: {_scored(event)}"
        case ev.Tested():
            return f"{event.trial} on the test split: {_scored(event)}"
        case ev.TestOpened():
            return f"the sealed test split is opened for {', '.join(event.trials)} by {event.by}"
        case ev.ChampionChosen():
            return f"{event.trial} is the champion: {event.reason}"
        case _:
            return _of_run(event)


def _of_run(event: ev.AnyEvent) -> str:
    match event:
        case ev.RunPaused():
            return f"the search is paused by {event.by}" + (f": {event.reason}" if event.reason else "")
        case ev.RunResumed() | ev.StopAsked():
            return said(event)
        case ev.Adopted():
            return f"an engine took up the search again after {duration(event.idle_seconds)}"
        case ev.RunEnded():
            return f"the search is over ({event.state}): {event.reason}"
        case _:
            return type(event).__name__


def weight(event: ev.AnyEvent) -> str:
    """How much a line matters: `bad`, `good`, `quiet` or "" (plain)."""
    match event:
        case ev.Failed() | ev.Interrupted() | ev.RunPaused() | ev.StopAsked():
            return "bad"
        case ev.Noted():
            return "" if event.kind == "info" else "bad"
        case ev.Finished() | ev.Confirmed() | ev.ChampionChosen() | ev.Learned():
            return "good"
        case ev.Asked() | ev.Launched() | ev.DataReady():
            return "quiet"
        case _:
            return ""


def _scored(event: ev.Finished | ev.Confirmed | ev.Tested) -> str:
    return f"{number(event.score)} [{number(event.low)}, {number(event.high)}]"
