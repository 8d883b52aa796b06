"""Paused at any micro-batch and started again, a training ends with the same bits: adapter, optimizer, scheduler,
random numbers. On a CPU, with an NF4 model, dropout, NEFTune and gradient accumulation.

SIGTERM comes from a failpoint in the middle of a micro-batch; whether that is the last one of its accumulation window
or one inside it is drawn by seed, and both are counted.
"""

from __future__ import annotations

import hashlib
import random
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from engine import failpoints
from engine.executor.__main__ import attempt
from engine.executor.stop import Stop
from engine.files import sha256_file
from engine.jobs import Exit
from engine.plan import TrialConfig
from tests.executor.conftest import ENVIRONMENT, MakeTrial, finish, losses, result_of, start
from tests.executor.test_failures import lift_limits

WINDOW = 4
STEPS = 32
CONFIG = TrialConfig(
    learning_rate=3e-3,
    rows=32,
    epochs=8,
    batch_size=2,
    gradient_accumulation=WINDOW,
    lora_rank=4,
    lora_dropout=0.05,
    neftune_noise=5.0,
    schedule="cosine",
)


@dataclass
class Desk:
    """Runs attempts with orders in the failpoints' folder; keeps the hashes taken when the training was over."""

    orders: Path
    attempt: Callable[[Path], Exit | None]
    states: dict[Path, str] = field(default_factory=dict)

    def pause(self, directory: Path, micro_batches: int) -> None:
        """Let so many micro-batches pass, then ask the trial to stop. It must end as one that saved its state."""
        (self.orders / "train.micro_batch").write_text(f"{micro_batches} TERM")
        assert self.attempt(directory) == Exit(state="interrupted", cause="asked to stop")

    def end(self, directory: Path) -> str:
        """Train to the end; the hash of the state in which the training ended."""
        (self.orders / "trained.written").write_text("0 USR1")
        outcome = self.attempt(directory) or self.attempt(directory)  # a process of its own dies of the signal
        assert outcome == Exit(state="done")
        return self.states[directory]


@pytest.fixture
def orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "orders"
    folder.mkdir()
    monkeypatch.setenv(failpoints.FOLDER, str(folder))
    return folder


