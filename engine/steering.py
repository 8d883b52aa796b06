"""Steering: what a person may do to a run that is there, and when it is refused. Each accepted command is one event.

Not the starting of runs (`engine.commands`). What a command leads to is decided by the loop, from the tree.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, get_args

import msgspec

from engine import forking, lessons, limits
from engine.control import protocol as p
from engine.errors import BadInput, one_line
from engine.researcher.propose import baseline_plan
from engine.search import budget, steering
from engine.search import events as ev
from engine.search.tree import ROOT, Tree, Trial
from engine.steps import restore

if TYPE_CHECKING:
    from engine.service import Engine

FORKS = 1000  # nodes that people may add to a run
HINTS = 100
DONE = {
    ("paused", True): "paused",
    ("paused", False): "resumed",
    ("pruned", True): "pruned",
    ("pruned", False): "restored",
    ("pinned", True): "pinned",
    ("pinned", False): "not pinned any more",
}


def carry_out(engine: Engine, command: p.Command) -> p.Reply:
    """Check, record, reply. Raises BadInput; then nothing was changed."""
    match command:
        case p.SetFlag():
            return set_flag(engine, command)
        case p.Fork():
            return fork(engine, command)
        case p.GiveHint():
            return give_hint(engine, command)
        case p.WithdrawHint():
            return withdraw_hint(engine, command)
        case p.ChangeInsight():
            return change_insight(engine, command)
        case p.Retry():
            return retry(engine, command)
        case p.SetBudget():
            return set_budget(engine, command)
        case p.Undo():
            return undo(engine, command)
        case p.Collect():
            return collect(engine, command)
        case p.StopRun():
            return stop(engine, command)
    raise AssertionError(f"no command of steering: {command}")


def set_flag(engine: Engine, command: p.SetFlag) -> p.Reply:
    """Pause, prune or pin; a resume of the root lifts a pause of the engine's own too."""
    tree = engine.tree(command.run)
    if command.flag not in get_args(ev.Flag):
        raise BadInput(f"no flag `{command.flag}`", hint=f"choose one of {', '.join(get_args(ev.Flag))}")
    event = ev.FlagSet(
        node=command.node,
        flag=command.flag,  # type: ignore[arg-type]
        on=command.on,
        by=command.by,
        trial=command.trial,
    )
    _must_be_there(tree, command.run, command.node, command.trial)
    machine = command.node == ROOT and not command.trial and tree.state == "paused" and event.flag == "paused"
    if machine and not command.on:
        engine.record(command.run, ev.RunResumed(by=command.by))
        if "paused" not in tree.nodes[ROOT].flags:
            return _done(command, f"{command.run} goes on")
    else:
        _check_flag(tree, command.run, event)
        _not_stale(tree, event, command.seen)
    engine.record(command.run, event)
    what = command.trial or (command.run if command.node == ROOT else f"{command.node} and what is below it")
    return _done(command, f"{what}: {DONE[event.flag, event.on]}")


def _check_flag(tree: Tree, run: str, event: ev.FlagSet) -> None:
    """Raises BadInput for a flag that would mean nothing."""
    if event.flag != "pinned":
        _must_go_on(tree, run)
    if event.flag == "pruned" and event.trial:
        raise BadInput("a single trial cannot be pruned", hint=f"prune {event.node}, or pause {event.trial}")
    if event.flag == "pruned" and event.on and tree.champion:
        raise BadInput(f"the champion ({tree.champion}) is chosen already", hint="export another trial, if you prefer")
    if event.flag == "pruned" and event.node == ROOT:
        raise BadInput("the base model cannot be pruned", hint="stop the run instead")
    held = tree.trial(event.trial) if event.trial else tree.nodes[event.node]
    if (event.flag in held.flags) == event.on:
        state = event.flag if event.on else f"not {event.flag}"
        above = tree.flagged(event.node, event.flag) and not event.on
        hint = "an ancestor of it is; resume or restore that one" if above else ""
        raise BadInput(f"{event.trial or event.node} is {state} already", hint=hint)
    if (
        event.flag == "paused"
        and isinstance(held, Trial)
        and event.on
        and held.state in ("done", "failed", "cancelled")
    ):
        raise BadInput(f"{held.id} has ended ({held.state}); there is nothing to pause")


