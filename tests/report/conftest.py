"""Complete run directories, made by hand: events, result files with real items, metrics, splits."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.aidp.recipe import BalanceLabels, DedupExact, Recipe, Shuffle
from engine.executor.job import Item, Result, Step
from engine.files import fingerprint, sha256_file, write_json, write_jsonl
from engine.ftbench import metrics
from engine.plan import Plan, TrialConfig
from engine.search import events as ev
from engine.search.fold import fold
from engine.search.tree import Tree
from engine.taskdata import GUARDS, Manifest, SplitInfo, verify

LABELS = ("negative", "positive")
ROWS = {"train": 40, "validation": 120, "confirm": 120, "test": 400}


class RunMaker:
    """Writes a run step by step, as the engine would: each call appends events and files."""

    def __init__(self, home: Path, **setup: Any) -> None:
        self.run_dir, self.splits = home / "run", home / "splits"
        self.records: list[ev.Record] = []
        self.now = 1_800_000_000.0
        self.metric = setup.get("metric", "accuracy")
        self.maximize = setup.get("maximize", True)
        self.golds = {s: {f"{s}-{n}": LABELS[n % 2] for n in range(1, rows + 1)} for s, rows in ROWS.items()}
        self.write_splits()
        given = {
            "task": "movies",
            "title": "Movie reviews",
            "task_path": "tasks/movies",
            "task_fingerprint": "f" * 16,
            "metric": "accuracy",
            "maximize": True,
            "base_model": "SmolLM2-135M-Instruct",
            "researcher": "Qwen",
            "policy": "uct",
            "normaliser": "rank",
            "seed": 0,
            "wall_seconds": 900.0,
            "rounds": 4,
            "trials_per_round": 2,
            "confirm_candidates": 2,
            "versions": {"torch": "2.13.0"},
            "hardware": "2 cores, 24 GB",
            "splits": str(self.splits),
            "manifest": fingerprint(verify(self.splits)),
        }
        self.add(ev.RunCreated(**{**given, **setup}))

    @property
    def tree(self) -> Tree:
        return fold(self.records)

    def add(self, event: ev.AnyEvent, after: float = 0.0) -> None:
        self.now += after
        self.records.append(ev.Record(seq=len(self.records) + 1, time=self.now, run="r1", event=event))

    def write_splits(self) -> None:
        infos = {}
        for split, golds in self.golds.items():
            path = self.splits / ("sealed/test.jsonl" if split == "test" else f"{split}.jsonl")
            rows = [{"id": name, "prompt": f"Review: {name}", "answer": gold} for name, gold in golds.items()]
            write_jsonl(path, rows)
            infos[split] = SplitInfo(rows=len(golds), sha256=sha256_file(path))
        (self.splits / GUARDS).write_bytes(b"guards")
        guards = sha256_file(self.splits / GUARDS)
        write_json(
            self.splits / "manifest.json",
            Manifest(task="movies", task_fingerprint="f" * 16, splits=infos, guards_sha256=guards, sources={}),
        )

    def items(self, split: str, wrong: set[int]) -> tuple[Item, ...]:
        """Every row of the split, those at the indices `wrong` answered wrongly."""
        found = []
        for at, (name, gold) in enumerate(self.golds[split].items()):
            answer = LABELS[1 - LABELS.index(gold)] if at in wrong else gold
            worth = metrics.contribution(self.metric, gold, answer)
            found.append(Item(id=name, gold=gold, answer=answer, correct=worth))
        return tuple(found)

    def judge(self, trial: str, split: str, wrong: set[int] | float) -> dict[str, Any]:
        """Write result.json; a float is the share of wrong answers, drawn by the trial's name. Returns event fields."""
        if isinstance(wrong, float):
            count = len(self.golds[split])
            wrong = set(random.Random(trial + split).sample(range(count), round(wrong * count)))
        items = self.items(split, wrong)
        low, high = metrics.interval(self.metric, items)
        score = metrics.score(self.metric, items)
        folder = self.run_dir / "trials" / (trial if split == "validation" else f"{trial}.{split}")
        write_json(
            folder / "result.json",
            Result(
                trial=trial,
                split=split,
                metric=self.metric,
                score=score,
                low=low,
                high=high,
                items=items,
                device="cpu",
                versions={"transformers": "5.23"},
            ),
        )
        sha256 = sha256_file(folder / "result.json")
        return {"score": score, "low": low, "high": high, "items": len(items), "result_sha256": sha256}

    def trial(self, trial: str, wrong: set[int] | float, seconds: float = 60.0, **fields: Any) -> None:
        node = trial.split("t")[0]
        self.add(ev.Launched(trial=trial, node=node), after=1)
        claim = self.judge(trial, "validation", wrong)
        if node != "n0":
            self.curve(trial)
        timing = {"seconds": seconds, "train_seconds": seconds * 0.6, "evaluate_seconds": seconds * 0.3}
        self.add(ev.Finished(trial=trial, node=node, **claim, **timing, examples=256, **fields), after=seconds)

    def curve(self, trial: str, steps: int = 32) -> None:
        draw = random.Random(trial)
        rows = [
            Step(
                time=self.now + n,
                step=n,
                loss=0.35 + 2.2 / (1 + n / 3) + draw.gauss(0, 0.08),
                learning_rate=3e-4,
                grad_norm=1.0,
                tokens_per_second=350.0,
                memory=2**30,
            )
            for n in range(1, steps + 1)
        ]
        write_jsonl(self.run_dir / "trials" / trial / "metrics.jsonl", rows)

    def base(self, wrong: set[int] | float = 0.44) -> None:
        self.trial("n0t0", wrong, seconds=30)

    def node(
        self,
        name: str,
        parent: str = "n0",
        direction: ev.Direction = "adjust_training",
        trials: tuple[TrialConfig, ...] = (TrialConfig(),),
        source: Any = "researcher",
        **plan: Any,
    ) -> None:
        """A node that is planned and whose data is ready."""
        fixed = direction if direction == "baseline" else None
        self.add(ev.NodeAdded(node=name, parent=parent, direction=fixed), after=1)
        if source == "researcher":
            call = {
                "model": "Qwen",
                "prompt": "...",
                "answer": "{}",
                "seconds": 6.0,
                "prompt_tokens": 900,
                "answer_tokens": 120,
            }
            self.add(ev.Asked(call=f"{name}/plan/1", node=name, purpose="plan", attempt=1, **call), after=6)
        recipe = plan.pop("recipe", Recipe(operators=(DedupExact(), BalanceLabels(), Shuffle()), seed=7))
        said = plan.pop("hypothesis", "Training on more rows helps more than a higher rank.")
        settled = Plan(direction=direction, hypothesis=said, recipe=recipe, trials=trials, source=source, **plan)
        self.add(ev.Planned(node=name, plan=settled), after=1)
        dropped = (("dedup_exact", 3), ("balance_labels", 11), ("shuffle", 0), ("decontaminate", 2))
        self.add(ev.DataReady(node=name, rows=1984, dropped=dropped, seconds=2.0), after=2)

    def confirm(self, trial: str, wrong: set[int] | float) -> None:
        self.add(ev.Launched(trial=trial, node=trial.split("t")[0], split="confirm"), after=1)
        self.add(ev.Confirmed(trial=trial, **self.judge(trial, "confirm", wrong)), after=20)

    def test(self, **wrong: set[int] | float) -> None:
        self.add(ev.TestOpened(trials=tuple(wrong), by="report"), after=1)
        for trial, share in wrong.items():
            self.add(ev.Launched(trial=trial, node=trial.split("t")[0], split="test"), after=1)
            self.add(ev.Tested(trial=trial, **self.judge(trial, "test", share)), after=40)

    def whole(self) -> RunMaker:
        """A search as it should be: base, baseline, two more nodes, champion, test."""
        self.base()
        self.node("n1", direction="baseline", source="baseline", hypothesis="What one would try by hand.")
        self.trial("n1t0", 0.22)
        self.node("n2", trials=(TrialConfig(rows=512), TrialConfig(rows=512, learning_rate=1e-3)))
        self.trial("n2t0", 0.12, seconds=120)
        self.trial("n2t1", 0.15, seconds=120)
        learned = ev.Learned(insight="r1:n2", node="n2", text="Twice the rows gave ten points.", supports=("n2",))
        self.add(learned, after=3)
        self.node(
            "n3",
            parent="n2",
            direction="refine_data",
            source="sampled",
            insights_given=("r0:n4", "r1:n2"),
            insights_named=("r0:n4",),
            hypothesis="Balanced labels help.",
        )
        self.trial("n3t0", 0.14, seconds=120)
        self.add(ev.Noted(text="no valid answer after 2 attempts: a sampled plan", node="n3", kind="fallback"))
        self.confirm("n2t0", 0.15)
        self.confirm("n3t0", 0.16)
        self.add(ev.ChampionChosen(trial="n2t0", reason="all 4 rounds are done"))
        self.test(n0t0=0.45, n1t0=0.21, n2t0=0.17)
        self.add(ev.RunEnded(state="done", reason="all 4 rounds are done"))
        return self


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., RunMaker]:
    """A maker of a run below a fresh folder; keywords change the run's settings."""
    return lambda **setup: RunMaker(tmp_path, **setup)
