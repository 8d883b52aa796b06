"""The short form of `make fuzz`, and the fuzzer's own tests: it must be able to find something."""

from __future__ import annotations

import json
import signal
import time
import tomllib
from pathlib import Path
from random import Random
from typing import get_args

import msgspec
import pytest

from engine.control import protocol as p
from engine.errors import BadInput
from engine.search import events as ev
from tests.fuzz import harness, mutate, shapes, write
from tests.fuzz.everything import TARGETS, fuzz
from tests.fuzz.frames import MESSAGES
from tests.fuzz.harness import Input, State
from tests.fuzz.journals import EVENTS
from tests.fuzz.tasks import TEXT

INPUTS = {
    "frames": 900,
    "socket": 150,
    "tasks": 200,
    "plans": 1500,
    "directories": 450,
    "journals": 300,
    "recordings": 200,
}


@pytest.mark.parametrize("name", TARGETS)
def test_bad_input_is_refused_in_one_sentence_and_changes_nothing(name: str, tmp_path: Path) -> None:
    (outcome,) = fuzz(tmp_path, INPUTS[name], seed=1, only=(name,))
    assert not outcome.findings, "\n\n".join(
        f"{f.what}\n{f.given!r:.500}\n{f.trace}" for f in outcome.findings.values()
    )
    assert set(outcome.counts) == set(outcome.accepted) and outcome.verdicts["refused"] > 0


def test_every_message_and_event_has_its_inputs() -> None:
    assert set(MESSAGES.values()) == set(get_args(p.FromClient))
    assert set(EVENTS.values()) == set(get_args(ev.AnyEvent))


@pytest.mark.parametrize("kind", [*get_args(p.FromClient), *get_args(ev.AnyEvent)])
def test_what_counts_as_valid_is_valid(kind: type[msgspec.Struct]) -> None:
    for seed in range(20):
        msgspec.convert(shapes.valid(kind, Random(seed), {}), kind)


def test_the_writers_write_what_the_libraries_read() -> None:
    value = {"a": [1, -5, 1.5, True, None, "é\n"], "b": {"c": [{"d": ""}]}}
    assert msgspec.msgpack.decode(write.to_msgpack(value)) == value
    assert json.loads(write.to_json(value)) == value
    task = tomllib.loads(TEXT)
    assert tomllib.loads(write.to_toml(task).decode()) == task


def test_one_field_changed_is_another_document_and_leaves_the_good_one_alone() -> None:
    good = {"a": [1, 2], "b": {"c": "x"}}
    before, same = write.to_json(good), 0
    for seed in range(200):
        same += write.to_json(mutate.one_field(good, Random(seed))) == before
    assert write.to_json(good) == before
    assert same < 10


class Faulty:
    """Four defects, one for each kind of input."""

    name = "faulty"

    def __init__(self) -> None:
        self.changed = 0

    def kinds(self) -> tuple[str, ...]:
        return ("crash", "hang", "two lines", "changes", "fine")

    def make(self, kind: str, rng: Random) -> Input:
        return Input(kind, "made", rng.randbytes(4))

    def feed(self, given: Input) -> None:
        match given.kind:
            case "crash":
                raise KeyError("x")
            case "hang":
                time.sleep(60)
            case "two lines":
                raise BadInput("\N{LINE SEPARATOR}")  # shown as its escape
            case "changes":
                self.changed += 1
                raise BadInput("no")
        raise BadInput("as it should be")

    def state(self) -> State:
        return {"changed": self.changed}

    def renew(self) -> None:
        self.changed = 0

    def close(self) -> None: ...


def test_a_crash_a_hang_and_a_changed_state_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "LIMIT_SECONDS", 0.05)
    outcome = harness.run(Faulty(), 10, seed=0)
    assert {finding.given.kind for finding in outcome.findings.values()} == {"crash", "hang", "changes"}
    assert outcome.verdicts == {"finding": 6, "refused": 4}
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@pytest.mark.parametrize("text", ["", "two\nlines", "\x1b[31m", "Traceback (most recent call last)", "x" * 20_000])
def test_a_sentence_that_is_none_is_found(text: str) -> None:
    with pytest.raises(harness.Broken):
        harness.check_sentence(text)
