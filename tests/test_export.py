"""Exporting an adapter: what peft made comes out whole, loads again, and names no folder of this machine."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from engine.aidp.recipe import DedupExact, Recipe
from engine.errors import BadInput, MachineFailure
from engine.export import export_adapter, safetensors_tensors
from engine.plan import Plan, TrialConfig
from engine.search import events as ev

HYPOTHESIS = "Fewer doubles | better <b>models</b>"


def records(base_model: str = "SmolLM2-135M-Instruct") -> list[ev.Record]:
    """A base model, one trained trial, one that failed."""
    setup = {
        "task": "movies",
        "title": "Movie reviews",
        "task_path": "movies",
        "task_fingerprint": "f",
        "metric": "accuracy",
        "maximize": True,
        "base_model": base_model,
        "researcher": "none",
        "policy": "uct",
        "normaliser": "rank",
        "seed": 0,
        "wall_seconds": 60.0,
        "rounds": 1,
        "trials_per_round": 2,
        "confirm_candidates": 1,
        "model_sha256": "ab" * 32,
    }
    configs = (TrialConfig(lora_rank=4), TrialConfig(rows=64))
    recipe = Recipe(operators=(DedupExact(),))
    plan = Plan(direction="baseline", hypothesis=HYPOTHESIS, recipe=recipe, trials=configs)
    score = {"low": 0.7, "high": 0.9, "items": 100, "result_sha256": "x"}
    events: list[ev.AnyEvent] = [
        ev.RunCreated(**setup),
        ev.Finished(trial="n0t0", node="n0", score=0.56, seconds=1.0, **{**score, "low": 0.5, "high": 0.6}),
        ev.NodeAdded(node="n1", parent="n0"),
        ev.Planned(node="n1", plan=plan),
        ev.DataReady(node="n1", rows=240),
        ev.Finished(trial="n1t0", node="n1", score=0.8, seconds=1.0, examples=240, **score),
        ev.Failed(trial="n1t1", node="n1", kind="idea", cause="diverged"),
        ev.Tested(trial="n1t0", score=0.78, **score),
    ]
    return [ev.Record(seq=n, time=float(n), run="r1", event=event) for n, event in enumerate(events, 1)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run directory with an adapter that peft saved, of a tiny Llama that lies beside it."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM

    home = tmp_path_factory.mktemp("trained")
    torch.manual_seed(0)
    shape = LlamaConfig(
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        vocab_size=64,
    )
    LlamaForCausalLM(shape).save_pretrained(home / "base")
    model = LlamaForCausalLM.from_pretrained(home / "base")
    adapted = get_peft_model(model, LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"))
    for name, weight in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight)
    adapter = home / "run/trials/n1t0/adapter"
    adapted.save_pretrained(adapter)
    (adapter / "README.md").unlink(missing_ok=True)
    (adapter / "tokenizer.json").write_text("{}")
    settings = {"name_or_path": str(home / "base"), "eos_token": "</s>"}
    (adapter / "tokenizer_config.json").write_text(json.dumps(settings))
    (adapter / "optimizer.pt").write_bytes(b"not for others")
    return home


def test_the_exported_adapter_loads_and_gives_the_same_numbers(trained, tmp_path):
    import torch
    from peft import PeftModel
    from transformers import LlamaForCausalLM

    target = export_adapter(trained / "run", "n1t0", tmp_path / "out/adapter", records())
    ids = torch.arange(8)[None]
    base = LlamaForCausalLM.from_pretrained(trained / "base")
    plain = base(ids).logits
    there = PeftModel.from_pretrained(LlamaForCausalLM.from_pretrained(trained / "base"), str(target))(ids).logits
    here = PeftModel.from_pretrained(base, str(trained / "run/trials/n1t0/adapter"))(ids).logits
    assert torch.equal(there, here)
    assert not torch.equal(there, plain)


def test_nothing_of_this_machine_and_nothing_unasked_leaves(trained, tmp_path):
    target = export_adapter(trained / "run", "n1t0", tmp_path / "adapter", records())
    names = sorted(path.name for path in target.iterdir())
    assert names == [
        "README.md",
        "SHA256SUMS",
        "adapter_config.json",
        "adapter_model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    config = json.loads((target / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert config["peft_type"] == "LORA" and config["r"] == 4
    assert json.loads((target / "tokenizer_config.json").read_text()) == {"eos_token": "</s>"}
    assert str(trained).encode() not in b"".join(path.read_bytes() for path in target.iterdir())


def test_the_checksums_are_right(trained, tmp_path):
    target = export_adapter(trained / "run", "n1t0", tmp_path / "adapter", records())
    sums = dict(line.split("  ")[::-1] for line in (target / "SHA256SUMS").read_text().splitlines())
    assert sums == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in target.iterdir()
        if path.name != "SHA256SUMS"
    }


def test_the_card_says_what_it_is_and_how_to_load_it(trained, tmp_path):
    target = export_adapter(trained / "run", "n1t0", tmp_path / "adapter", records())
    card = (target / "README.md").read_text()
    assert card.startswith(
        '---\nbase_model: "HuggingFaceTB/SmolLM2-135M-Instruct"\nlibrary_name: peft\nlicense: "apache-2.0"'
    )
    for words in (
        "| test (sealed) | 0.780 [0.700, 0.900] | \u2013 | 100 |",
        "0.560 [0.500, 0.600]",
        "`dedup_exact`",
        "240 rows",
        "| `lora_rank` | 4 |",
        "licensed Apache-2.0",
        "PeftModel.from_pretrained",
        "ab" * 32,
    ):
        assert words in card, words
    assert r"Fewer doubles \| better \<b>models\</b>" in card
    code = card.split("```python\n")[1].split("```")[0]
    assert len(code.splitlines()) == 6
    compile(code, "card", "exec")


def test_another_base_and_licence_can_be_named(trained, tmp_path):
    target = export_adapter(
        trained / "run", "n1t0", tmp_path / "adapter", records("mine"), base="me/mine", licence="MIT"
    )
    assert "licensed MIT" in (target / "README.md").read_text()
    unknown = export_adapter(trained / "run", "n1t0", tmp_path / "unknown", records("mine"))
    assert "licence is not recorded" in (unknown / "README.md").read_text()
    assert "license:" not in (unknown / "README.md").read_text()


@pytest.mark.parametrize(
    ("trial", "said"),
    [("n0t0", "untouched base model"), ("n1t1", "has no adapter"), ("n7t0", "no trial `n7t0`"), ("../x", "no trial")],
)
def test_a_trial_without_an_adapter_is_refused(trained, tmp_path, trial, said):
    with pytest.raises(BadInput, match=said):
        export_adapter(trained / "run", trial, tmp_path / "adapter", records())
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_never_overwritten(trained, tmp_path):
    (tmp_path / "adapter").mkdir()
    with pytest.raises(BadInput, match="exists already"):
        export_adapter(trained / "run", "n1t0", tmp_path / "adapter", records())
    assert list((tmp_path / "adapter").iterdir()) == []


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda weights: weights.write_bytes(weights.read_bytes()[:-4]), "not complete"),
        (lambda weights: weights.write_bytes(b"\xff" * 64), "header is cut off"),
        (lambda weights: weights.write_bytes(b"\x08" + b"\0" * 7 + b"nonsense"), "cannot be read"),
        (lambda weights: weights.write_bytes(b""), "header is cut off"),
        (lambda weights: weights.unlink(), "has no adapter"),
    ],
)
def test_a_damaged_adapter_is_not_exported(trained, tmp_path, spoil, said):
    shutil.copytree(trained / "run", tmp_path / "run")
    spoil(tmp_path / "run/trials/n1t0/adapter/adapter_model.safetensors")
    with pytest.raises(BadInput, match=said):
        export_adapter(tmp_path / "run", "n1t0", tmp_path / "adapter", records())
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_weights_of_another_rank_than_the_configuration_are_refused(trained, tmp_path):
    shutil.copytree(trained / "run", tmp_path / "run")
    path = tmp_path / "run/trials/n1t0/adapter/adapter_config.json"
    path.write_text(path.read_text().replace('"r": 4', '"r": 8'))
    with pytest.raises(BadInput, match="do not belong together"):
        export_adapter(tmp_path / "run", "n1t0", tmp_path / "adapter", records())


def test_a_full_disk_leaves_nothing_behind(trained, tmp_path, monkeypatch):
    def full(*_args: object, **_kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("engine.export.shutil.copyfile", full)
    with pytest.raises(MachineFailure, match="No space left"):
        export_adapter(trained / "run", "n1t0", tmp_path / "adapter", records())
    assert list(tmp_path.iterdir()) == []


def test_the_header_gives_names_and_shapes(trained):
    tensors = safetensors_tensors(trained / "run/trials/n1t0/adapter/adapter_model.safetensors")
    assert any(name.endswith("q_proj.lora_A.weight") and shape == (4, 16) for name, shape in tensors.items())