def fork(engine: Engine, command: p.Fork) -> p.Reply:
    """Add a child with the edited plan. Refused where no time or budget is left for it."""
    tree = engine.tree(command.run)
    _must_be_there(tree, command.run, command.node, command.trial)
    _must_go_on(tree, command.run)
    _must_try_on(tree, command.run)
    if sum(1 for n in tree.nodes.values() if n.forked_from) >= FORKS:
        raise BadInput(f"{command.run} has {FORKS:,} forks already")
    if tree.flagged(command.node, "pruned"):
        raise BadInput(f"{command.node} is pruned", hint="restore it first")
    task = engine.task_of(command.run)
    if command.plan is not None:
        plan = msgspec.structs.replace(command.plan, source="person", insights_given=(), insights_named=())
    else:
        plan = forking.edited(tree, command.node, command.trial, command.changes, baseline_plan(task))
    forking.check(tree, task, plan)
    now = engine.now()
    for config in plan.trials:
        if tree.nodes[ROOT].state == "done" and (refusal := budget.trial_refusal(tree, config, now)):
            raise BadInput(refusal, where="the fork", hint="`trex budget` gives the run more")
    name = f"n{len(tree.nodes)}"
    if (engine.workspace.node(command.run, name) / restore.NODE).exists():
        raise BadInput(f"{name} is about to be taken up again from its folder", hint="fork again in a moment")
    event = ev.Forked(node=name, source=command.node, plan=plan, by=command.by, first=command.first)
    engine.record(command.run, event)
    cost = sum(budget.trial_seconds(tree, config) for config in plan.trials)
    return _done(command, f"{name} is a fork of {command.trial or command.node}; it takes about {cost:.0f} s")


def give_hint(engine: Engine, command: p.GiveHint) -> p.Reply:
    tree = engine.tree(command.run)
    _must_be_there(tree, command.run, command.node)
    _must_go_on(tree, command.run)
    _must_try_on(tree, command.run)
    text = one_line(" ".join(command.text.split()))
    if not text:
        raise BadInput("the hint is empty", hint="write what the Researcher should know or try")
    if len(tree.hints) >= HINTS:
        raise BadInput(f"{command.run} has {HINTS} hints already", hint="withdraw some")
    if any(h.text == text and h.node == command.node for h in tree.hints.values()):
        raise BadInput(f"{command.node} has this very hint already")
    name = f"h{tree.hints_given + 1}"  # numbers are never used again
    engine.record(command.run, ev.HintGiven(hint=name, node=command.node, text=text, by=command.by))
    who = "" if tree.setup.researcher != "none" else " (this run has no Researcher to read it)"
    return _done(command, f"hint {name} holds for {'the run' if command.node == ROOT else command.node}{who}")


def withdraw_hint(engine: Engine, command: p.WithdrawHint) -> p.Reply:
    tree = engine.tree(command.run)
    _must_go_on(tree, command.run)
    if command.hint not in tree.hints:
        there = ", ".join(tree.hints) or "none"
        raise BadInput(f"no hint `{command.hint}` in {command.run}", hint=f"hints: {there}")
    hint = tree.hints[command.hint]
    engine.record(command.run, ev.HintWithdrawn(hint=hint.hint, node=hint.node, text=hint.text, by=command.by))
    return _done(command, f"hint {hint.hint} is withdrawn")


def change_insight(engine: Engine, command: p.ChangeInsight) -> p.Reply:
    """Edit, pin or delete; the run that learned the insight may have ended, and need not be the one at work."""
    run, tree = lessons.owner(engine, command.insight)
    event, before = lessons.changed(tree, command), tree.insight_changes.get(command.insight)
    _not_stale(tree, event, command.seen)
    engine.record(run, event)
    return _done(command, lessons.said(event, before))


def retry(engine: Engine, command: p.Retry) -> p.Reply:
    """One event per trial that is tried again; for a node that failed before its trials, one."""
    tree = engine.tree(command.run)
    _must_be_there(tree, command.run, command.node, command.trial)
    _must_go_on(tree, command.run)
    node = tree.nodes[command.node]
    trials = [t for t in steering.retriable(tree, command.node) if command.trial in ("", t.id)]
    if not trials and not (node.failed and not command.trial):
        what = command.trial or command.node
        state = tree.trial(command.trial).state if command.trial else node.state
        raise BadInput(f"{what} is {state}: there is nothing to try again", hint="`fork` tries a variation of it")
    if tree.flagged(command.node, "pruned"):
        raise BadInput(f"{command.node} is pruned", hint="restore it first")
    if any(not trial.score for trial in trials) or not trials:
        _must_try_on(tree, command.run)
    for trial in trials:
        fresh = trial.config and not trial.score and not tree.champion
        if fresh and trial.config and (refusal := budget.trial_refusal(tree, trial.config, engine.now())):
            raise BadInput(refusal, where=trial.id, hint="`trex budget` gives the run more")
    names = [trial.id for trial in trials] or [""]
    _not_stale(tree, ev.Retried(node=command.node, by=command.by, trial=command.trial), command.seen)
    for name in names:
        engine.record(command.run, ev.Retried(node=command.node, trial=name, by=command.by))
    return _done(command, f"{', '.join(names) if trials else command.node} will be tried again")


