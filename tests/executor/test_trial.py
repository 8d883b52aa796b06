"""Whole trials in real child processes: real trl, peft and bitsandbytes on a tiny model."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from engine import jobs
from engine.executor.checkpoints import SEAL
from engine.files import read_jsonl, sha256_file, write_jsonl
from engine.ftbench import metrics
from engine.plan import TrialConfig
from tests.executor.conftest import (
    ENVIRONMENT,
    MakeTrial,
    finish,
    losses,
    questions,
    result_of,
    start,
    wait_until,
)

NOISY = TrialConfig(
    learning_rate=3e-3, rows=32, epochs=10, batch_size=4, lora_rank=4, lora_dropout=0.1, neftune_noise=5.0
)
STEPS = 80
FILES = ("state.json", "metrics.jsonl", "log.txt", "result.json", "exit.json", "adapter/adapter_model.safetensors")


def test_a_trial_trains_judges_and_says_so(make_trial: MakeTrial) -> None:
    directory = make_trial()
    assert finish(start(directory), directory) == jobs.Exit(state="done")
    for name in FILES:
        assert (directory / name).exists(), name
    loss = losses(directory)
    assert len(loss) == 24 and loss[-1] < 0.7 * loss[0]
    adapter = load_file(directory / "adapter" / "adapter_model.safetensors")
    assert {str(part.dtype) for part in adapter.values()} == {"torch.float32"}
    assert all(part.abs().max() > 0 for name, part in adapter.items() if "lora_B" in name)  # B starts at zero
    result = result_of(directory)
    assert result.score == metrics.score(result.metric, result.items)
    assert result.low <= result.score <= result.high
    assert (result.rows_trained, result.examples, result.supervised_tokens) == (32, 192, 384)
    assert [item.id for item in result.items] == [row["id"] for row in questions(12)]
    assert not list(directory.glob("checkpoint-*"))
    steps = read_jsonl(directory / "metrics.jsonl")
    assert steps[-1]["epoch"] == 6.0 and steps[0]["tokens_per_second"] > 0 and steps[0]["memory"] > 0


def test_a_finished_trial_is_not_done_again_and_a_standby_takes_it(make_trial: MakeTrial) -> None:
    directory = make_trial("base", config=None, train_rows="")
    command = [sys.executable, "-P", "-m", "engine.executor", "--standby"]
    standby = subprocess.Popen(command, env=ENVIRONMENT, stdin=subprocess.PIPE, start_new_session=True)
    standby.communicate(f"{directory}\n".encode(), timeout=120)
    assert jobs.outcome(directory) == jobs.Exit(state="done") and result_of(directory).rows_trained == 0
    (directory / "exit.json").unlink()
    digest = sha256_file(directory / "result.json")
    assert finish(start(directory), directory) == jobs.Exit(state="done")
    assert sha256_file(directory / "result.json") == digest


def test_an_adapter_that_is_not_what_was_trained_is_not_judged(make_trial: MakeTrial) -> None:
    trained = make_trial()
    assert finish(start(trained), trained).state == "done"
    weights = trained / "adapter" / "adapter_model.safetensors"
    again = make_trial("again", config=None, train_rows="", adapter=str(trained / "adapter"), split="confirm")
    assert finish(start(again), again) == jobs.Exit(state="done")
    save_file({name: part * 1.5 for name, part in load_file(weights).items()}, weights)
    other = make_trial("other", config=None, train_rows="", adapter=str(trained / "adapter"), split="confirm")
    end = finish(start(other), other)
    assert (end.state, end.kind) == ("failed", "resource")
    assert "not what was trained" in end.cause


@pytest.mark.slow
def test_a_standby_ends_when_its_input_closes() -> None:
    command = [sys.executable, "-P", "-m", "engine.executor", "--standby"]
    done = subprocess.run(command, env=ENVIRONMENT, stdin=subprocess.DEVNULL, timeout=120, check=False)
    assert done.returncode == 0


@pytest.mark.slow
def test_killed_and_interrupted_it_goes_on_bit_for_bit(make_trial: MakeTrial) -> None:
    """Dropout and NEFTune included: kill -9 after a checkpoint, then SIGTERM, then to the end."""
    whole, broken = make_trial("whole", config=NOISY), make_trial("broken", config=NOISY, save_every=10)
    assert finish(start(whole), whole).state == "done"

    process = start(broken)
    wait_until(lambda: jobs.is_alive(broken), process)
    assert start(broken).wait(timeout=60) == 0 and jobs.holder(broken) == process.pid  # a second one goes at once
    wait_until(lambda: bool(list(broken.glob(f"checkpoint-*/{SEAL}"))), process)
    process.kill()
    process.wait(timeout=60)
    assert jobs.outcome(broken) is None and not jobs.is_alive(broken)
    half_written = broken / "checkpoint-999"
    half_written.mkdir()
    (half_written / "adapter_model.safetensors").write_bytes(b"half")

    process = start(broken)
    wait_until(lambda: len(losses(broken)) >= 35, process)
    process.send_signal(signal.SIGTERM)
    assert finish(process, broken) == jobs.Exit(state="interrupted", cause="asked to stop")
    reached = len(losses(broken))
    assert 35 <= reached < STEPS and not (broken / "result.json").exists()

    assert finish(start(broken), broken).state == "done"
    assert f"going on after step {reached}" in (broken / "log.txt").read_text()
    assert losses(broken) == losses(whole)
    name = "adapter/adapter_model.safetensors"
    assert sha256_file(broken / name) == sha256_file(whole / name)
    assert result_of(broken).items == result_of(whole).items
    assert result_of(broken).train_loss == result_of(whole).train_loss


def test_too_little_memory_is_a_resource_failure(make_trial: MakeTrial, tmp_path: Path) -> None:
    config = TrialConfig(rows=256, batch_size=256, max_length=8000)
    directory = make_trial(config=config, train=256)
    write_jsonl(tmp_path / "t1.train.jsonl", [{**row, "prompt": row["prompt"] + " x" * 3000} for row in questions(256)])
    cap = 6 * 2**30

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (cap, cap))

    outcome = finish(start(directory, preexec_fn=limit), directory)
    assert (outcome.state, outcome.kind) == ("failed", "resource"), outcome
    assert outcome.cause.startswith("out of memory") and "\n" not in outcome.cause
    assert not (directory / "result.json").exists()


@pytest.mark.parametrize("arguments", [[], ["/nowhere/at/all"], ["a", "b"]])
def test_wrong_use_is_refused(arguments: list[str]) -> None:
    command = [sys.executable, "-P", "-m", "engine.executor", *arguments]
    assert subprocess.run(command, env=ENVIRONMENT, capture_output=True, check=False).returncode == 2
