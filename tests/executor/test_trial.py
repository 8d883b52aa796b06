"""Whole trials in real child processes: real trl, peft and bitsandbytes on a tiny model."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from safetensors.torch import load_file

from engine import jobs
from engine.executor.checkpoints import SEAL, trained
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
    learning_rate=3e-3, rows=32, epochs=15, batch_size=4, lora_rank=4, lora_dropout=0.1, neftune_noise=5.0
)
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


def test_a_standby_ends_when_its_input_closes() -> None:
    command = [sys.executable, "-P", "-m", "engine.executor", "--standby"]
    done = subprocess.run(command, env=ENVIRONMENT, stdin=subprocess.DEVNULL, timeout=120, check=False)
    assert done.returncode == 0


def test_an_interrupted_training_goes_on_bit_for_bit(make_trial: MakeTrial) -> None:
    whole, halved = make_trial("whole", config=NOISY), make_trial("halved", config=NOISY)
    assert finish(start(whole), whole).state == "done"

    process = start(halved)
    wait_until(lambda: len(losses(halved)) >= 20 if (halved / "metrics.jsonl").exists() else False, process)
    process.send_signal(signal.SIGTERM)
    assert finish(process, halved) == jobs.Exit(state="interrupted", cause="asked to stop")
    assert not (halved / "result.json").exists()
    reached = len(losses(halved))
    assert 20 <= reached < 120
    newer = halved / "checkpoint-999"  # half-written: no seal
    newer.mkdir()
    (newer / "adapter_model.safetensors").write_bytes(b"half")

    assert finish(start(halved), halved).state == "done"
    assert f"going on after step {reached}" in (halved / "log.txt").read_text()
    assert losses(halved) == losses(whole)
    name = "adapter/adapter_model.safetensors"
    assert sha256_file(halved / name) == sha256_file(whole / name)
    assert result_of(halved).items == result_of(whole).items


def test_an_interrupted_judging_keeps_the_training(make_trial: MakeTrial) -> None:
    evaluation = {"mode": "label_likelihood", "labels": [" yes", " no"], "batch_size": 1}
    directory = make_trial(judge=3000, config=TrialConfig(rows=8, learning_rate=1e-3), evaluation=evaluation)
    process = start(directory)
    wait_until(lambda: (directory / "trained.json").exists(), process)
    process.send_signal(signal.SIGTERM)
    assert finish(process, directory).state == "interrupted"
    before, seconds = losses(directory), trained(directory)
    adapter = sha256_file(directory / "adapter" / "adapter_model.safetensors")
    write_jsonl(Path(msgspec.json.decode((directory / "plan.json").read_bytes())["evaluate_rows"]), questions(12))
    assert finish(start(directory), directory).state == "done"
    assert losses(directory) == before and trained(directory) == seconds
    assert sha256_file(directory / "adapter" / "adapter_model.safetensors") == adapter


def test_a_killed_trial_leaves_no_word_and_a_free_lock_and_a_second_process_goes_at_once(make_trial: MakeTrial) -> None:
    directory = make_trial(config=NOISY)
    process = start(directory)
    wait_until(lambda: jobs.is_alive(directory), process)
    log = (directory / "log.txt").stat().st_size
    second = start(directory)
    assert second.wait(timeout=60) == 0 and process.poll() is None
    assert (directory / "log.txt").stat().st_size >= log and jobs.holder(directory) == process.pid
    wait_until((directory / "metrics.jsonl").exists, process)
    process.kill()
    process.wait(timeout=60)
    assert jobs.outcome(directory) is None and not jobs.is_alive(directory)


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


def test_the_seal_is_written_into_checkpoints_on_the_way(make_trial: MakeTrial) -> None:
    directory = make_trial(config=NOISY, save_every=10)
    process = start(directory)
    wait_until(lambda: bool(list(directory.glob(f"checkpoint-*/{SEAL}"))), process)
    process.kill()
    process.wait(timeout=60)
    assert finish(start(directory), directory).state == "done"
    assert "going on after step" in (directory / "log.txt").read_text() and len(losses(directory)) == 120
