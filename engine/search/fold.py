"""The fold: `apply(tree, event) -> tree`, one handler per type of event.

No decision (`engine.search.decide`) and no clock: the times are those of the records. `apply` takes over the tree it is
given and returns it: use only what it returns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from engine.errors import MachineFailure
from engine.plan import Plan
from engine.search import events as ev
from engine.search.insights import as_it_stands
from engine.search.tree import ROOT, ROOT_TRIAL, Deed, Node, Score, Tree, Trial

DEEDS: tuple[type[ev.Event], ...] = (
    ev.FlagSet,
    ev.Forked,
    ev.HintGiven,
    ev.HintWithdrawn,
    ev.InsightChanged,
    ev.Retried,
    ev.BudgetChanged,
    ev.Collected,
    ev.RunResumed,
    ev.StopAsked,
)


def fold(records: Iterable[ev.Record]) -> Tree:
    """The tree after these records, in order."""
    tree = Tree()
    for record in records:
        tree = apply(tree, record)
    return tree


def apply(tree: Tree, record: ev.Record) -> Tree:
    """The tree after one more record. Raises MachineFailure where it cannot follow on what went before."""
    try:
        _begin(tree, record)
        _note_deed(tree, record)
        _APPLY[type(record.event)](tree, record.event, record.time)
    except (KeyError, AssertionError):
        kind = type(record.event).__struct_config__.tag
        what = f"event {record.seq} ({kind}) does not fit what went before it"
        raise MachineFailure(what, where=record.run, hint="`trex doctor` says more") from None
    if not tree.run:
        tree.run = record.run
    tree.last_seq, tree.last_time = record.seq, record.time
    return tree


WORK = (ev.Launched, ev.Finished, ev.Failed, ev.NodeAdded)


def _begin(tree: Tree, record: ev.Record) -> None:
    """The run's time begins with its first work."""
    if not tree.begun and isinstance(record.event, WORK):
        tree.begun, tree.started_at, tree.idle_seconds = True, record.time, 0.0
        tree.paused_at = None if tree.paused_at is None else record.time


def _note_deed(tree: Tree, record: ev.Record) -> None:
    """Remember what a person did; what is taken back is forgotten, and so is the taking back."""
    event = record.event
    if type(event) not in DEEDS or (isinstance(event, ev.RunResumed | ev.Collected) and event.by == "engine"):
        return
    undone = getattr(event, "undoes", 0)
    if undone:
        tree.deeds = [deed for deed in tree.deeds if deed.seq != undone]
        return
    tree.deeds.append(Deed(record.seq, record.time, event, _before(tree, event)))


def _before(tree: Tree, event: ev.AnyEvent) -> ev.Limits | ev.InsightChanged | None:
    """What the deed replaces, where taking it back needs that."""
    match event:
        case ev.BudgetChanged():
            return tree.limits
        case ev.InsightChanged(insight=insight):
            return tree.insight_changes.get(insight)
    return None


def _created(tree: Tree, event: ev.RunCreated, time: float) -> None:
    tree.created, tree.started_at, tree.limits = event, time, event.limits
    root = Node(id=ROOT, parent=ROOT, depth=0, added_at=time)
    root.trials[ROOT_TRIAL] = Trial(id=ROOT_TRIAL, node=ROOT, config=None)
    tree.nodes[ROOT] = root


def _added(tree: Tree, event: ev.NodeAdded, time: float) -> None:
    parent = tree.nodes[event.parent]
    parent.children = (*parent.children, event.node)
    tree.nodes[event.node] = Node(
        id=event.node,
        parent=event.parent,
        depth=parent.depth + 1,
        added_at=time,
        direction=event.direction,
        why=event.why,
    )


def _asked(tree: Tree, event: ev.Asked, _time: float) -> None:
    tree.tape[event.call] = event
    spent = tree.research_seconds
    spent[event.node] = spent.get(event.node, 0.0) + event.seconds


def _planned(tree: Tree, event: ev.Planned, _time: float) -> None:
    node = tree.nodes[event.node]
    _settle_plan(node, event.plan)


def _settle_plan(node: Node, plan: Plan) -> None:
    node.plan, node.direction = plan, plan.direction
    for index, config in enumerate(plan.trials):
        trial = f"{node.id}t{index}"
        node.trials[trial] = Trial(id=trial, node=node.id, config=config)


