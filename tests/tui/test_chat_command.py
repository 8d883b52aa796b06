"""`trex show` of one trial, and what `trex chat` refuses. A real conversation is in test_real_steering."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from engine.files import write_json
from engine.journal import Journal
from engine.search import events as ev
from engine.task import load_task
from engine.workspace import Workspace, shipped
from trex_tui.cli import main
from trex_tui.model.nearest import NONE_NEAR, Nearest

from . import script
from .test_process import record

Say = Callable[..., tuple[int, str]]


@pytest.fixture
def trex(workspace: Workspace, running: script.Script, capsys: pytest.CaptureFixture[str]) -> Say:
    record(workspace, running)
    write_json(workspace.run("r1") / "task.json", load_task(shipped("tasks") / "movie_sentiment"))

    def say(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        code = main(["--workspace", str(workspace.home), *words])
        said = capsys.readouterr()
        return code, said.out + said.err

    return say


def test_a_trial_is_shown_with_what_it_was_and_what_became_of_it(trex: Say) -> None:
    code, said = trex("show", "r1", "n4t1")
    assert code == 0 and "n4t1, of n4: ● done" in said and "validation   0.877 [0.840, 0.914], 300 rows" in said
    assert "learning_rate          0.0005   (0.002 in the node's first trial)" in said
    assert "the loss diverged at step 14" in trex("show", "r1", "n4t0")[1]
    assert "the untouched base model" in trex("show", "r1", "n0t0")[1]
    assert json.loads(trex("show", "r1", "n4t1", "--json")[1])["id"] == "n4t1"
    code, said = trex("show", "r1", "n4t9")
    assert code == 2 and "no node or trial `n4t9` in r1; nodes: n0 to n6; trials of n4: n4t0, n4t1, n4t2" in said
    assert "nodes: n0 to n6\n" in trex("show", "r1", "n99")[1]


def test_a_node_is_shown_as_what_it_is(trex: Say, workspace: Workspace, running: script.Script) -> None:
    assert "against the baseline" not in trex("show", "r1", "n1")[1] + trex("show", "r1", "n0")[1]
    assert "    against the baseline: rows " in trex("show", "r1", "n2")[1]
    journal = Journal.open(workspace.journal)
    journal.append("r1", ev.NodeAdded(node="n7", parent="n4"))
    journal.close()
    assert trex("show", "r1", "n7")[1].startswith("n7 (not planned), ")
    (line,) = [row for row in trex("show", "r1")[1].splitlines() if row.strip().startswith("n7 ")]
    assert "not planned" in line and "base" not in line


@pytest.mark.parametrize("meant", [{}, {"r1:n4": 0.5}])
def test_a_search_by_meaning_says_when_nothing_is_near(
    trex: Say, monkeypatch: pytest.MonkeyPatch, meant: dict[str, float]
) -> None:
    async def find(self: Nearest, *_: object) -> dict[str, float]:
        return meant

    monkeypatch.setattr(Nearest, "find", find)
    code, said = trex("insights", "search", "soup")
    assert code == 0 and ("0.50  r1:n4  Keep the rate" in said if meant else said.strip() == NONE_NEAR)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["r9"], 2, "no run `r9`"),
        (["r1", "n9"], 2, "no node or trial `n9`"),
        (["r1", "n4t0"], 2, "n4t0 has no adapter"),
        (["r1", "n4", "--temperature", "7"], 2, "is not a number from 0 to 2"),
        (["r1", "n4", "--length", "0"], 2, "is not a whole number from 1 to 4,096"),
        (["r1"], 1, "SmolLM2-135M-Instruct"),
    ],
)
def test_what_cannot_be_talked_to_is_one_sentence(trex: Say, words: list[str], code: int, said: str) -> None:
    got, text = trex("chat", *words)
    assert got == code and said in text and text.count("\n") == 1