def set_budget(engine: Engine, command: p.SetBudget) -> p.Reply:
    tree = engine.tree(command.run)
    _must_go_on(tree, command.run)
    _must_try_on(tree, command.run)
    new = limits.changed(tree.limits, command, datetime.now(), engine.clock.ahead)
    if new == tree.limits:
        raise BadInput(f"{command.run} may spend just that already")
    _check_budget(tree, new, engine.now())
    event = ev.BudgetChanged(limits=new, by=command.by)
    _not_stale(tree, event, command.seen)
    engine.record(command.run, event)
    return _done(command, f"{command.run} may spend {steering.limits_said(new)}")


def _check_budget(tree: Tree, new: ev.Limits, now: float) -> None:
    """Raises BadInput for less than is used already; that would be another way to say `stop`."""
    way_out = "`trex stop` ends the search now"
    if new.rounds < tree.rounds:
        raise BadInput(f"{tree.rounds} rounds were begun already", hint=way_out)
    if new.trials and new.trials < tree.launched:
        raise BadInput(f"{tree.launched} trials were started already", hint=way_out)
    if new.wall_seconds and new.wall_seconds < tree.elapsed(now):
        raise BadInput(f"{tree.elapsed(now):.0f} s are used already", hint=way_out)
    if new.device_seconds and new.device_seconds < tree.device_seconds:
        raise BadInput(f"{tree.device_seconds:.0f} s on the device are used already", hint=way_out)


def undo(engine: Engine, command: p.Undo) -> p.Reply:
    """Take back the last thing that can be taken back, whoever did it."""
    tree = engine.tree(command.run)
    deed = steering.last_undoable(tree, command.insight)
    if deed is None:
        stop = "a search that was ended stays so" if tree.stop_by else ""
        raise BadInput(f"nothing in {command.insight or command.run} can be taken back", hint=stop)
    if command.seen and deed.seq > command.seen:
        raise BadInput(f"meanwhile: {steering.said(deed.event)}", hint="look again; undo would take that back")
    event = steering.inverse(tree, deed, command.by)
    if isinstance(event, ev.FlagSet):
        _check_flag(tree, command.run, event)
    elif not isinstance(event, ev.InsightChanged):
        _must_go_on(tree, command.run)
    if isinstance(event, ev.BudgetChanged):
        _check_budget(tree, event.limits, engine.now())
    engine.record(command.run, event)
    text = f"taken back: {steering.said(deed.event)}"
    # An insight may be of another run than the one that a client shows, which no answer should change.
    return p.Reply(id=command.id, ok=True, text=text, run="" if command.insight else command.run)


def collect(engine: Engine, command: p.Collect) -> p.Reply:
    """Remove what the client has shown in its preview; refused where one of these trials is needed by now."""
    tree = engine.tree(command.run)
    free = {t.id for t in steering.collectable(tree)}
    needed = [name for name in dict.fromkeys(command.trials) if name not in free]
    if needed:
        raise BadInput(f"{needed[0]} is needed, or has nothing to remove", hint="look at the preview again")
    freed = engine.remove_adapters(command.run, tuple(dict.fromkeys(command.trials)), command.by)
    return _done(command, f"{freed / 1e6:.0f} MB of {len(set(command.trials))} trials removed")


def stop(engine: Engine, command: p.StopRun) -> p.Reply:
    tree = engine.tree(command.run)
    _must_go_on(tree, command.run, "already")
    if tree.stop_by:
        raise BadInput(f"{command.run} is being stopped already")
    if tree.champion:
        raise BadInput(f"the search of {command.run} is over already: its champion is being tested")
    engine.record(command.run, ev.StopAsked(by=command.by))
    return _done(command, f"{command.run} ends: confirming and testing what is done")


def _must_go_on(tree: Tree, run: str, already: str = "") -> None:
    if tree.over:
        word = f" {already}" if already else "; a new run can be started instead"
        raise BadInput(f"{run} has ended ({tree.state}){word}")


def _must_try_on(tree: Tree, run: str) -> None:
    if tree.champion or tree.stop_by:
        raise BadInput(f"{run} tries nothing new any more: its best are being confirmed and tested")


def _must_be_there(tree: Tree, run: str, node: str, trial: str = "") -> None:
    if node not in tree.nodes:
        raise BadInput(f"no node `{node}` in {run}", hint=f"nodes: n0 to n{len(tree.nodes) - 1}")
    if trial and trial not in tree.nodes[node].trials:
        raise BadInput(f"no trial `{trial}` in {node}", hint=f"trials: {', '.join(tree.nodes[node].trials) or 'none'}")


def _not_stale(tree: Tree, event: ev.AnyEvent, seen: int) -> None:
    if deed := steering.conflict(tree, event, seen):
        raise BadInput(
            f"meanwhile: {steering.said(deed.event)}", hint="look again, and repeat it where you still want it"
        )


def _done(command: p.Command, text: str) -> p.Reply:
    run: str = getattr(command, "run", "")
    return p.Reply(id=command.id, ok=True, text=text, run=run)
