"""Whose failure it is: the trial's work called in this process, with its limits left out."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from engine.errors import BadInput, IdeaFailure, MachineFailure, ResourceFailure
from engine.executor import checkpoints, failures, limits
from engine.executor.__main__ import attempt
from engine.executor.job import Step
from engine.executor.stop import Stop
from engine.executor.telemetry import Reporter
from engine.executor.training import refuse_diverged
from engine.files import sha256_file, write_jsonl
from engine.jobs import Exit
from engine.plan import TrialConfig
from tests.executor.conftest import MakeTrial, losses


@pytest.fixture(autouse=True)
def unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    lift_limits(monkeypatch)


def lift_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process is pytest's: it keeps its own limits, and no card."""
    monkeypatch.setattr(limits, "cap_memory", lambda: 0)
    monkeypatch.setattr(limits, "yield_to_others", lambda: None)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)


def test_a_wild_learning_rate_is_the_ideas_failure(make_trial: MakeTrial) -> None:
    directory = make_trial(config=TrialConfig(learning_rate=1.0, weight_decay=10.0, rows=32, epochs=200, batch_size=8))
    outcome = attempt(directory, Stop())
    assert (outcome.state, outcome.kind) == ("failed", "idea") and outcome.cause.startswith("diverged at step")


@pytest.mark.parametrize(
    ("loss", "norm", "first", "words"),
    [
        (float("nan"), 1.0, False, "the loss is nan"),
        (float("inf"), 1.0, False, "the loss is inf"),
        (1.0, float("nan"), False, "the gradient is nan"),
        (1.0, 0.0, True, "the gradient is zero"),
    ],
)
def test_a_diverged_step_is_refused(loss: float, norm: float, first: bool, words: str) -> None:
    with pytest.raises(IdeaFailure, match=words):
        refuse_diverged(7, loss, norm, first=first)


def test_a_vanished_gradient_later_on_is_no_failure() -> None:
    refuse_diverged(7, 0.0, 0.0, first=False)


def test_an_empty_recipe_is_the_ideas_failure(make_trial: MakeTrial) -> None:
    outcome = attempt(make_trial(train=0, config=TrialConfig()), Stop())
    assert outcome == Exit(state="failed", kind="idea", cause="the recipe left no rows to train on")


def test_a_missing_model_is_the_machines_failure(make_trial: MakeTrial, tmp_path: Path) -> None:
    outcome = attempt(make_trial(model_dir=str(tmp_path / "gone")), Stop())
    assert (outcome.state, outcome.kind) == ("failed", "machine") and "base model is missing" in outcome.cause


def test_missing_rows_are_the_machines_failure(make_trial: MakeTrial, tmp_path: Path) -> None:
    outcome = attempt(make_trial(config=None, evaluate_rows=str(tmp_path / "gone.jsonl")), Stop())
    assert outcome.kind == "machine" and "rows are missing" in outcome.cause


def test_a_broken_plan_is_the_machines_failure(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text('{"trial": "t"}')
    outcome = attempt(tmp_path, Stop())
    assert outcome.kind == "machine" and "plan.json" in outcome.cause


def test_an_answer_outside_the_labels_is_told(make_trial: MakeTrial, tmp_path: Path) -> None:
    directory = make_trial(config=None)
    write_jsonl(tmp_path / "t1.judge.jsonl", [{"id": "a", "prompt": "good film", "answer": " perhaps"}])
    assert "none of the labels" in attempt(directory, Stop()).cause


def test_a_time_limit_is_a_resource_failure(make_trial: MakeTrial) -> None:
    outcome = attempt(make_trial(config=TrialConfig(rows=32, epochs=500), time_limit=0.5), Stop())
    assert (outcome.state, outcome.kind) == ("failed", "resource") and "limit of 0.5 s" in outcome.cause


def test_a_request_to_stop_before_the_work_begins_is_heard(make_trial: MakeTrial) -> None:
    stop = Stop()
    stop.asked = True
    assert attempt(make_trial(), stop).state == "interrupted"


def test_a_request_to_stop_while_training_loses_nothing(make_trial: MakeTrial, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bit for bit, dropout and NEFTune included; in real processes, with kill -9: tests/executor/test_trial.py."""
    config = TrialConfig(learning_rate=3e-3, rows=32, batch_size=4, lora_rank=4, lora_dropout=0.1, neftune_noise=5.0)
    whole, broken = (
        make_trial("whole", config=config, device_lock=""),
        make_trial("broken", config=config, device_lock=""),
    )
    assert attempt(whole, Stop()).state == "done"
    stop, write = Stop(), Reporter.step

    def ask(self: Reporter, step: Step) -> None:
        write(self, step)
        stop.asked = step.step >= 3

    with monkeypatch.context() as patch:
        patch.setattr(Reporter, "step", ask)
        assert attempt(broken, stop).state == "interrupted"
    assert len(losses(broken)) == 4 and not (broken / "adapter").exists()  # heard at the next step's end
    assert attempt(broken, Stop()).state == "done"
    assert losses(broken) == losses(whole) and len(losses(whole)) == 8
    name = "adapter/adapter_model.safetensors"
    assert sha256_file(broken / name) == sha256_file(whole / name)


def test_a_request_to_stop_while_judging_keeps_the_training(
    make_trial: MakeTrial, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory, stop = make_trial(), Stop()
    progress = Reporter.progress

    def ask(self: Reporter, **changes: Any) -> None:
        progress(self, **changes)
        stop.asked = bool(changes.get("judged"))

    monkeypatch.setattr(Reporter, "progress", ask)
    assert attempt(directory, stop).state == "interrupted"
    before, facts = losses(directory), checkpoints.trained(directory)
    adapter = sha256_file(directory / "adapter" / "adapter_model.safetensors")
    assert facts is not None and not checkpoints.finished(directory)
    monkeypatch.undo()
    lift_limits(monkeypatch)
    assert attempt(directory, Stop()).state == "done"
    assert losses(directory) == before and checkpoints.trained(directory) == facts
    assert sha256_file(directory / "adapter" / "adapter_model.safetensors") == adapter


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (IdeaFailure("x"), "idea"),
        (ResourceFailure("x"), "resource"),
        (MachineFailure("x"), "machine"),
        (BadInput("x"), "machine"),
        (MemoryError(), "resource"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"), "resource"),
        (RuntimeError("CUDA error: unspecified launch failure"), "machine"),
        (FileNotFoundError(2, "No such file"), "machine"),
        (KeyError("x"), "machine"),
    ],
)
def test_every_exception_has_one_kind_and_one_line(error: Exception, kind: str) -> None:
    outcome = failures.exit_for(error)
    assert outcome.state == "failed" and outcome.kind == kind and outcome.cause and "\n" not in outcome.cause
