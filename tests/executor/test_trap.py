"""The trap: bitsandbytes repacks 4-bit weights in evaluation mode, and training after that is silently broken."""

from __future__ import annotations

from typing import Any

import bitsandbytes as bnb
import pytest

from engine.errors import MachineFailure
from engine.executor import dense, selfcheck
from engine.executor.batches import Collator
from engine.executor.evaluate import judge
from engine.executor.render import examples, pad_token
from engine.executor.selfcheck import Guard, refuse_changed, training_probe
from engine.executor.training import add_adapter, cast_adapter
from engine.plan import TrialConfig
from tests.executor.conftest import EVALUATION, FORMAT, questions


@pytest.fixture
def packed(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Any:
    """The model with its weights left packed, as where memory is short: unpacked ones cannot fall into the trap."""
    monkeypatch.setattr(dense, "SHARE", 0.0)
    return request.getfixturevalue("base")


def probe_and_judge(model: Any, tokenizer: Any) -> tuple[tuple[float, float], tuple[float, float]]:
    rows = examples(questions(8), FORMAT, tokenizer, 64).rows
    batch = Collator(pad_token(tokenizer))([{"input_ids": row.ids, "supervised": row.supervised} for row in rows])
    before = training_probe(model, batch)
    judge(model, tokenizer, questions(8), FORMAT, EVALUATION, "accuracy", lambda _done: None)
    return before, training_probe(model, batch)


@pytest.mark.parametrize("weights", ["base", "packed"])
def test_judging_leaves_training_as_it_was(weights: str, tokenizer: Any, request: pytest.FixtureRequest) -> None:
    model = add_adapter(request.getfixturevalue(weights), TrialConfig(lora_rank=4), seed=0)
    cast_adapter(model)
    before, after = probe_and_judge(model, tokenizer)
    assert before == after and before[1] > 0
    refuse_changed(before, after)


@pytest.mark.skipif(not bnb.functional.has_avx512bf16(), reason="the trap needs a processor with avx512_bf16")
def test_the_guard_sees_the_trap_when_it_is_left_open(packed: Any, tokenizer: Any) -> None:
    model = add_adapter(packed, TrialConfig(lora_rank=4), seed=0)
    cast_adapter(model)
    for layer in model.modules():
        if isinstance(layer, bnb.nn.Linear4bit):
            layer.support_avx512bf16_for_cpu = True
    before, after = probe_and_judge(model, tokenizer)
    with pytest.raises(MachineFailure, match="judging changed the model"):
        refuse_changed(before, after)


def test_a_loaded_model_has_the_trap_closed(base: Any) -> None:
    layers = [layer for layer in base.modules() if isinstance(layer, bnb.nn.Linear4bit)]
    assert len(layers) == 14 and not any(layer.support_avx512bf16_for_cpu for layer in layers)


def test_the_guard_checks_once_per_model_and_versions(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selfcheck, "say", lambda _text: None)
    probes: list[int] = []

    def probe() -> tuple[float, float]:
        probes.append(1)
        return 1.0, 1.0

    for versions, expected in (({"torch": "1"}, 2), ({"torch": "1"}, 2), ({"torch": "2"}, 4)):
        guard = Guard(tmp_path, "sha", versions, "cpu")
        assert guard.around(probe, lambda: "judged") == "judged"
        assert len(probes) == expected


def test_a_failed_check_leaves_no_proof(tmp_path: Any) -> None:
    values = iter([(1.0, 2.0), (17.0, 91.0)])
    guard = Guard(tmp_path, "sha", {}, "cpu")
    with pytest.raises(MachineFailure):
        guard.around(lambda: next(values), lambda: None)
    assert guard.needed
