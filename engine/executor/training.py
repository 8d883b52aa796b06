"""One training: LoRA on the frozen 4-bit model, by trl's SFTTrainer; from the start or from the last checkpoint.

Not the loading and not the judging. TRAP: SFTTrainer makes LoRA weights bf16 on a quantised model; small steps then
vanish, and a resumed training (which loads float32) differs. They are cast to float32 before the first step: with that,
and with the order of rows drawn ahead, a resumed training gives the same bits as an undisturbed one on a CPU.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import torch
from datasets import Dataset
from peft import LoraConfig, get_peft_model
from transformers import PrinterCallback, TrainerCallback, set_seed
from trl import SFTConfig, SFTTrainer

from engine.errors import IdeaFailure
from engine.executor import checkpoints
from engine.executor.batches import Collator, last_positions, training_order
from engine.executor.checkpoints import Trained
from engine.executor.job import Step
from engine.executor.loading import fit_attention
from engine.executor.render import IGNORED, Example, end_token, pad_token
from engine.executor.stop import Interrupted, Stop
from engine.executor.telemetry import Reporter, say
from engine.failpoints import reach
from engine.plan import TrialConfig

ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]
SCHEDULES = {"constant": "constant_with_warmup", "linear": "linear", "cosine": "cosine"}


def add_adapter(model: Any, config: TrialConfig, seed: int) -> Any:
    """`model` with a fresh LoRA adapter, its weights float32. Equal for equal seeds."""
    set_seed(seed)
    lora = LoraConfig(
        r=config.lora_rank,
        lora_alpha=config.lora_alpha,
        lora_dropout=config.lora_dropout,
        target_modules=ATTENTION if config.target_modules == "attention" else "all-linear",
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, lora)


def train(
    model: Any,
    tokenizer: Any,
    examples: Sequence[Example],
    config: TrialConfig,
    *,
    directory: Path,
    seed: int,
    save_every: int,
    save_seconds: float,
    reporter: Reporter,
    stop: Stop,
    changed: str = "",
) -> Trained:
    """Train `model` (with its adapter) in place, keep the adapter, and say what was trained.

    Goes on from the last whole checkpoint in `directory`. Raises Interrupted with a checkpoint saved, IdeaFailure
    where the training diverges, ResourceFailure after the time limit.
    """
    plan = _Plan.of(config, [len(row.ids) for row in examples], seed)
    _check_supervised(examples, end_token(tokenizer))
    fit_attention(model, max(len(row.ids) for row in examples))
    resumed = checkpoints.latest(directory)
    checkpoints.remove(directory, but=resumed[0] if resumed else None)
    watch = _Watch(reporter, stop, plan, resumed, save_seconds)
    trainer = _Trainer(
        model=model,
        args=_arguments(config, plan, directory, seed, save_every, model.device.type),
        train_dataset=_dataset(examples, plan.order),
        data_collator=Collator(pad_token(tokenizer)),
        processing_class=tokenizer,
        callbacks=[watch],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.watch = watch
    cast_adapter(model)
    trainer.train(resume_from_checkpoint=str(resumed[0]) if resumed else None)
    if trainer.state.global_step < plan.steps:
        raise Interrupted
    facts = Trained(
        rows=len(examples),
        examples=len(plan.order),
        supervised_tokens=sum(examples[row].supervised for row in plan.order),
        seconds=watch.seconds,
        loss=sum(step.loss for step in reporter.steps()) / plan.steps,
        changed=changed,
    )
    return checkpoints.keep_adapter(model, directory, facts)


def cast_adapter(model: Any) -> None:
    """Make every trainable weight float32."""
    for weight in model.parameters():
        if weight.requires_grad:
            weight.data = weight.data.float()


class _Plan:
    """How many optimiser steps, and which row at which place."""

    def __init__(self, steps: int, order: list[int], epochs: float) -> None:
        self.steps, self.order, self.epochs = steps, order, epochs

    @classmethod
    def of(cls, config: TrialConfig, lengths: Sequence[int], seed: int) -> _Plan:
        together = config.batch_size * config.gradient_accumulation
        count = config.max_steps * together if config.max_steps else len(lengths) * config.epochs
        order = training_order(lengths, count=count, batch=config.batch_size, seed=seed)
        return cls(math.ceil(count / together), order, count / len(lengths))


class _Trainer(SFTTrainer):  # type: ignore[misc]
    """SFTTrainer with a loss that asks for the logits of supervised positions only, and sealed checkpoints."""

    watch: _Watch

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        reach("train.micro_batch")
        labels = inputs.pop("labels")
        self.watch.count(int(inputs["attention_mask"].sum()))
        loss = answer_loss(model, inputs, labels, num_items_in_batch)
        return (loss, None) if return_outputs else loss

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """A checkpoint needs no model card."""

    def save_model(self, *arguments: Any, **options: Any) -> None:
        super().save_model(*arguments, **options)
        reach("checkpoint.half")

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        super()._save_checkpoint(model, trial)
        folder = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
        checkpoints.seal(folder, self.watch.seconds)
        checkpoints.remove(folder.parent, but=folder)


def answer_loss(model: Any, inputs: dict[str, Any], labels: torch.Tensor, items: Any = None) -> torch.Tensor:
    """Sum of the supervised tokens' negative log-likelihoods over `items` (the supervised tokens of the whole
    optimiser step; those of this batch where None). Batches are padded on the left, so these tokens come last."""
    last = int((labels != IGNORED).sum(dim=1).max())
    logits = model(**inputs, use_cache=False, logits_to_keep=last_positions(inputs, last + 1)).logits[:, :-1]
    targets = labels[:, -last:].to(logits.device)
    total = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1).float(), targets.flatten(), ignore_index=IGNORED, reduction="sum"
    )
    return total / ((targets != IGNORED).sum() if items is None else items)


class _Watch(TrainerCallback):  # type: ignore[misc]
    """Looks at every optimiser step: writes it down, refuses a diverged one, hears a request to stop, asks for a
    checkpoint when the last one is `save_seconds` old."""

    def __init__(
        self,
        reporter: Reporter,
        stop: Stop,
        plan: _Plan,
        resumed: tuple[Path, checkpoints.Seal] | None,
        save_seconds: float,
    ) -> None:
        self._reporter, self._stop, self._plan = reporter, stop, plan
        self._save_seconds = save_seconds or math.inf
        self._before = resumed[1].seconds if resumed else 0.0
        self._first = checkpoints.step_of(resumed[0]) + 1 if resumed else 1
        self._began = self._last = self._saved = time.monotonic()
        self._tokens = 0
        self._process = psutil.Process()

    @property
    def seconds(self) -> float:
        """Seconds trained, those before an interruption included."""
        return self._before + time.monotonic() - self._began

    def count(self, tokens: int) -> None:
        """Tokens of one forward pass, padding left out."""
        self._tokens += tokens

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        done = self._first - 1
        again = self._reporter.resume_after(done)
        if done or again:
            say(f"going on after step {done}; {again} later steps are done again")
        self._reporter.phase("training", step=done, steps=self._plan.steps)
        self._began = self._last = self._saved = time.monotonic()

    def on_step_end(self, _args: Any, state: Any, control: Any, **_: Any) -> None:
        reach("train.step")
        if state.global_step < self._plan.steps:  # after the last one the adapter itself is saved
            control.should_training_stop |= self._stop.asked
            control.should_save |= self._stop.asked or time.monotonic() - self._saved >= self._save_seconds
        self._stop.check_time()

    def on_save(self, *_: Any, **__: Any) -> None:
        self._saved = time.monotonic()

    def on_log(self, _args: Any, state: Any, *_: Any, logs: dict[str, Any] | None = None, **__: Any) -> None:
        if not logs or "loss" not in logs:
            return
        loss, norm = float(logs["loss"]), float(logs["grad_norm"])
        refuse_diverged(state.global_step, loss, norm, first=state.global_step == self._first)
        now = time.monotonic()
        step = Step(
            time=time.time(),
            step=state.global_step,
            loss=loss,
            learning_rate=float(logs["learning_rate"]),
            grad_norm=norm,
            tokens_per_second=self._tokens / max(now - self._last, 1e-9),
            memory=self._memory(),
            epoch=self._plan.epochs * state.global_step / self._plan.steps,
        )
        self._last, self._tokens = now, 0
        self._reporter.step(step)
        say(
            f"step {step.step}/{self._plan.steps}: loss {loss:.4f}, gradient {norm:.3g}, "
            f"{step.tokens_per_second:.0f} tokens/s"
        )

    def _memory(self) -> int:
        if torch.cuda.is_available():
            return int(torch.cuda.memory_allocated())
        return int(self._process.memory_info().rss)


def refuse_diverged(step: int, loss: float, norm: float, *, first: bool) -> None:
    """Raises IdeaFailure for a loss or gradient that is not finite, and for no gradient at all at the first step."""
    if not math.isfinite(loss):
        raise IdeaFailure(f"diverged at step {step}: the loss is {loss}")
    if not math.isfinite(norm):
        raise IdeaFailure(f"diverged at step {step}: the gradient is {norm}")
    if first and norm == 0.0:
        raise IdeaFailure(f"nothing is learned at step {step}: the gradient is zero")


def _check_supervised(examples: Sequence[Example], end: int) -> None:
    """Every row teaches its answer and where the answer ends."""
    for row in examples:
        if row.supervised < 1 or row.labels[-1] != end:
            raise IdeaFailure("a training row's supervised tokens do not end with the end-of-sequence token")


def _dataset(examples: Sequence[Example], order: Sequence[int]) -> Any:
    rows = Dataset.from_dict(
        {"input_ids": [row.ids for row in examples], "supervised": [row.supervised for row in examples]}
    )
    return rows.select(order)


def _arguments(config: TrialConfig, plan: _Plan, directory: Path, seed: int, save_every: int, device: str) -> Any:
    """trl's arguments. The rows come in our own order, so one "epoch" of the Trainer is the whole training."""
    return SFTConfig(
        output_dir=str(directory),
        max_steps=plan.steps,
        train_sampling_strategy="sequential",
        per_device_train_batch_size=config.batch_size,
        gradient_accumulation_steps=config.gradient_accumulation,
        learning_rate=config.learning_rate,
        lr_scheduler_type=SCHEDULES[config.schedule],
        warmup_steps=round(config.warmup_ratio * plan.steps),
        weight_decay=config.weight_decay,
        neftune_noise_alpha=config.neftune_noise or None,
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
        bf16=False,  # the model computes in bf16 by itself, the adapter in float32
        gradient_checkpointing=False,
        optim="adamw_torch",
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="steps" if save_every else "no",
        save_steps=save_every or 500,
        save_total_limit=None,  # the Trainer would count half-written ones, and remove whole ones for them
        report_to="none",
        disable_tqdm=True,
        use_cpu=device == "cpu",
        dataloader_pin_memory=device != "cpu",
        seed=seed,
        data_seed=seed,
    )
