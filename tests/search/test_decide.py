"""What is done next: a whole round in order, budgets, a person's flags, failures."""

from engine.plan import TrialConfig
from engine.search import decide as d
from engine.search import events as ev
from engine.search.tree import Tree
from tests import story

CHEAP = TrialConfig(rows=64)


def decide(tree: Tree, now: float = 1100.0) -> d.Command:
    return d.decide(tree, now, CHEAP)


def test_a_run_from_its_first_command_to_its_last() -> None:
    steps = [
        (d.Judge("n0t0"), story.base()),
        (d.Grow(), [ev.NodeAdded(node="n1", parent="n0", direction="baseline")]),
        (d.MakePlan("n1"), [ev.Planned(node="n1", plan=story.plan(direction="baseline"))]),
        (d.PrepareData("n1"), [ev.DataReady(node="n1", rows=10)]),
        (d.Judge("n1t0"), [ev.Launched(trial="n1t0", node="n1")]),
        (d.Follow("n1t0"), [story.scored("n1t0", 0.8)]),
        (d.Diagnose("n1"), [ev.Diagnosed(node="n1", text="")]),
        (d.Judge("n1t0", "confirm"), [ev.Launched(trial="n1t0", node="n1", split="confirm")]),
        (
            d.Follow("n1t0", "confirm"),
            [ev.Confirmed(trial="n1t0", score=0.7, low=0.6, high=0.8, items=9, result_sha256="")],
        ),
        (
            d.Judge("n0t0", "confirm"),
            [ev.Confirmed(trial="n0t0", score=0.5, low=0.4, high=0.6, items=9, result_sha256="")],
        ),
        (d.ChooseChampion("all 1 rounds are done"), [ev.ChampionChosen(trial="n1t0", reason="best")]),
        (d.OpenTest(("n0t0", "n1t0")), [ev.TestOpened(trials=("n0t0", "n1t0"), by="report")]),
        (d.Judge("n0t0", "test"), [ev.Tested(trial="n0t0", score=0.5, low=0.4, high=0.6, items=9, result_sha256="")]),
        (d.Judge("n1t0", "test"), [ev.Tested(trial="n1t0", score=0.7, low=0.6, high=0.8, items=9, result_sha256="")]),
        (d.Report(), [ev.RunEnded(state="done", reason="")]),
        (d.Wait("the run has ended"), []),
    ]
    history: list[ev.AnyEvent] = []
    for expected, events in steps:
        assert decide(story.tree(*history, rounds=1)) == expected
        history += events


def test_the_confirm_split_decides_among_the_best_few() -> None:
    def confirmed(trial: str, score: float) -> ev.Confirmed:
        return ev.Confirmed(trial=trial, score=score, low=0, high=1, items=9, result_sha256="")

    tree = story.tree(
        story.base(),
        story.node("n1", "n0", 0.9, 0.8),
        story.node("n2", "n0", 0.7),
        confirmed("n1t0", 0.6),
        confirmed("n1t1", 0.7),
    )
    assert [t.id for t in d.confirm_candidates(tree)] == ["n1t0", "n1t1"]
    assert d.champion(tree) == "n1t1"


def test_the_base_model_stays_champion_where_nothing_beats_it() -> None:
    confirmed = [
        ev.Confirmed(trial=t, score=s, low=0, high=1, items=9, result_sha256="")
        for t, s in (("n0t0", 0.9), ("n1t0", 0.4))
    ]
    tree = story.tree(story.base(0.9), story.node("n1", "n0", 0.5), confirmed)
    assert d.champion(tree) == "n0t0"


def test_no_round_is_begun_that_does_not_fit_the_budget() -> None:
    events = (story.base(), story.node("n1", "n0", 0.8))
    assert isinstance(decide(story.tree(*events), now=1100.0), d.Grow)
    late = decide(story.tree(*events), now=1000.0 + 3600.0 - 30.0)
    assert late == d.Judge("n1t0", "confirm")


