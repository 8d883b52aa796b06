"""One trial from its plan to its result, read top to bottom: lease, load, train, judge, write.

Runs in its own process (`engine.executor.__main__`), which holds the directory and writes `exit.json`. Every failure
leaves here as an exception; `engine.executor.failures` says whose it is.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from safetensors import SafetensorError

from engine import strict
from engine.errors import IdeaFailure, MachineFailure, ResourceFailure
from engine.executor import checkpoints, lease, limits, loading, neighbours
from engine.executor.batches import Collator
from engine.executor.checkpoints import Trained
from engine.executor.evaluate import judge
from engine.executor.job import Item, Result, TrialJob
from engine.executor.render import Example, examples, pad_token
from engine.executor.selfcheck import Guard, training_probe
from engine.executor.stop import Stop
from engine.executor.telemetry import Reporter, say
from engine.executor.tokens import load_tokenizer
from engine.executor.training import add_adapter, cast_adapter, train
from engine.failpoints import reach
from engine.files import read_jsonl, sha256_file, write_json
from engine.ftbench import metrics
from engine.hardware import versions

PLAN = "plan.json"


def run(directory: Path, stop: Stop) -> None:
    """Do the work of `directory/plan.json`; afterwards `result.json` lies there. Raises what went wrong."""
    job = strict.from_json(_read(directory / PLAN), TrialJob, source=str(directory / PLAN))
    reporter = Reporter(directory)
    trial = Trial(job, directory, reporter, stop)
    trial.take_device()
    with neighbours.excused(trial.card):
        trial.load()
        facts = trial.trained()
        items, seconds = trial.judged()
    reporter.phase("saving")
    result = trial.result(facts, items, seconds)
    reach("result.before")
    write_json(directory / checkpoints.RESULT, result)
    reach("result.after")
    reporter.phase("done")


class Trial:
    """What the steps of one trial share."""

    def __init__(self, job: TrialJob, directory: Path, reporter: Reporter, stop: Stop) -> None:
        self.job, self.directory, self.reporter, self.stop = job, directory, reporter, stop
        self.device = torch.device("cpu")
        self.card: neighbours.Card | None = None  # as it was when the lease was taken
        self.model: Any = None
        self.tokenizer: Any = None
        self.model_sha256 = ""
        self._examples: list[Example] = []
        self._changed = ""

    def take_device(self) -> None:
        """Wait for the lease, then for the device's memory."""
        self.reporter.phase("waiting_for_device")
        if self.job.device_lock:
            lease.take(Path(self.job.device_lock), self.stop)
        self.device = loading.choose_device(self.job.device)
        limits.yield_to_others()
        if self.device.type == "cuda":
            lease.wait_for_memory(self.stop)
            self.card = neighbours.look()
            say(f"the card: {self.card}")
            torch.set_float32_matmul_precision("high")  # the adapter's products, in TF32
        else:
            limits.cap_memory()
            if self.job.threads:
                torch.set_num_threads(self.job.threads)
        self.stop.allow(self.job.time_limit)

    def load(self) -> None:
        """The tokenizer and the 4-bit base model."""
        self.reporter.phase("loading", device=loading.device_name(self.device))
        folder, cache = Path(self.job.model_dir), self._cache
        self.tokenizer = load_tokenizer(folder)
        self.model_sha256 = loading.model_sha256(folder)
        self.model = loading.load_base(folder, self.model_sha256, cache, self.device)
        reach("trial.loaded")
        self.stop.check()

    def trained(self) -> Trained | None:
        """Train, or load what was trained before an interruption, or the adapter to be judged; None for the base."""
        config = self.job.config
        if config is None:
            if self.job.adapter:
                _must_be_whole(Path(self.job.adapter))
                self._load_adapter(Path(self.job.adapter))
            return None
        self._read_examples()
        facts = checkpoints.trained(self.directory)
        if facts is not None:
            checkpoints.remove(self.directory)  # a death may have come between
            self._load_adapter(self.directory / checkpoints.ADAPTER)
            return facts
        self.model = add_adapter(self.model, config, self.job.seed)
        return train(
            self.model,
            self.tokenizer,
            self._examples,
            config,
            directory=self.directory,
            seed=self.job.seed,
            save_every=self.job.save_every,
            save_seconds=self.job.save_seconds,
            reporter=self.reporter,
            stop=self.stop,
            changed=self._changed,
        )

    def judged(self) -> tuple[list[Item], float]:
        """Judge the split: its items, and the seconds it took."""
        rows = _rows(Path(self.job.evaluate_rows))
        self.reporter.phase("evaluating", judged=0, items=len(rows))
        began = time.monotonic()
        items = self._guarded(
            lambda: judge(
                self.model,
                self.tokenizer,
                rows,
                self.job.format,
                self.job.evaluation,
                self.job.metric.name,
                self._progress,
            )
        )
        return items, time.monotonic() - began

    def result(self, facts: Trained | None, items: list[Item], seconds: float) -> Result:
        """The score with its interval, and everything needed to compute it again."""
        name = self.job.metric.name
        low, high = metrics.interval(name, items)
        return Result(
            trial=self.job.trial,
            split=self.job.split,
            metric=name,
            score=metrics.score(name, items),
            low=low,
            high=high,
            items=tuple(items),
            rows_trained=facts.rows if facts else 0,
            examples=facts.examples if facts else 0,
            supervised_tokens=facts.supervised_tokens if facts else 0,
            train_seconds=facts.seconds if facts else 0.0,
            evaluate_seconds=seconds,
            train_loss=facts.loss if facts else 0.0,
            changed=facts.changed if facts else "",
            device=loading.device_name(self.device),
            versions=versions(),
            model_sha256=self.model_sha256,
            data_sha256=sha256_file(Path(self.job.evaluate_rows)),
        )

    @property
    def _cache(self) -> Path | None:
        return Path(self.job.nf4_cache) if self.job.nf4_cache else None

    def _progress(self, done: int) -> None:
        reach("evaluate.batch")
        self.reporter.progress(judged=done)
        self.stop.check()

    def _guarded(self, work: Any) -> Any:
        """Judging, with the self-check around it where this trial trains and the check has not passed before."""
        if not self._examples:
            return work()
        guard = Guard(self._cache, self.model_sha256, versions(), self.device.type)
        rows = [{"input_ids": row.ids, "supervised": row.supervised} for row in self._examples[:8]]
        batch = Collator(pad_token(self.tokenizer))(rows)
        return guard.around(lambda: training_probe(self.model, batch), work)

    def _read_examples(self) -> None:
        """The first rows of the recipe's output, tokenised; notes what is not as the plan says."""
        config = self.job.config
        assert config is not None
        path = Path(self.job.train_rows)
        rows = _rows(path)[: config.rows]
        if self.job.train_sha256 and sha256_file(path) != self.job.train_sha256:
            raise MachineFailure("the node's rows are not those that its recipe made", where=str(path))
        if not rows:
            raise IdeaFailure("the recipe left no rows to train on")
        made = examples(rows, self.job.format, self.tokenizer, config.max_length)
        self._examples = made.rows
        notes = [
            f"{len(rows)} rows, all that the recipe gave, not {config.rows}" if len(rows) < config.rows else "",
            f"{made.cut} prompts cut to {config.max_length} tokens" if made.cut else "",
            f"{made.dropped} rows left out: their answers do not fit" if made.dropped else "",
        ]
        self._changed = "; ".join(note for note in notes if note)

    def _load_adapter(self, folder: Path) -> None:
        if not (folder / "adapter_config.json").is_file():
            raise MachineFailure("the adapter is missing", where=str(folder))
        try:
            self.model = PeftModel.from_pretrained(self.model, str(folder), is_trainable=True, local_files_only=True)
        except (OSError, ValueError, SafetensorError) as error:
            raise MachineFailure(f"the adapter cannot be read: {error}", where=str(folder)) from error
        cast_adapter(self.model)


def _must_be_whole(adapter: Path) -> None:
    """Raises ResourceFailure: what was trained is lost or changed, and trying again brings nothing back."""
    if checkpoints.trained(adapter.parent) is None:
        raise ResourceFailure("its adapter is missing, or is not what was trained", where=str(adapter))


def _rows(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        raise MachineFailure(
            "the rows are missing", where=str(path), hint="check the task's data with `trex task check`"
        )
    rows = read_jsonl(path)
    if not rows and path.stat().st_size:
        raise MachineFailure("the rows cannot be read", where=str(path))
    return rows


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise MachineFailure(f"the plan cannot be read: {error.strerror}", where=str(path)) from None
