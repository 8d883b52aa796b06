"""The `trex` commands that steer, with a real engine process on a recorded search: answers, refusals, facts.

The run's base model is not on this machine, so that the engine pauses it at once; it is steered all the same.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from engine.files import write_json
from engine.journal import Journal
from engine.search import events as ev
from engine.search.fold import fold
from engine.search.tree import Tree
from engine.task import load_task
from engine.workspace import Workspace, shipped
from trex_tui.cli import main
from trex_tui.model.sentences import sentence

from . import script
from .test_process import record

Say = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module", autouse=True)
def sockets() -> Iterator[None]:
    """One short folder for all tests here, so that they share an engine."""
    with tempfile.TemporaryDirectory(prefix="trex") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", folder)
        yield


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A search whose baseline is done and whose n2t1 has failed; n3 is pruned; an engine that will not train it."""
    here = Workspace(tmp_path_factory.mktemp("commands") / "home").create()
    out = script.search(start=time.time() - 700)
    out.say(ev.Failed(trial="n6t0", node="n6", kind="idea", cause="the loss diverged"))
    record(here, out)
    task = load_task(shipped("tasks") / "movie_sentiment", {"budget.examples_per_trial": "4000"})
    write_json(here.run("r1") / "task.json", task)
    for trial in ("n3t0", "n1t0"):
        (here.trial("r1", trial) / "adapter").mkdir(parents=True)
        (here.trial("r1", trial) / "adapter" / "weights").write_bytes(b"x" * 2_000_000)
    assert main(["--workspace", str(here.home), "engine", "start"]) == 0
    yield here
    main(["--workspace", str(here.home), "engine", "stop"])


