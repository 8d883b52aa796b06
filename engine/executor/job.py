"""What stands in a trial directory: `plan.json` in, `result.json` and telemetry out. Types only.

Files, in the order in which they appear: `plan.json` (TrialJob), `lock`, `log.txt`, `state.json` (State),
`metrics.jsonl` (Step), `checkpoint-N/`, `adapter/`, `result.json` (Result), `exit.json` (engine.jobs.Exit).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from engine.plan import TrialConfig
from engine.task import Evaluation, Format, Metric


class TrialJob(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One process's work: train (where `config` is given), then evaluate on `evaluate_rows`.

    Paths are absolute. `config` None: evaluation only, of the base model or of `adapter`.
    """

    trial: str
    model_dir: str  # base model: safetensors + tokenizer, verified by engine.models
    format: Format
    evaluation: Evaluation
    metric: Metric
    evaluate_rows: str  # JSONL of the split to be judged
    split: Literal["validation", "confirm", "test"]
    config: TrialConfig | None = None
    train_rows: str = ""  # JSONL made by the node's recipe
    train_sha256: str = ""  # of that file; empty = not checked
    adapter: str = ""  # folder of an adapter to evaluate
    origin: str = ""  # sha256 of the result that this adapter came with
    seed: int = 0
    device: Literal["", "cpu", "cuda"] = ""  # the run's; empty = CUDA where it works
    device_lock: str = ""  # the lease: held while the device is used
    nf4_cache: str = ""  # folder for the base model quantised once; empty = quantise each time
    threads: int = 0  # CPU threads; 0 = the library's default
    save_seconds: float = 60.0  # of training between checkpoints: what a death costs at most; 0 = none by time
    save_every: int = 0  # optimiser steps between checkpoints; 0 = none by steps
    time_limit: float = 0.0  # seconds; 0 = none


class State(msgspec.Struct, frozen=True, kw_only=True):
    """`state.json`: what the process is doing now."""

    phase: Literal["starting", "waiting_for_device", "loading", "training", "evaluating", "saving", "done"]
    step: int = 0
    steps: int = 0  # optimiser steps in all
    judged: int = 0
    items: int = 0
    device: str = ""
    since: float = 0.0  # Unix seconds


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `metrics.jsonl`. Memory in bytes: resident set on a CPU, allocated on CUDA."""

    time: float
    step: int
    loss: float
    learning_rate: float
    grad_norm: float
    tokens_per_second: float
    memory: int
    epoch: float = 0.0


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One judged row. `scores`: log-likelihood per label, in the task's order, where labels are compared."""

    id: str
    gold: str
    answer: str
    correct: float  # the metric's contribution of this row, in [0, 1]
    scores: tuple[float, ...] = ()


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """`result.json`: the score and everything needed to compute it again."""

    trial: str
    split: str
    metric: str
    score: float
    low: float  # 95% bootstrap interval over items (percentile, 2,000 draws, seed 0)
    high: float
    items: tuple[Item, ...]
    rows_trained: int = 0
    examples: int = 0  # rows x passes
    supervised_tokens: int = 0
    train_seconds: float = 0.0
    evaluate_seconds: float = 0.0
    train_loss: float = 0.0
    changed: str = ""  # what really ran, where it is not what the plan said
    device: str = ""
    versions: dict[str, str] = {}
    model_sha256: str = ""  # of the base model's weights file
    data_sha256: str = ""  # of the judged split