def _forked(tree: Tree, event: ev.Forked, time: float) -> None:
    _added(tree, ev.NodeAdded(node=event.node, parent=event.source), time)
    node = tree.nodes[event.node]
    node.forked_from, node.by, node.first = event.source, event.by, event.first
    _settle_plan(node, event.plan)


def _data_ready(tree: Tree, event: ev.DataReady, _time: float) -> None:
    node = tree.nodes[event.node]
    node.rows, node.dropped, node.data_seconds = event.rows, event.dropped, event.seconds
    node.data_sha256 = event.sha256


def _launched(tree: Tree, event: ev.Launched, time: float) -> None:
    if event.split != "validation":
        tree.judging, tree.judging_since = event, time
        return
    trial = tree.trial(event.trial)
    trial.state, trial.attempts, trial.launched_at = "running", event.attempt, time
    trial.collected = False


def _device_freed(tree: Tree, trial: str, split: ev.Split, time: float) -> None:
    """A process has ended: the time since its launch was the device's."""
    if split != "validation":
        if tree.judging is not None:
            tree.device_seconds += max(0.0, time - tree.judging_since)
        tree.judging = None
    elif tree.trial(trial).state == "running":
        tree.device_seconds += max(0.0, time - tree.trial(trial).launched_at)


def _finished(tree: Tree, event: ev.Finished, time: float) -> None:
    _device_freed(tree, event.trial, "validation", time)
    trial = tree.trial(event.trial)
    trial.state, trial.score, trial.deaths = "done", Score(event.score, event.low, event.high, event.items), 0
    trial.seconds, trial.train_seconds, trial.evaluate_seconds = (
        event.seconds,
        event.train_seconds,
        event.evaluate_seconds,
    )
    trial.examples, trial.reused, trial.changed, trial.cause = event.examples, event.reused, event.changed, ""
    trial.device, trial.result_sha256 = event.device, event.result_sha256
    tree.machine_causes.clear()


def _failed(tree: Tree, event: ev.Failed, time: float) -> None:
    if event.kind == "machine":
        tree.machine_causes.append(event.cause)
    if event.trial:
        _device_freed(tree, event.trial, event.split, time)
    if event.split != "validation":
        if event.kind != "machine":
            tree.trial(event.trial).cause = event.cause
        return
    node = tree.nodes[event.node]
    if not event.trial:
        if event.kind != "machine":
            node.failed, node.failure = True, event.cause
        return
    trial = tree.trial(event.trial)
    trial.kind, trial.cause = event.kind, event.cause
    trial.state = {"machine": "queued", "cancelled": "cancelled"}.get(event.kind, "failed")  # type: ignore[assignment]
    node.failure = "" if event.kind == "machine" else event.cause


def _interrupted(tree: Tree, event: ev.Interrupted, time: float) -> None:
    _device_freed(tree, event.trial, event.split, time)
    trial = tree.trial(event.trial)
    trial.deaths += event.died
    if event.split == "validation":
        trial.state, trial.cause = "interrupted", event.cause


def _diagnosed(tree: Tree, event: ev.Diagnosed, _time: float) -> None:
    node = tree.nodes[event.node]
    node.diagnosis, node.read = event.text, True


def _learned(tree: Tree, event: ev.Learned, time: float) -> None:
    tree.insights[event.insight], tree.learned_at[event.insight] = event, time
    _say_insight(tree, event)


def _insight_changed(tree: Tree, event: ev.InsightChanged, _time: float) -> None:
    learned = tree.insights[event.insight]
    tree.insight_changes[event.insight] = event
    _say_insight(tree, learned)


def _say_insight(tree: Tree, learned: ev.Learned) -> None:
    """The node says its insight as it stands."""
    standing = as_it_stands(learned, tree.insight_changes.get(learned.insight))
    tree.nodes[learned.node].insight = "" if standing.deleted else standing.text


def _flag_set(tree: Tree, event: ev.FlagSet, time: float) -> None:
    held: Node | Trial = tree.trial(event.trial) if event.trial else tree.nodes[event.node]
    held.flags = held.flags | {event.flag} if event.on else held.flags - {event.flag}
    if event.node == ROOT and event.flag == "paused":
        _clock(tree, time)


def _hinted(tree: Tree, event: ev.HintGiven, _time: float) -> None:
    tree.hints[event.hint] = event
    tree.hints_given += not event.undoes


def _unhinted(tree: Tree, event: ev.HintWithdrawn, _time: float) -> None:
    tree.hints.pop(event.hint, None)