def test_a_trial_that_does_not_fit_any_more_is_cancelled_with_the_reason() -> None:
    events = [
        ev.NodeAdded(node="n2", parent="n0"),
        ev.Planned(node="n2", plan=story.plan()),
        ev.DataReady(node="n2", rows=9),
    ]
    command = decide(story.tree(story.base(), story.node("n1", "n0", 0.8), events), now=1000.0 + 3600.0 - 45.0)
    assert isinstance(command, d.Cancel)
    assert "no time left" in command.cause


def test_time_for_confirming_is_kept_back() -> None:
    from engine.search.budget import remaining_seconds

    tree = story.tree(story.base(), story.node("n1", "n0", 0.8, 0.7))
    assert remaining_seconds(tree, 1100.0) < 3600.0 - tree.elapsed(1100.0)


def test_pausing_a_branch_interrupts_its_trial_and_the_rest_goes_on() -> None:
    running = [
        story.base(),
        story.node("n1", "n0", 0.8),
        [
            ev.NodeAdded(node="n2", parent="n1"),
            ev.Planned(node="n2", plan=story.plan()),
            ev.DataReady(node="n2", rows=9),
        ],
        [ev.Launched(trial="n2t0", node="n2"), ev.FlagSet(node="n1", flag="paused", on=True, by="me")],
    ]
    assert decide(story.tree(*running)) == d.Interrupt("n2t0", "validation", "paused")
    held = [*running, [ev.Interrupted(trial="n2t0", node="n2", cause="paused")]]
    assert decide(story.tree(*held)) == d.Grow()
    resumed = [*held, [ev.FlagSet(node="n1", flag="paused", on=False, by="me")]]
    assert decide(story.tree(*resumed)) == d.Judge("n2t0")


def test_a_paused_run_waits_and_goes_on() -> None:
    paused = [story.base(), ev.FlagSet(node="n0", flag="paused", on=True, by="me")]
    assert isinstance(decide(story.tree(*paused)), d.Wait)
    assert decide(story.tree(*paused, ev.FlagSet(node="n0", flag="paused", on=False, by="me"))) == d.Grow()


def test_pruning_ends_the_running_trial() -> None:
    tree = story.tree(
        story.base(),
        [
            ev.NodeAdded(node="n1", parent="n0"),
            ev.Planned(node="n1", plan=story.plan()),
            ev.DataReady(node="n1", rows=9),
        ],
        [ev.Launched(trial="n1t0", node="n1"), ev.FlagSet(node="n1", flag="pruned", on=True, by="me")],
    )
    assert decide(tree) == d.Interrupt("n1t0", "validation", "pruned")


def test_two_machine_failures_in_a_row_pause_the_run() -> None:
    failed = ev.Failed(node="n0", trial="n0t0", kind="machine", cause="driver gone")
    assert decide(story.tree(failed)) == d.Judge("n0t0")
    assert decide(story.tree(failed, failed)) == d.PauseRun("driver gone")
    assert decide(story.tree(failed, failed, ev.RunPaused(by="engine"), ev.RunResumed(by="me"))) == d.Judge("n0t0")


def test_a_stopped_search_cancels_what_is_open_and_confirms_what_is_done() -> None:
    history = [story.base(), story.node("n1", "n0", 0.8)]
    history += [[ev.NodeAdded(node="n2", parent="n1"), ev.Planned(node="n2", plan=story.plan()), ev.StopAsked(by="me")]]
    assert decide(story.tree(*history)) == d.Cancel("n2t0", "the search was stopped by me")
    history += [[ev.Failed(node="n2", trial="n2t0", kind="cancelled", cause="")]]
    assert decide(story.tree(*history)) == d.Judge("n1t0", "confirm")


def test_a_base_model_that_cannot_be_judged_ends_the_run() -> None:
    tree = story.tree(ev.Failed(node="n0", trial="n0t0", kind="resource", cause="out of memory"))
    assert decide(tree) == d.EndRun("the base model could not be judged: out of memory", "failed")
