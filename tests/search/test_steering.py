"""What people do to a search: what follows from it, what takes it back, and when it is too late."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.plan import TrialConfig
from engine.search import budget, steering
from engine.search import decide as d
from engine.search import events as ev
from engine.search.fold import apply, fold
from engine.search.tree import Tree
from tests import story

CHEAP = TrialConfig(rows=64)
ROUND = (story.base(), story.node("n1", "n0", 0.8, 0.7, direction="baseline"))


def decide(tree: Tree, now: float = 1100.0, room: budget.Room = d.AMPLE) -> d.Command:
    return d.decide(tree, now, CHEAP, room)


def planned(name: str, parent: str, trials: int = 1) -> list[ev.AnyEvent]:
    configs = [TrialConfig(learning_rate=1e-5 * (int(name[1:]) * 10 + i + 1)) for i in range(trials)]
    return [
        ev.NodeAdded(node=name, parent=parent),
        ev.Planned(node=name, plan=story.plan(*configs)),
        ev.DataReady(node=name, rows=9),
    ]


def flag(node: str, name: ev.Flag = "paused", on: bool = True, trial: str = "") -> ev.FlagSet:
    return ev.FlagSet(node=node, flag=name, on=on, by="me", trial=trial)


def fork(name: str, source: str, *, first: bool = True, rate: float = 9e-4) -> ev.Forked:
    plan = story.plan(TrialConfig(learning_rate=rate))
    return ev.Forked(node=name, source=source, plan=plan, by="me", first=first)


def test_pausing_one_trial_lets_its_sisters_run() -> None:
    events = [*ROUND, planned("n2", "n0", 2), [ev.Launched(trial="n2t0", node="n2"), flag("n2", trial="n2t0")]]
    assert decide(story.tree(*events)) == d.Interrupt("n2t0", "validation", "paused")
    held = [*events, [ev.Interrupted(trial="n2t0", node="n2", cause="paused")]]
    assert decide(story.tree(*held)) == d.Judge("n2t1")
    waiting = [*held, [ev.Launched(trial="n2t1", node="n2"), story.scored("n2t1", 0.6)]]
    assert decide(story.tree(*waiting)) == d.Grow(), "a round with a paused trial is not read yet"
    resumed = [*waiting, [flag("n2", on=False, trial="n2t0")]]
    assert decide(story.tree(*resumed)) == d.Judge("n2t0")


def test_a_fork_goes_before_what_waits_or_after_it() -> None:
    waiting = [*ROUND, planned("n2", "n0")]
    first = story.tree(*waiting, [fork("n3", "n1"), ev.DataReady(node="n3", rows=9)])
    assert decide(first) == d.Judge("n3t0")
    last = story.tree(*waiting, [fork("n3", "n1", first=False), ev.DataReady(node="n3", rows=9)])
    assert decide(last) == d.Judge("n2t0")


def test_a_fork_is_a_child_with_the_persons_plan_and_costs_no_round() -> None:
    tree = story.tree(*ROUND, [fork("n2", "n1")], rounds=2)
    assert (tree.nodes["n2"].parent, tree.nodes["n2"].forked_from, tree.nodes["n2"].by) == ("n1", "n1", "me")
    assert tree.rounds == 1
    assert budget.rounds_left(tree) == 1


def test_what_failed_is_tried_again_and_the_round_is_read_again() -> None:
    failed = ev.Failed(node="n2", trial="n2t0", kind="resource", cause="out of memory")
    events = [*ROUND, planned("n2", "n0"), [ev.Launched(trial="n2t0", node="n2"), failed]]
    read = [*events, [ev.Diagnosed(node="n2", text="it failed")]]
    assert [t.id for t in steering.retriable(story.tree(*read), "n2")] == ["n2t0"]
    again = story.tree(*read, [ev.Retried(node="n2", trial="n2t0", by="me")])
    assert decide(again) == d.Judge("n2t0")
    assert again.nodes["n2"].state == "queued"
    done = story.tree(
        *read,
        [ev.Retried(node="n2", trial="n2t0", by="me"), ev.Launched(trial="n2t0", node="n2"), story.scored("n2t0", 0.9)],
    )
    assert decide(done) == d.Diagnose("n2")


def test_a_node_whose_planning_failed_is_planned_again() -> None:
    failed = [ev.NodeAdded(node="n2", parent="n0"), ev.Failed(node="n2", kind="idea", cause="nothing new is left")]
    tree = story.tree(*ROUND, failed, [ev.Retried(node="n2", by="me")])
    assert decide(tree) == d.MakePlan("n2")
    assert tree.nodes["n2"].retries == 1


def test_a_hint_holds_for_the_subtree_until_it_is_withdrawn() -> None:
    hint = ev.HintGiven(hint="h1", node="n1", text="try more rows", by="me")
    tree = story.tree(*ROUND, story.node("n2", "n1", 0.6), story.node("n3", "n0", 0.6), [hint])
    assert [tree.hints_for(n) for n in ("n0", "n1", "n2", "n3")] == [(), ("try more rows",), ("try more rows",), ()]
    gone = ev.HintWithdrawn(hint="h1", node="n1", text="try more rows", by="me")
    assert story.tree(*ROUND, [hint, gone]).hints == {}


def test_while_a_person_holds_the_run_its_time_stands_still() -> None:
    events = (story.base(), [flag("n0"), flag("n0", on=False)])
    tree = story.tree(*events)
    # Records are a second apart: created 1000, begun 1001, paused 1003, resumed 1004.
    assert tree.elapsed(1010.0) == 8.0
    paused = story.tree(story.base(), [flag("n0")])
    assert paused.elapsed(5000.0) == 2.0


def test_stopping_a_paused_run_lifts_the_pause() -> None:
    for pause in (flag("n0"), ev.RunPaused(by="engine", reason="no driver")):
        tree = story.tree(*ROUND, [pause, ev.StopAsked(by="me")])
        assert not tree.paused
        assert decide(tree) == d.Judge("n1t0", "confirm")


class TestBudgets:
    def changed(self, **limits: object) -> ev.BudgetChanged:
        return ev.BudgetChanged(limits=ev.Limits(**{"rounds": 10, **limits}), by="me")  # type: ignore[arg-type]

    def test_more_rounds_let_the_search_go_on(self) -> None:
        assert isinstance(decide(story.tree(*ROUND, rounds=1)), d.Judge)
        assert decide(story.tree(*ROUND, [self.changed(rounds=2)], rounds=1)) == d.Grow()

    def test_all_trials_of_the_budget(self) -> None:
        tree = story.tree(*ROUND, [self.changed(trials=2)])
        assert decide(tree) == d.Judge("n1t0", "confirm")
        half = story.tree(
            *ROUND, planned("n2", "n0", 2), [self.changed(trials=3), ev.Launched(trial="n2t0", node="n2")]
        )
        assert half.launched == 3
        done = story.tree(
            *ROUND,
            planned("n2", "n0", 2),
            [self.changed(trials=3), ev.Launched(trial="n2t0", node="n2"), story.scored("n2t0", 0.9)],
        )
        assert decide(done) == d.Cancel("n2t1", "the budget's trials (3) are used")

    def test_hours_on_the_device(self) -> None:
        used = story.tree(*ROUND)
        assert used.device_seconds == 3.0  # three trials, each one second from launch to end
        tree = story.tree(*ROUND, [self.changed(device_seconds=4.0)])
        assert decide(tree) == d.Judge("n1t0", "confirm")

    def test_until_a_time_of_day_counts_pauses_and_keeps_testing_back(self) -> None:
        tree = story.tree(*ROUND, [self.changed(until=5000.0)], test_items=100)
        assert tree.allowed_seconds - tree.elapsed(1100.0) == 3900.0
        assert budget.remaining_seconds(tree, 1100.0) < 3900.0 - budget.closing_seconds(tree)
        paused = story.tree(*ROUND, [self.changed(until=5000.0), flag("n0"), flag("n0", on=False)])
        assert paused.allowed_seconds - paused.elapsed(1100.0) == 3900.0
        assert isinstance(decide(tree, now=4990.0), d.Judge)

    def test_without_a_limit_of_time_the_search_goes_on(self) -> None:
        tree = story.tree(*ROUND, [self.changed()])
        assert decide(tree, now=1e9) == d.Grow()

    def test_a_full_disk_pauses_and_a_disk_budget_collects(self) -> None:
        tree = story.tree(*ROUND, story.node("n2", "n0", 0.6), confirm_candidates=1)
        full = decide(tree, room=budget.Room(free=10**6, used=0, trial=10**6))
        assert isinstance(full, d.Grow), "adding a node writes nothing"
        open_tree = story.tree(*ROUND, planned("n2", "n0"))
        full = decide(open_tree, room=budget.Room(free=10**6, used=0, trial=10**6))
        assert isinstance(full, d.PauseRun)
        assert "free some space" in full.reason
        limited = story.tree(
            *ROUND, story.node("n2", "n0", 0.6), [self.changed(disk_bytes=10**9)], confirm_candidates=1
        )
        over = budget.Room(free=10**12, used=10**9, trial=10**6)
        assert decide(limited, room=over) == d.Collect(("n2t0",))
        removed = ev.Collected(trials=("n2t0",), bytes=1, by="engine")
        after = apply(limited, ev.Record(seq=99, time=1200.0, run=story.RUN, event=removed))
        assert decide(after, room=over) == d.Judge("n1t0", "confirm")


class TestCollecting:
    def test_what_may_go_and_what_stays(self) -> None:
        scores = [story.node(f"n{i}", "n0", 0.5 + i / 100) for i in range(2, 8)]
        tree = story.tree(
            *ROUND, *scores, [flag("n2", "pinned"), flag("n3", "pruned")], planned("n8", "n4"), confirm_candidates=1
        )
        free = [t.id for t in steering.collectable(tree)]
        assert free[0] == "n3t0", "pruned ones first"
        assert "n2t0" not in free, "pinned"
        assert "n4t0" not in free, "an ancestor of what is still to run"
        assert not {"n1t0", "n1t1", "n8t0"} & set(free), "the best, the baseline's, and what has not run"
        assert free == ["n3t0", "n5t0", "n6t0", "n7t0"]

    def test_what_was_removed_can_not_be_champion(self) -> None:
        tree = story.tree(*ROUND, [ev.Collected(trials=("n1t0",), bytes=1, by="me")])
        assert [t.id for t in d.confirm_candidates(tree)] == ["n1t1", "n0t0"]


class TestUndo:
    def test_the_last_deed_is_taken_back_and_then_the_one_before(self) -> None:
        deeds = [
            flag("n1"),
            ev.HintGiven(hint="h1", node="n0", text="x", by="me"),
            ev.BudgetChanged(limits=ev.Limits(rounds=99), by="me"),
            fork("n2", "n1"),
        ]
        tree = story.tree(*ROUND, deeds)
        undone = []
        while deed := steering.last_undoable(tree):
            event = steering.inverse(tree, deed, "you")
            undone.append(event)
            tree = apply(tree, ev.Record(seq=tree.last_seq + 1, time=2000.0, run=story.RUN, event=event))
        assert [type(e).__name__ for e in undone] == ["FlagSet", "BudgetChanged", "HintWithdrawn", "FlagSet"]
        assert tree.limits == tree.setup.limits
        assert not tree.hints
        assert not tree.nodes["n1"].flags
        assert tree.nodes["n2"].flags == {"pruned"}
        assert tree.deeds == []

    @given(st.lists(st.sampled_from(["p", "P", "x", "h", "b"]), max_size=12))
    def test_undoing_everything_restores_what_people_can_change(self, keys: list[str]) -> None:
        start = story.tree(*ROUND, story.node("n2", "n0", 0.6))
        tree = story.tree(*ROUND, story.node("n2", "n0", 0.6))
        for count, key in enumerate(keys, 1):
            event: ev.AnyEvent = {
                "p": flag("n0", on="paused" not in tree.nodes["n0"].flags),
                "P": flag("n2", on="paused" not in tree.nodes["n2"].flags),
                "x": flag("n2", "pruned", on="pruned" not in tree.nodes["n2"].flags),
                "h": ev.HintGiven(hint=f"h{count}", node="n1", text="t", by="me"),
                "b": ev.BudgetChanged(limits=ev.Limits(rounds=10 + count), by="me"),
            }[key]
            tree = apply(tree, ev.Record(seq=tree.last_seq + 1, time=tree.last_time, run=story.RUN, event=event))
        while deed := steering.last_undoable(tree):
            event = steering.inverse(tree, deed, "me")
            tree = apply(tree, ev.Record(seq=tree.last_seq + 1, time=tree.last_time, run=story.RUN, event=event))
        assert tree.limits == start.limits
        assert tree.hints == start.hints
        assert {n.id: n.flags for n in tree.nodes.values()} == {n.id: n.flags for n in start.nodes.values()}


class TestStale:
    def tree(self) -> Tree:
        nodes = (story.node("n2", "n1", 0.6), story.node("n3", "n0", 0.6))
        return story.tree(*ROUND, *nodes, [flag("n1", "pruned")])

    def test_a_newer_deed_on_the_same_branch_is_a_conflict(self) -> None:
        tree = self.tree()
        for node in ("n0", "n1", "n2"):
            assert steering.conflict(tree, flag(node), tree.last_seq - 1), node
        assert steering.conflict(tree, ev.Retried(node="n2", by="you"), tree.last_seq - 1)

    def test_another_branch_or_what_was_seen_is_none(self) -> None:
        tree = self.tree()
        assert steering.conflict(tree, flag("n3"), tree.last_seq - 1) is None
        assert steering.conflict(tree, flag("n2"), tree.last_seq) is None
        assert steering.conflict(tree, flag("n2"), 0) is None
        limits = ev.BudgetChanged(limits=ev.Limits(rounds=1), by="you")
        assert steering.conflict(tree, limits, tree.last_seq - 1) is None


def test_every_deed_has_a_sentence() -> None:
    deeds: list[ev.AnyEvent] = [
        flag("n1"),
        flag("n1", "pinned", trial="n1t0"),
        fork("n2", "n1"),
        ev.HintGiven(hint="h1", node="n0", text="x", by="me"),
        ev.HintWithdrawn(hint="h1", node="n0", text="x", by="me"),
        ev.InsightChanged(insight="demo-1:n1", by="me", text="y", pinned=True),
        ev.InsightChanged(insight="demo-1:n1", by="me", text="y"),
        ev.InsightChanged(insight="demo-1:n1", by="me", pinned=True),
        ev.InsightChanged(insight="demo-1:n1", by="me", deleted=True),
        ev.InsightChanged(insight="demo-1:n1", by="me"),
        ev.Retried(node="n1", trial="n1t0", by="me"),
        ev.BudgetChanged(limits=ev.Limits(rounds=3, until=1e9, device_seconds=60, disk_bytes=10**9), by="me"),
        ev.Collected(trials=("n1t0",), bytes=5, by="me"),
        ev.RunResumed(by="me"),
        ev.StopAsked(by="me"),
    ]
    learned = ev.Learned(insight="demo-1:n1", node="n1", text="x")
    tree = story.tree(*ROUND, [learned], deeds)
    assert len(tree.deeds) == len(deeds)
    assert all(steering.said(deed.event).startswith("me ") for deed in tree.deeds)


def test_folding_again_gives_the_same_tree() -> None:
    records = story.records(story.created(), *ROUND, [flag("n1"), fork("n2", "n1"), ev.Retried(node="n1", by="me")])
    assert fold(records) == fold(records)


def test_a_search_does_not_end_over_what_is_paused_while_there_is_time() -> None:
    running = [*ROUND, planned("n2", "n0"), [ev.Launched(trial="n2t0", node="n2")]]
    saved = ev.Interrupted(trial="n2t0", node="n2", cause="paused")
    for pause in (flag("n2"), flag("n2", trial="n2t0")):
        tree = story.tree(*running, [pause, saved], rounds=2)
        waits = decide(tree)
        assert isinstance(waits, d.Wait) and "n2" in waits.reason
        assert decide(tree, now=1000.0 + 3600.0) == d.Judge("n1t0", "confirm"), "its time is up: the report is due"
        pruned = story.tree(*running, [pause, saved, flag("n2", "pruned")], rounds=2)
        assert decide(pruned) == d.Judge("n1t0", "confirm")
    base = story.tree([flag("n0", trial="n0t0")])
    assert isinstance(decide(base), d.Wait)


def test_a_run_stopped_before_its_base_model_is_judged_ends() -> None:
    stop = ev.StopAsked(by="me")
    waiting = story.tree([stop])
    assert decide(waiting) == d.EndRun("stopped by me before the base model was judged", "stopped")
    running = [ev.Launched(trial="n0t0", node="n0"), stop]
    assert decide(story.tree(running)) == d.Interrupt("n0t0", "validation", "stopped")
    killed = ev.Failed(trial="n0t0", node="n0", kind="cancelled", cause="stopped")
    assert isinstance(decide(story.tree([*running, killed])), d.EndRun)
    assert isinstance(decide(story.tree([flag("n0", trial="n0t0"), stop])), d.EndRun)


def test_undo_passes_over_what_holds_no_more() -> None:
    hint = ev.HintGiven(hint="h1", node="n0", text="keep this", by="me")
    tree = story.tree(*ROUND, [hint, flag("n0"), ev.StopAsked(by="me")])
    deed = steering.last_undoable(tree)
    assert deed is not None and deed.event == hint, "stopping lifted the pause: there is none to take back"


def test_a_queued_run_spends_nothing_before_its_first_work() -> None:
    waiting = story.tree([flag("n0", "pinned")])
    assert (waiting.begun, waiting.elapsed(9000.0)) == (False, 0.0)
    late = [ev.Record(seq=3, time=5000.0, run=story.RUN, event=ev.Launched(trial="n0t0", node="n0"))]
    begun = fold([*story.records(story.created(), [flag("n0", "pinned")]), *late])
    assert begun.elapsed(5010.0) == 10.0
    assert begun.allowed_seconds == 3600.0


def test_what_was_interrupted_is_finished_first() -> None:
    saved = [ev.Launched(trial="n3t0", node="n3"), ev.Interrupted(trial="n3t0", node="n3", cause="killed")]
    tree = story.tree(*ROUND, planned("n2", "n0"), planned("n3", "n0"), saved, [fork("n4", "n1")])
    assert decide(tree) == d.Judge("n3t0")


def test_a_round_is_read_when_what_it_is_compared_with_has_ended() -> None:
    parent = [*planned("n2", "n0", 1), flag("n2", trial="n2t0")]
    child = [fork("n3", "n2"), ev.DataReady(node="n3", rows=9)]
    done = [ev.Launched(trial="n3t0", node="n3"), story.scored("n3t0", 0.9)]
    paused = story.tree(*ROUND, parent, child, done)
    assert decide(paused) == d.Diagnose("n3"), "nobody knows when the parent goes on"
    going = story.tree(*ROUND, parent, child, done, [flag("n2", on=False, trial="n2t0")])
    assert decide(going) == d.Judge("n2t0")
    both = [ev.Launched(trial="n2t0", node="n2"), story.scored("n2t0", 0.8)]
    scored = story.tree(*ROUND, parent, child, done, [flag("n2", on=False, trial="n2t0")], both)
    assert decide(scored) == d.Diagnose("n3"), "now there is something to compare it with"