def _retried(tree: Tree, event: ev.Retried, _time: float) -> None:
    node = tree.nodes[event.node]
    node.retries += 1
    node.failed, node.failure = False, ""
    if not event.trial:
        return
    trial = tree.trial(event.trial)
    trial.cause, trial.kind, trial.deaths = "", "", 0
    if trial.score is None:  # otherwise its judging on another split failed
        trial.state, node.read = "queued", False


def _budget(tree: Tree, event: ev.BudgetChanged, _time: float) -> None:
    tree.limits = event.limits


def _collected(tree: Tree, event: ev.Collected, _time: float) -> None:
    for trial in event.trials:
        tree.trial(trial).collected = True


def _paused(tree: Tree, event: ev.RunPaused, time: float) -> None:
    tree.state, tree.reason = "paused", event.reason
    _clock(tree, time)


def _resumed(tree: Tree, _event: ev.RunResumed, time: float) -> None:
    tree.state, tree.reason = "running", ""
    tree.machine_causes.clear()
    _clock(tree, time)


def _clock(tree: Tree, time: float) -> None:
    """While the run is held, by whomever, its time stands still."""
    if tree.paused:
        tree.paused_at = time if tree.paused_at is None else tree.paused_at
    elif tree.paused_at is not None:
        tree.idle_seconds += time - tree.paused_at
        tree.paused_at = None


def _stop_asked(tree: Tree, event: ev.StopAsked, time: float) -> None:
    tree.stop_by = event.by or "somebody"
    tree.nodes[ROOT].flags -= {"paused"}
    _resumed(tree, ev.RunResumed(by=event.by), time)


def _adopted(tree: Tree, event: ev.Adopted, _time: float) -> None:
    if tree.paused_at is None:
        tree.idle_seconds += event.idle_seconds
    # The idle time was not the device's either.
    for trial in tree.running():
        trial.launched_at += event.idle_seconds
    tree.judging_since += event.idle_seconds


def _confirmed(tree: Tree, event: ev.Confirmed, time: float) -> None:
    _device_freed(tree, event.trial, "confirm", time)
    trial = tree.trial(event.trial)
    trial.confirm, trial.deaths = Score(event.score, event.low, event.high, event.items), 0
    tree.machine_causes.clear()


def _champion(tree: Tree, event: ev.ChampionChosen, _time: float) -> None:
    tree.champion, tree.champion_reason = event.trial, event.reason


def _test_opened(tree: Tree, event: ev.TestOpened, time: float) -> None:
    tree.test_openings.append((time, event))


def _tested(tree: Tree, event: ev.Tested, time: float) -> None:
    _device_freed(tree, event.trial, "test", time)
    trial = tree.trial(event.trial)
    trial.test, trial.deaths = Score(event.score, event.low, event.high, event.items), 0
    tree.machine_causes.clear()


def _noted(tree: Tree, event: ev.Noted, time: float) -> None:
    tree.notes.append((time, event))


def _ended(tree: Tree, event: ev.RunEnded, time: float) -> None:
    tree.state, tree.reason = event.state, event.reason
    tree.ended_at = time if tree.ended_at is None else tree.ended_at


# Each handler is paired with the type of its key; no annotation can say that of a dict.
_APPLY: dict[type[ev.Event], Callable[[Tree, Any, float], None]] = {
    ev.RunCreated: _created,
    ev.NodeAdded: _added,
    ev.Asked: _asked,
    ev.Planned: _planned,
    ev.DataReady: _data_ready,
    ev.Launched: _launched,
    ev.Finished: _finished,
    ev.Failed: _failed,
    ev.Interrupted: _interrupted,
    ev.Diagnosed: _diagnosed,
    ev.Learned: _learned,
    ev.InsightChanged: _insight_changed,
    ev.FlagSet: _flag_set,
    ev.Forked: _forked,
    ev.HintGiven: _hinted,
    ev.HintWithdrawn: _unhinted,
    ev.Retried: _retried,
    ev.BudgetChanged: _budget,
    ev.Collected: _collected,
    ev.RunPaused: _paused,
    ev.RunResumed: _resumed,
    ev.StopAsked: _stop_asked,
    ev.Adopted: _adopted,
    ev.Confirmed: _confirmed,
    ev.ChampionChosen: _champion,
    ev.TestOpened: _test_opened,
    ev.Tested: _tested,
    ev.Noted: _noted,
    ev.RunEnded: _ended,
}