@pytest.fixture
def trex(space: Workspace, capsys: pytest.CaptureFixture[str]) -> Say:
    def say(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        code = main(["--workspace", str(space.home), *words])
        said = capsys.readouterr()
        return code, said.out + said.err

    return say


def tree(space: Workspace) -> Tree:
    journal = Journal.open_read_only(space.journal)
    try:
        return fold(journal.records(run="r1"))
    finally:
        journal.close()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["pause", "r7"], "no run `r7` in this workspace"),
        (["pause", "r1", "n77"], "no node `n77` in r1; nodes: n0 to n6"),
        (["pause", "r1", "n1t5"], "no trial `n1t5` in n1; trials: n1t0"),
        (["pause", "r1", "n1t0"], "n1t0 has ended (done)"),
        (["resume", "r1", "n2"], "n2 is not paused already"),
        (["prune", "r1", "n1t0"], "a single trial cannot be pruned; prune n1, or pause n1t0"),
        (["prune", "r1", "n0"], "the base model cannot be pruned"),
        (["prune", "r1"], "arguments are required: NODE"),
        (["pin", "r1", "nonsense"], "no node `nonsense`"),
        (["unpin", "r1", "n1"], "n1 is not pinned already"),
        (["retry", "r1", "n1"], "n1 is done: there is nothing to try again"),
        (["fork", "r1", "n1"], "a fork needs a change"),
        (["fork", "r1", "n3", "--set", "training.epochs=2"], "n3 is pruned; restore it first"),
        (["fork", "r1", "n1", "--set", "training.epochs"], "--set: `training.epochs` sets nothing"),
        (
            ["fork", "r1", "n1", "--set", "training.epoch=2"],
            "unknown field `epoch` in [training]; did you mean `epochs`?",
        ),
        (["fork", "r1", "n1", "--set", "training.learning_rate=9"], "`training.learning_rate`"),
        (["fork", "r1", "n1", "--set", "training.rows=256"], "n1t0 is this very trial already"),
        (["fork", "r1", "n1", "--plan", "/nowhere.json"], "/nowhere.json: no such file"),
        (["fork", "r1", "n1", "--plan", "/x", "--set", "a=1"], "leaves nothing to set"),
        (["hint", "r1", " "], "the hint is empty"),
        (["hint", "r1", "no", "quotes"], "a hint is one text"),
        (["hint", "r1", "n77", "text"], "no node `n77`"),
        (["hint", "r1", "n4"], "the hint is empty"),
        (["hint", "r1", "x" * 1001], "1,000 are allowed; shorten it"),
        (["hints", "r1", "--withdraw", "h9"], "no hint `h9` in r1"),
        (["hints", "r7"], "no run `r7`"),
        (["budget", "r1", "--rounds", "0"], "not a whole number from 1"),
        (["budget", "r1", "--rounds", "2"], "6 rounds were begun already"),
        (["budget", "r1", "--trials", "3"], "trials were started already"),
        (["budget", "r1", "--wall", "1m"], "are used already"),
        (["budget", "r1", "--wall", "until noon"], "no time of day"),
        (["budget", "r1", "--disk", "much"], "no amount of disk space"),
        (["budget", "r1", "--wall", "15m"], "may spend just that already"),
        (["clean", "r7"], "no run `r7`"),
        (["undo", "r7"], "no run `r7`"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_a_refusal_is_one_sentence_and_changes_nothing(
    space: Workspace, trex: Say, words: list[str], said: str
) -> None:
    before = tree(space).last_seq
    code, text = trex(*words)
    assert code == 2
    assert said in text and text.startswith("trex: ") and len(text.strip().splitlines()) == 1
    assert tree(space).last_seq == before


def test_flags_of_runs_branches_and_trials(space: Workspace, trex: Say) -> None:
    steps = (
        ("pause r1 n2", "n2 and what is below it: paused"),
        ("pause r1 n6t1", "n6t1: paused"),
        ("resume r1 n2", "n2 and what is below it: resumed"),
        ("resume r1 n6t1", "n6t1: resumed"),
        ("prune r1 n5", "n5 and what is below it: pruned"),
        ("restore r1 n5", "n5 and what is below it: restored"),
        ("pin r1 n4t1", "n4t1: pinned"),
        ("pin r1 n2", "n2 and what is below it: pinned"),
        ("unpin r1 n4t1", "n4t1: not pinned any more"),
        ("undo r1", "taken back:"),
        ("unpin r1 n2", "n2 and what is below it: not pinned any more"),
    )
    for words, said in steps:
        code, text = trex(*words.split())
        assert (code, said in text) == (0, True), text
    assert "pinned" in tree(space).trial("n4t1").flags, "undo took back the last step: the unpinning"


def test_a_retry_puts_a_failed_trial_back(space: Workspace, trex: Say) -> None:
    assert trex("budget", "r1", "--wall", "10h")[0] == 0
    assert trex("retry", "r1", "n6t0") == (0, "n6t0 will be tried again\n")
    assert tree(space).trial("n6t0").state == "queued"


def test_forks_by_edits_and_by_a_whole_plan(space: Workspace, trex: Say, tmp_path: Path) -> None:
    code, text = trex("fork", "r1", "n2t0", "--set", "training.schedule=cosine", "--set", "recipe.seed=3", "--last")
    assert code == 0, text
    assert "is a fork of n2t0; it takes about" in text
    node = tree(space).nodes["n7"]
    assert node.plan and not node.first and node.plan.recipe.seed == 3
    assert (node.plan.trials[0].schedule, node.plan.trials[0].rows) == ("cosine", 512)
    plan = tree(space).nodes["n1"].plan
    assert plan is not None
    file = tmp_path / "plan.json"
    hot = msgspec.structs.replace(plan.trials[0], learning_rate=0.007)
    write_json(file, msgspec.structs.replace(plan, trials=(hot,), direction="adjust_training"))
    code, text = trex("fork", "r1", "n1", "--plan", str(file))
    assert code == 0, text
    assert tree(space).nodes["n8"].first
    toml = tmp_path / "plan.toml"
    toml.write_text('direction = "adjust_training"\nhypothesis = "x"\ntrials = [{epochs = 3, rowz = 1}]\nrecipe = {}\n')
    code, text = trex("fork", "r1", "n1", "--plan", str(toml))
    assert code == 2 and "plan.toml" in text and "did you mean `rows`?" in text


def test_hints_are_given_listed_and_withdrawn(space: Workspace, trex: Say) -> None:
    assert trex("hint", "r1", "n4", "Lower rates.") == (0, "hint h1 holds for n4\n")
    assert trex("hint", "r1", "More rows.") == (0, "hint h2 holds for the run\n")
    code, text = trex("hints", "r1")
    assert code == 0 and "h1    for n4 " in text and "Lower rates." in text and "for the run" in text
    listed = json.loads(trex("hints", "r1", "--json")[1])
    assert [(h["hint"], h["node"], h["text"]) for h in listed] == [
        ("h1", "n4", "Lower rates."),
        ("h2", "n0", "More rows."),
    ]
    assert "hint h2 by" in trex("show", "r1", "n6")[1]
    assert trex("hints", "r1", "--withdraw", "h2") == (0, "hint h2 is withdrawn\n")
    assert list(tree(space).hints) == ["h1"]


def test_the_budget_is_shown_and_changed(space: Workspace, trex: Say) -> None:
    words = ("--rounds", "9", "--trials", "40", "--device", "2h", "--disk", "20GB", "--wall", "until 07:00")
    code, text = trex("budget", "r1", *words)
    assert code == 0 and "9 rounds, 40 trials, until" in text
    shown = trex("budget", "r1")[1]
    for part in ("rounds", "6 begun", "until 07:00", "2h", "20GB", "4.0 MB used", "kept back for confirming"):
        assert part in shown, shown
    facts = json.loads(trex("budget", "r1", "--json")[1])
    assert facts["limits"]["trials"] == 40 and facts["rounds"] == 6
    assert trex("budget", "r1", "--device", "none", "--disk", "none", "--trials", "none", "--wall", "10h")[0] == 0
    assert tree(space).limits == ev.Limits(rounds=9, wall_seconds=36000.0)


def test_cleaning_previews_and_removes_only_when_told(space: Workspace, trex: Say) -> None:
    adapter = space.trial("r1", "n3t0") / "adapter"
    code, text = trex("clean", "r1")
    assert code == 0 and "n3t0       2.0 MB  pruned" in text and "stays: 1 the baseline" in text
    assert "trex clean r1 --yes" in text and adapter.is_dir()
    assert json.loads(trex("clean", "r1", "--json")[1])[0]["trial"] == "n3t0"
    assert trex("clean", "r1", "--yes") == (0, "2 MB of 1 trials removed\n")
    assert not adapter.exists() and (space.trial("r1", "n1t0") / "adapter").is_dir()
    code, text = trex("clean", "r1", "--yes")
    assert code == 2 and "nothing can go" in text


def test_status_says_who_paused_and_how_to_go_on(trex: Say) -> None:
    assert trex("pause", "r1")[0] == 0
    assert "go on with `trex resume r1`" in trex("status")[1]
    assert trex("resume", "r1")[0] == 0


def test_a_run_may_end_by_the_clock(trex: Say) -> None:
    code, text = trex("run", "movie_sentiment", "--budget", "until tea", "--detach")
    assert code == 2 and "`until tea` is no time of day; write: until 07:00" in text


def test_every_deed_of_these_tests_is_told_as_somebodys(space: Workspace) -> None:
    journal = Journal.open_read_only(space.journal)
    deeds = [r.event for r in journal.records(run="r1") if getattr(r.event, "by", "engine") not in ("engine", "")]
    journal.close()
    assert deeds and all(event.by in sentence(event) for event in deeds if not isinstance(event, ev.RunCreated))
