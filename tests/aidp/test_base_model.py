"""The base model's tokens and losses against a sum done by hand, on a tiny real Llama."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from engine.aidp.job import ModelPaths
from engine.aidp.models import base, services
from engine.aidp.models.base import BaseLosses, BaseTokens
from engine.aidp.pipeline import Around, Pipeline
from engine.aidp.recipe import FilterLoss, FilterTokens, Recipe, SampleDifficulty
from engine.errors import MachineFailure, ResourceFailure
from engine.executor.render import answer_tokens, prompt_tokens
from engine.executor.tokens import load_tokenizer
from engine.task import Format
from tests.executor.conftest import save_tiny_model

PAIRS = [
    ("good film question:", " yes"),
    ("bad film question:", " no no"),
    ("a much longer question about a film that nobody has seen, whatever they say:", " yes"),
    ("question:", " a long answer in many words, of which the model knows none"),
    ("q", " no"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("base")
    save_tiny_model(made)
    return made


def by_hand(folder: Path, prompt: str, answer: str, form: Format = base.PLAIN) -> float:
    """One row alone, without padding, token after token."""
    tokenizer = load_tokenizer(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    head, _ = prompt_tokens({"prompt": prompt}, form, tokenizer, 10_000)
    tail = answer_tokens(answer, tokenizer)
    with torch.inference_mode():
        logs = model(torch.tensor([head + tail])).logits[0].double().log_softmax(-1)
    return -sum(float(logs[len(head) + at - 1, token]) for at, token in enumerate(tail)) / len(tail)


@pytest.mark.parametrize("template", ["plain", "chat"])
def test_a_loss_is_that_of_the_answers_tokens(folder: Path, template: Any) -> None:
    form = Format(prompt="{prompt}", system="Answer yes or no.", template=template)
    found = BaseLosses(folder, form).losses(PAIRS)
    assert found == pytest.approx([by_hand(folder, *pair, form) for pair in PAIRS], abs=1e-4)


def test_a_loss_does_not_depend_on_the_batch(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = BaseLosses(folder)
    found = model.losses(PAIRS)
    assert model.losses(PAIRS, batch=1) == pytest.approx(found, abs=1e-5), "each row alone"
    assert model.losses(PAIRS, batch=40) == pytest.approx(found, abs=1e-5)
    monkeypatch.setattr(base, "LOGITS", 1)
    monkeypatch.setattr(base, "WINDOW", 2)
    assert model.losses(PAIRS) == pytest.approx(found, abs=1e-5)
    assert model.losses(PAIRS[::-1]) == pytest.approx(found[::-1], abs=1e-5)
    assert model.losses([]) == []


def test_the_same_twice_to_the_last_bit(folder: Path) -> None:
    assert BaseLosses(folder).losses(PAIRS) == BaseLosses(folder).losses(PAIRS)


def test_the_prompt_loses_its_left_end_and_the_answer_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = load_tokenizer(folder)
    monkeypatch.setattr(base, "READS", 24)
    prompt, answer = "film " * 30 + "question:", " yes yes"
    room = 24 - len(answer_tokens(answer, tokenizer)) - 1
    kept = tokenizer.decode(prompt_tokens({"prompt": prompt}, base.PLAIN, tokenizer, room)[0])
    assert prompt.endswith(kept) and len(kept) < len(prompt)
    losses = BaseLosses(folder).losses([(prompt, answer), ("question:", "?" * 30), ("question:", "")])
    assert losses[0] == pytest.approx(by_hand(folder, kept, answer), abs=1e-4)
    assert math.isnan(losses[1]) and math.isnan(losses[2]), "longer than the model reads; nothing to judge"


def test_nothing_foretells_a_first_token(folder: Path) -> None:
    tokenizer = load_tokenizer(folder)
    tail = answer_tokens(" yes no", tokenizer)
    assert len(tail) > 1 and tokenizer.bos_token_id is None
    rest = tokenizer.decode(tail[1:])
    assert answer_tokens(rest, tokenizer) == tail[1:]
    found = BaseLosses(folder).losses([("", " yes no"), ("", "a")])
    assert found[0] == pytest.approx(by_hand(folder, tokenizer.decode(tail[:1]), rest), abs=1e-4)
    assert math.isnan(found[1])


def test_progress_is_told_and_may_stop_it(folder: Path) -> None:
    told: list[tuple[int, int]] = []
    BaseLosses(folder).losses(PAIRS, lambda done, total: told.append((done, total)), batch=1)
    assert told == [(at, 5) for at in range(6)]

    def up(_done: int, _total: int) -> None:
        raise ResourceFailure("time is up")

    with pytest.raises(ResourceFailure, match="time is up"):
        BaseLosses(folder).losses(PAIRS, up)


def test_tokens_are_those_of_training(folder: Path) -> None:
    tokenizer = load_tokenizer(folder)
    texts = [text for pair in PAIRS for text in pair]
    assert BaseTokens(folder).count(texts) == [len(answer_tokens(text, tokenizer)) for text in texts]
    assert BaseTokens(folder).count([]) == []


def test_a_missing_or_foreign_model_is_said(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(MachineFailure, match="the base model is missing"):
        BaseTokens(tmp_path)
    for file in folder.iterdir():
        if file.suffix != ".safetensors":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(MachineFailure, match="the base model cannot be read"):
        BaseLosses(tmp_path).losses(PAIRS)


def test_too_little_memory_is_a_failure_of_resources(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = BaseLosses(folder)

    def none_left(rows: Any) -> list[float]:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")

    monkeypatch.setattr(model, "_pass", none_left)
    with pytest.raises(ResourceFailure, match="needs more memory than there is"):
        model.losses(PAIRS)


def test_operators_get_the_model_by_its_path(folder: Path) -> None:
    rows = [{"id": str(at), "prompt": prompt, "answer": answer} for at, (prompt, answer) in enumerate(PAIRS)]
    around = Around(services=services(ModelPaths(base_model=str(folder), threads=1)))
    losses = BaseLosses(folder).losses(PAIRS)
    recipe = Recipe(operators=(FilterTokens(max_tokens=60), FilterLoss(), SampleDifficulty(rows=2, take="easy")))
    output = Pipeline(recipe, around=around).run(rows)
    easiest = sorted(sorted(range(5), key=lambda at: losses[at])[:2])
    assert [int(id_) for id_ in output.rows["id"]] == easiest
    assert output.rows["loss"][:] == pytest.approx([losses[at] for at in easiest], abs=1e-5)
    assert services(ModelPaths()).lacks() >= {"tokenizer", "base_model"}
