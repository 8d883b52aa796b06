"""The whole thing for real, small: `trex run` in a child process, a real engine, data and trial processes, a tiny
Llama in NF4 through trl and peft, killed in the middle and started again; then its report, its figures, its export.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import models
from engine.jobs import is_alive
from engine.search import events as ev
from tests.place import Place, until


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    here = Place(tmp_path_factory.mktemp("place"))
    yield here
    here.trex("engine", "stop", check=False)


@pytest.fixture(scope="module")
def survived(place: Place) -> Place:
    """A search whose engine was killed while a trial ran and started again."""
    place.trex("run", str(place.task), "--detach")
    until(lambda: bool(place.tree().running()) and place.tree().running()[0].id != "n0t0")
    trial = place.tree().running()[0].id
    os.kill(place.engine_pid(), signal.SIGKILL)
    # The trial outlives the engine; whether it ends before the next engine comes is left to chance.
    directory = place.workspace.trial("letters-1", trial)
    until(lambda: is_alive(directory) or (directory / "exit.json").exists())
    place.watched = place.trex("attach", "letters-1", "--headless").stdout
    return place


def test_a_search_finishes_although_its_engine_was_killed(survived: Place) -> None:
    tree = survived.tree()
    assert tree.state == "done", tree.reason
    assert [node.state for node in tree.nodes.values()] == ["done"] * 3
    finished = [e.trial for e in survived.events() if isinstance(e, ev.Finished)]
    assert len(finished) == len(set(finished))
    assert sum(isinstance(e, ev.Adopted) for e in survived.events()) == 1
    assert "the search is over (done)" in survived.watched
    assert f"champion {tree.champion}: validation" in survived.watched


def test_every_score_can_be_computed_again(survived: Place) -> None:
    assert survived.trex("verify", "letters-1").returncode == 0
    tree = survived.tree()
    path = survived.workspace.trial("letters-1", tree.champion) / "result.json"
    result = json.loads(path.read_text())
    correct = [item["correct"] for item in result["items"]]
    assert sum(correct) / len(correct) == tree.trial(tree.champion).score.value  # type: ignore[union-attr]
    result["items"][0]["correct"] = 1.0 - result["items"][0]["correct"]
    before = path.read_bytes()
    path.write_text(json.dumps(result))
    try:
        assert survived.trex("verify", "letters-1", check=False).returncode == 1
    finally:
        path.write_bytes(before)


def test_training_moved_the_adapter_and_left_telemetry(survived: Place) -> None:
    trial = survived.workspace.trial("letters-1", "n1t0")
    steps = [json.loads(line) for line in (trial / "metrics.jsonl").read_text().splitlines()]
    assert len(steps) >= 4
    assert all(step["grad_norm"] > 0 for step in steps)
    assert steps[-1]["loss"] < steps[0]["loss"]
    assert (trial / "adapter" / "adapter_model.safetensors").stat().st_size > 0


def test_the_report_says_what_came_out(survived: Place) -> None:
    report = survived.workspace.report("letters-1")
    text = (report / "report.md").read_text()
    champion = survived.tree().champion
    assert champion in text
    assert "95%" in text
    assert "http" not in (report / "report.html").read_text().split("<body")[1].split("<svg")[0]


def test_the_adapter_can_be_taken_out_and_loaded(survived: Place, tmp_path: Path) -> None:
    target = tmp_path / "adapter"
    survived.trex("export", "letters-1", "n1", "--to", str(target))
    code = (
        "import sys; from peft import PeftModel; from transformers import AutoModelForCausalLM as M;"
        "m = PeftModel.from_pretrained(M.from_pretrained(sys.argv[1]), sys.argv[2]); print(type(m).__name__)"
    )
    base = models.find("tiny", survived.workspace.models).path
    done = subprocess.run(
        [sys.executable, "-c", code, str(base), str(target)], capture_output=True, text=True, timeout=120, check=False
    )
    assert "PeftModel" in done.stdout, done.stderr
    again = survived.trex("export", "letters-1", "n1", "--to", str(target), check=False)
    assert again.returncode == 2


def test_facts_for_programs_are_json(survived: Place) -> None:
    runs = json.loads(survived.trex("runs", "--json").stdout)
    assert [(run["run"], run["state"]) for run in runs] == [("letters-1", "done")]
    shown = json.loads(survived.trex("show", "letters-1", "--json").stdout)
    assert [node["node"] for node in shown["nodes"]] == ["n0", "n1", "n2"]
    assert json.loads(survived.trex("show", "letters-1", "n1", "--json").stdout)["plan"]["direction"] == "baseline"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["pause", "nowhere-1"], 2, "no run `nowhere-1`"),
        (["prune", "letters-1", "n1"], 2, "has ended"),
        (["prune", "letters-1", "n99"], 2, "no node `n99`"),
        (["show", "letters-1", "n99"], 2, "nodes: n0 to n2"),
        (["run", "/nowhere"], 2, "no task"),
        (["run", "movie_sentiment", "--set", "budget.rouns=3", "--detach"], 2, "did you mean `rounds`"),
        (["models", "import", "/nowhere.gguf"], 2, "nowhere.gguf"),
    ],
)
def test_wrong_commands_get_one_sentence_and_change_nothing(
    survived: Place, arguments: list[str], code: int, words: str
) -> None:
    before = len(survived.events())
    done = survived.trex(*arguments, check=False)
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert len(survived.events()) == before


def test_a_second_engine_for_the_workspace_is_refused(survived: Place) -> None:
    survived.trex("engine", "start")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "engine", "--workspace", str(survived.workspace.home)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "another engine" in done.stderr