@pytest.fixture
def here(orders: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Attempts in this very process, which takes the signals."""
    lift_limits(monkeypatch)
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
    before = [signal.getsignal(number) for number in numbers]

    def work(directory: Path) -> Exit:
        stop = Stop()
        stop.listen()
        signal.signal(signal.SIGUSR1, lambda *_: desk.states.update({directory: last_state(directory)}))
        return attempt(directory, stop)

    desk = Desk(orders, work)
    yield desk
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.fixture
def processes(orders: Path) -> Desk:
    """Attempts as the engine makes them: a process each."""

    def work(directory: Path) -> Exit | None:
        process = start(directory, env={**ENVIRONMENT, failpoints.FOLDER: str(orders)})
        process.wait(timeout=120)
        if process.returncode == -signal.SIGUSR1:
            desk.states[directory] = last_state(directory)
            return None
        return finish(process, directory)

    desk = Desk(orders, work)
    return desk


def last_state(directory: Path) -> str:
    """Hash of every tensor and number in the checkpoint after the last step: adapter, optimizer, scheduler, RNG."""
    folder = directory / f"checkpoint-{STEPS}"
    digest = hashlib.sha256(_bytes(load_file(folder / "adapter_model.safetensors")))
    for name in ("optimizer.pt", "scheduler.pt"):
        digest.update(_bytes(torch.load(folder / name, weights_only=True)))
    rng = torch.load(folder / "rng_state.pth", weights_only=False)
    digest.update(_bytes({name: rng[name] for name in ("python", "cpu")}))
    return digest.hexdigest()


def _bytes(value: object) -> bytes:
    if isinstance(value, dict):
        return b"".join(repr(key).encode() + _bytes(value[key]) for key in sorted(value, key=repr))
    if isinstance(value, list | tuple):
        return b"".join(map(_bytes, value))
    if isinstance(value, torch.Tensor):
        return str(value.dtype).encode() + value.detach().contiguous().numpy().tobytes()
    return repr(value).encode()


def paused(desk: Desk, make_trial: MakeTrial, pauses: int) -> None:
    """One trial undisturbed, one paused so often, at places drawn by seed: compare what is left of both."""
    # A last checkpoint is what the hashes are taken of, so both trials make one after the last step.
    whole = make_trial("whole", config=CONFIG, save_every=STEPS)
    broken = make_trial("broken", config=CONFIG, save_every=STEPS)
    state = desk.end(whole)
    draw, inside, steps = random.Random(5), 0, [0]
    for number in range(pauses):
        left = STEPS - steps[-1] - (pauses - number)  # a step for each pause to come, and one for the end
        place = draw.randrange(WINDOW * max(1, min(2, left)))
        inside += place % WINDOW != WINDOW - 1
        desk.pause(broken, place)
        steps.append(len(losses(broken)))
        assert steps[-1] == steps[-2] + 1 + place // WINDOW, "the window that was begun is finished, no more"
    assert 0 < inside < pauses, "both kinds of place must occur"
    assert desk.end(broken) == state
    name = "adapter/adapter_model.safetensors"
    assert sha256_file(broken / name) == sha256_file(whole / name)
    assert losses(broken) == losses(whole) and len(losses(whole)) == STEPS
    assert result_of(broken).items == result_of(whole).items
    assert not list(broken.glob("checkpoint-*"))


def test_paused_twenty_times_it_ends_with_the_same_bits(here: Desk, make_trial: MakeTrial) -> None:
    paused(here, make_trial, 20)


@pytest.mark.slow
def test_paused_twenty_times_in_processes_of_its_own(processes: Desk, make_trial: MakeTrial) -> None:
    paused(processes, make_trial, 20)


def test_a_pause_in_the_last_window_lets_the_training_end(here: Desk, make_trial: MakeTrial) -> None:
    directory = make_trial(config=CONFIG, save_every=STEPS)
    (here.orders / "train.micro_batch").write_text(f"{WINDOW * (STEPS - 1) + 1} TERM")
    assert here.attempt(directory) == Exit(state="interrupted", cause="asked to stop")  # heard before judging
    assert len(losses(directory)) == STEPS and (directory / "adapter").is_dir()
    assert here.attempt(directory) == Exit(state="done")


def test_a_half_written_checkpoint_is_never_taken_for_a_whole_one(
    here: Desk, make_trial: MakeTrial, capfd: pytest.CaptureFixture[str]
) -> None:
    """Left by a kill beside an older whole one: the trial goes on from that, and it outlives the next one's making."""
    directory = make_trial(config=CONFIG)
    here.pause(directory, WINDOW * 5)
    half = directory / "checkpoint-30"
    shutil.copytree(directory / "checkpoint-6", half)
    (half / "sealed.json").unlink()
    here.pause(directory, 0)
    assert "going on after step 6; 0 later steps are done again" in capfd.readouterr().err
    assert [path.name for path in directory.glob("checkpoint-*")] == ["checkpoint-7"]


def test_a_checkpoint_is_made_when_the_last_one_is_old_enough(here: Desk, make_trial: MakeTrial) -> None:
    """By time: 0 s ask for one after every step but the last, which needs none."""
    made: list[str] = []
    directory = make_trial(config=CONFIG, save_seconds=1e-9)
    signal.signal(signal.SIGUSR2, lambda *_: made.append(*(path.name for path in directory.glob("checkpoint-*"))))
    order = here.orders / "checkpoint.sealed"
    try:
        order.write_text("0 USR2")
        assert here.attempt(directory) == Exit(state="done")
    finally:
        signal.signal(signal.SIGUSR2, signal.SIG_DFL)
    assert made == ["checkpoint-1"]
