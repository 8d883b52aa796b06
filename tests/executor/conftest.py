"""A tiny Llama with a byte tokenizer, tiny rows, and trials in real child processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine import jobs
from engine.executor.job import Result, TrialJob
from engine.files import read_jsonl, write_json, write_jsonl
from engine.plan import TrialConfig
from engine.task import Evaluation, Format, Metric

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {
    **os.environ,
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
    "CUDA_VISIBLE_DEVICES": "",  # bit-equality is promised on a CPU
    "PYTHONPATH": str(ROOT),
}
LABELS = (" yes", " no")
FORMAT = Format(prompt="{prompt}")
QUICK = TrialConfig(
    learning_rate=1e-2, rows=32, epochs=6, batch_size=8, lora_rank=4, schedule="constant", warmup_ratio=0.0
)
EVALUATION = Evaluation(mode="label_likelihood", labels=LABELS, batch_size=8)


def save_tiny_model(folder: Path) -> None:
    """Two layers, hidden 64, random weights; the tokenizer is byte-level BPE trained on a few words."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(special_tokens=["<end>", "<user>"], initial_alphabet=alphabet, vocab_size=300)
    raw.train_from_iterator([" yes yes yes no no no question question"], trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="<end>", pad_token="<end>")
    tokenizer.chat_template = (
        "{% for m in messages %}<user>{{ m['role'] }}: {{ m['content'] }}<end>{% endfor %}"
        "{% if add_generation_prompt %}<user>assistant: {% endif %}"
    )
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=8192,
        tie_word_embeddings=True,
        initializer_range=0.1,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def questions(count: int, words: int = 3) -> list[dict[str, str]]:
    """Rows whose answer follows from the first word, of differing lengths."""
    return [
        {
            "id": f"q{n}",
            "prompt": ("good" if n % 2 else "bad") + " film" * (1 + n % words) + " question:",
            "answer": LABELS[0] if n % 2 else LABELS[1],
        }
        for n in range(count)
    ]


@pytest.fixture(scope="session")
def model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny-model")
    save_tiny_model(folder)
    return folder


@pytest.fixture(scope="session")
def nf4_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("nf4")


@pytest.fixture(scope="session")
def tokenizer(model_dir: Path) -> Any:
    from engine.executor.tokens import load_tokenizer

    return load_tokenizer(model_dir)


@pytest.fixture
def base(model_dir: Path, nf4_cache: Path) -> Any:
    """The tiny model in NF4, as a trial loads it, on the CPU."""
    import torch

    from engine.executor import loading

    torch.set_num_threads(1)
    return loading.load_base(model_dir, loading.model_sha256(model_dir), nf4_cache, torch.device("cpu"))


MakeTrial = Callable[..., Path]


@pytest.fixture
def make_trial(tmp_path: Path, model_dir: Path, nf4_cache: Path) -> MakeTrial:
    """A trial directory with its plan; keywords replace fields of the job."""

    def make(name: str = "t1", *, train: int = 32, judge: int = 12, **changes: Any) -> Path:
        directory = tmp_path / name
        directory.mkdir()
        write_jsonl(tmp_path / f"{name}.train.jsonl", questions(train))
        write_jsonl(tmp_path / f"{name}.judge.jsonl", questions(judge, words=5))
        job = TrialJob(
            trial=name,
            model_dir=str(model_dir),
            format=FORMAT,
            evaluation=EVALUATION,
            metric=Metric(),
            evaluate_rows=str(tmp_path / f"{name}.judge.jsonl"),
            split="validation",
            config=QUICK,
            train_rows=str(tmp_path / f"{name}.train.jsonl"),
            nf4_cache=str(nf4_cache),
            device_lock=str(tmp_path / "device.lock"),
            threads=1,
        )
        write_json(directory / "plan.json", msgspec.structs.replace(job, **changes))
        return directory

    return make


def start(directory: Path, **options: Any) -> subprocess.Popen[bytes]:
    """The trial's process, as the engine starts it."""
    command = [sys.executable, "-P", "-m", "engine.executor", str(directory)]
    return subprocess.Popen(command, **{"env": ENVIRONMENT, "start_new_session": True, **options})


def finish(process: subprocess.Popen[bytes], directory: Path) -> jobs.Exit:
    """Wait for the process and take its own word."""
    process.wait(timeout=120)
    outcome = jobs.outcome(directory)
    assert outcome is not None, (directory / "log.txt").read_text()
    return outcome


def result_of(directory: Path) -> Result:
    return msgspec.json.decode((directory / "result.json").read_bytes(), type=Result)


def losses(directory: Path) -> list[float]:
    """The loss of every step written so far."""
    return [row["loss"] for row in read_jsonl(directory / "metrics.jsonl")]


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    """Look again and again until `condition` holds; the process must still be at work."""
    deadline = time.monotonic() + 120
    while not condition():
        assert process.poll() is None, "the trial ended too soon"
        assert time.monotonic() < deadline
        time.sleep(0.005)
