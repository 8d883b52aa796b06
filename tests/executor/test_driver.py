"""A driver or library that is gone: the machine's failure, in one sentence, however the trial's process was started."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from engine import jobs
from engine.errors import MachineFailure
from engine.executor import failures, loading
from tests.executor.conftest import ENVIRONMENT, MakeTrial, finish, start

GONE = "libcuda.so.1: cannot open shared object file: No such file or directory"


@pytest.fixture
def without_driver(tmp_path: Path) -> dict[str, str]:
    """An environment in which bitsandbytes cannot be loaded, as after a driver's upgrade."""
    package = tmp_path / "broken" / "bitsandbytes"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(f"raise OSError({GONE!r})\n")
    return {**ENVIRONMENT, "PYTHONPATH": os.pathsep.join([str(package.parent), ENVIRONMENT["PYTHONPATH"]])}


def refused(outcome: jobs.Exit) -> bool:
    return (
        (outcome.state, outcome.kind) == ("failed", "machine")
        and outcome.cause.startswith("the training libraries cannot be loaded")
        and GONE in outcome.cause
        and "\n" not in outcome.cause
        and "Traceback" not in outcome.cause
    )


def test_a_trial_without_its_driver_says_so_and_is_done_after_repair(
    make_trial: MakeTrial, without_driver: dict[str, str]
) -> None:
    directory = make_trial(config=None, train_rows="")
    assert refused(finish(start(directory, env=without_driver), directory))
    assert "Traceback" in (directory / "log.txt").read_text()  # the whole story stays in the log
    assert finish(start(directory), directory) == jobs.Exit(state="done")


def test_a_standby_without_its_driver_says_so_in_the_trials_directory(
    make_trial: MakeTrial, without_driver: dict[str, str]
) -> None:
    directory = make_trial(config=None, train_rows="")
    command = [sys.executable, "-P", "-m", "engine.executor", "--standby"]
    standby = subprocess.Popen(command, env=without_driver, stdin=subprocess.PIPE, start_new_session=True)
    standby.communicate(f"{directory}\n".encode(), timeout=120)
    outcome = jobs.outcome(directory)
    assert outcome is not None and refused(outcome)


def test_the_first_cause_is_told_not_the_last_wrapping() -> None:
    try:
        try:
            raise OSError(GONE)
        except OSError as error:
            raise RuntimeError("Failed to import because of the following error (look up to see it):\n...") from error
    except RuntimeError as wrapped:
        assert refused(failures.exit_for_import(wrapped))


def test_memory_that_is_short_at_the_import_is_no_drivers_fault() -> None:
    assert (
        failures.exit_for_import(OSError("libtorch.so: cannot allocate memory in static TLS block")).kind == "resource"
    )


def test_a_card_that_is_gone_is_not_replaced_by_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert loading.choose_device("") == loading.choose_device("cpu") == torch.device("cpu")
    with pytest.raises(MachineFailure, match="cannot be used any more"):
        loading.choose_device("cuda")
