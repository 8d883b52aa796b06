"""A realistic search as records, and the trial directories that go with it. Deterministic; no engine involved."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import msgspec

from engine.aidp import recipe as aidp
from engine.executor.job import Item, Result, State, Step
from engine.files import write_json, write_jsonl
from engine.plan import Plan, TrialConfig
from engine.search import events as ev
from engine.search.fold import apply
from engine.search.policies import terms_of
from engine.search.tree import Tree
from engine.workspace import Workspace

RUN = "r1"
START = 1_790_000_000.0
ITEMS = 300
BASELINE = TrialConfig()
CLEAN = aidp.Recipe(operators=(aidp.DedupExact(), aidp.FilterLength(min_words=4), aidp.Shuffle()), seed=7)
PLAIN = aidp.Recipe(operators=(aidp.Shuffle(),))
LESSON = "More rows help more than a higher rank: 512 rows beat 256 rows by 5 points at the same rate."


class Script:
    """Collects records with rising sequence numbers and times, and folds them, for the policy's terms."""

    def __init__(self, run: str = RUN, first_seq: int = 1, start: float = START) -> None:
        self.run, self.time, self.tree = run, start, Tree()
        self.records: list[ev.Record] = []
        self._seq = first_seq

    def say(self, event: ev.AnyEvent, after: float = 1.0) -> None:
        self.time += after
        record = ev.Record(seq=self._seq, time=self.time, run=self.run, event=event)
        self._seq += 1
        self.records.append(record)
        self.tree = apply(self.tree, record)

    def grow(self, node: str, parent: str, plan: Plan) -> None:
        why = terms_of(self.tree)
        self.say(ev.NodeAdded(node=node, parent=parent, why=why))
        if plan.source == "researcher":
            for attempt, purpose in enumerate(("direction", "plan"), 1):
                self.say(asked(node, purpose, attempt), after=6.0)
        self.say(ev.Planned(node=node, plan=plan))
        drops = {"dedup_exact": 21, "filter_length": 105}
        lost = tuple((name, drops.get(name, 0)) for name in map(aidp.operator_name, plan.recipe.operators))
        rows = 2000 - sum(count for _, count in lost)
        self.say(ev.DataReady(node=node, rows=rows, dropped=(*lost, ("decontaminate", 3)), seconds=2.1))

    def judge(self, trial: str, score: float, seconds: float = 65.0) -> None:
        node = trial.split("t")[0]
        self.say(ev.Launched(trial=trial, node=node))
        self.say(finished(trial, score, seconds), after=seconds)

    def learn(self, node: str, diagnosis: str, lesson: str) -> None:
        self.say(ev.Diagnosed(node=node, text=diagnosis), after=4.0)
        self.say(ev.Learned(insight=f"{self.run}:{node}", node=node, text=lesson, supports=(node,)), after=4.0)


def asked(node: str, purpose: str, attempt: int) -> ev.Asked:
    return ev.Asked(
        call=f"{node}/{purpose}/{attempt}",
        node=node,
        purpose=purpose,  # type: ignore[arg-type]
        attempt=attempt,
        model="Qwen2.5-Coder-1.5B-Instruct-Q4_K_M",
        prompt="...",
        answer="{}",
        seconds=6.2,
        answer_tokens=180,
    )


def finished(trial: str, score: float, seconds: float = 65.0) -> ev.Finished:
    half = 1.96 * math.sqrt(score * (1 - score) / ITEMS)
    return ev.Finished(
        trial=trial,
        node=trial.split("t")[0],
        score=score,
        low=round(score - half, 4),
        high=round(score + half, 4),
        items=ITEMS,
        result_sha256="0" * 64,
        seconds=seconds,
        train_seconds=seconds - 20,
        evaluate_seconds=18,
        examples=256,
    )


def created(splits: str = "", task_path: str = "", rounds: int = 6) -> ev.RunCreated:
    return ev.RunCreated(
        task="movie_sentiment",
        title="Movie reviews",
        task_path=task_path,
        task_fingerprint="f" * 16,
        metric="accuracy",
        maximize=True,
        base_model="SmolLM2-135M-Instruct",
        researcher="Qwen2.5-Coder-1.5B-Instruct-Q4_K_M",
        policy="uct",
        normaliser="rank",
        seed=0,
        wall_seconds=900.0,
        rounds=rounds,
        trials_per_round=3,
        confirm_candidates=2,
        splits=splits,
        exploration=0.2,
    )


def plan(direction: str, hypothesis: str, *trials: TrialConfig, recipe: aidp.Recipe = PLAIN, **more: object) -> Plan:
    values = {
        "direction": direction,
        "hypothesis": hypothesis,
        "recipe": recipe,
        "trials": trials or (BASELINE,),
        **more,
    }
    return Plan(**values)  # type: ignore[arg-type]


def search(splits: str = "", task_path: str = "", start: float = START) -> Script:
    """Six rounds, eleven trials: one failed, one branch pruned, one trial running at the end, 697 s after `start`."""
    out = Script(start=start)
    change = msgspec.structs.replace
    out.say(created(splits, task_path), after=0)
    out.judge("n0t0", 0.560, 30)
    out.grow("n1", "n0", plan("baseline", "The task's baseline, as one would try it by hand.", source="baseline"))
    out.judge("n1t0", 0.803)
    out.learn(
        "n1", "The loss falls until the last step and most errors are short ironic rows.", "One epoch is not enough."
    )
    more_rows = (change(BASELINE, rows=512), change(BASELINE, rows=512, learning_rate=5e-4))
    out.grow(
        "n2",
        "n0",
        plan(
            "adjust_training",
            "More rows at the same rate should help, because the loss was still falling at the end of the epoch.",
            *more_rows,
            source="researcher",
            insights_given=("r1:n1",),
            insights_named=("r1:n1",),
        ),
    )
    out.judge("n2t0", 0.850)
    out.judge("n2t1", 0.863, 71)
    out.learn("n2", "Both trials gain; the higher rate gains a little more within the noise.", LESSON)
    out.grow(
        "n3",
        "n0",
        plan(
            "refine_data",
            "sampled: dedup_exact -> filter_length -> shuffle",
            recipe=CLEAN,
            note="the answer was a duplicate twice",
        ),
    )
    out.judge("n3t0", 0.790)
    out.say(ev.FlagSet(node="n3", flag="pruned", on=True, by="ana"), after=9)
    hot = (change(more_rows[1], learning_rate=2e-3), change(more_rows[1], epochs=2), change(more_rows[1], lora_rank=64))
    out.grow("n4", "n2", plan("adjust_training", "Two passes over 512 rows.", *hot, source="researcher"))
    out.say(ev.Launched(trial="n4t0", node="n4"))
    out.say(ev.Failed(trial="n4t0", node="n4", kind="idea", cause="the loss diverged at step 14 (17.2)"), after=31)
    out.judge("n4t1", 0.877, 98)
    out.judge("n4t2", 0.857, 80)
    out.learn("n4", "A rate of 0.002 diverges; two passes gain 1.4 points.", "Keep the rate at or below 0.001.")
    balanced = aidp.Recipe(operators=(*CLEAN.operators, aidp.BalanceLabels()), seed=11)
    out.grow(
        "n5",
        "n4",
        plan(
            "refine_data", "Balance the labels, drop the shortest rows.", hot[1], recipe=balanced, source="researcher"
        ),
    )
    out.judge("n5t0", 0.870, 94)
    out.say(ev.Noted(text="the plan was sampled: two answers in a row were duplicates", node="n6", kind="fallback"))
    out.grow(
        "n6",
        "n4",
        plan("adjust_training", "sampled: warmup_ratio 0.1 -> 0.2", change(more_rows[1], warmup_ratio=0.2), hot[2]),
    )
    out.say(ev.Launched(trial="n6t0", node="n6"))
    return out


def ending(out: Script) -> None:
    """What follows until the report, appended to `search`."""
    out.say(finished("n6t0", 0.853), after=60)
    out.judge("n6t1", 0.847)
    for trial, score in (("n4t1", 0.867), ("n5t0", 0.873)):
        out.say(ev.Launched(trial=trial, node=trial.split("t")[0], split="confirm"))
        result = finished(trial, score)
        out.say(
            ev.Confirmed(
                trial=trial, score=score, low=result.low, high=result.high, items=ITEMS, result_sha256="0" * 64
            )
        )
    out.say(ev.ChampionChosen(trial="n5t0", reason="best of 2 candidates on the confirm split"))
    out.say(ev.RunEnded(state="done", reason="all 6 rounds are done"))


def directories(workspace: Workspace, out: Script) -> None:
    """The files that the trials of a script would have left."""
    splits = workspace.home / "tasks" / "movie_sentiment"
    splits.mkdir(parents=True, exist_ok=True)
    rows = [{"id": f"v{i:03d}", "prompt": prompt(i), "answer": ("positive", "negative")[i % 2]} for i in range(ITEMS)]
    write_jsonl(splits / "validation.jsonl", rows)
    for node in out.tree.nodes.values():
        for trial in node.trials.values():
            if trial.config is not None and trial.state != "queued":
                directory(workspace.trial(out.run, trial.id), trial.id, trial.score.value if trial.score else None)


def directory(folder: Path, trial: str, score: float | None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    steps = 64 if score is not None else 23
    (folder / "metrics.jsonl").write_text("".join(step_line(trial, i, 64) for i in range(1, steps + 1)))
    lines = [f"step {i}: loss {0.2 + 0.5 * math.exp(-i / 20):.3f}" for i in range(1, steps + 1, 4)]
    (folder / "log.txt").write_text("\n".join(["loading SmolLM2-135M-Instruct in 4-bit NF4", *lines]) + "\n")
    if score is None:
        write_json(folder / "state.json", State(phase="training", step=steps, steps=64, device="cpu", since=START))
        return
    write_json(folder / "state.json", State(phase="done", step=64, steps=64, judged=ITEMS, items=ITEMS, device="cpu"))
    wrong = set(random.Random(trial).sample(range(ITEMS), ITEMS - round(score * ITEMS)))
    items = tuple(item(i, i in wrong) for i in range(ITEMS))
    write_json(
        folder / "result.json",
        Result(trial=trial, split="validation", metric="accuracy", score=score, low=score, high=score, items=items),
    )


def item(index: int, wrong: bool) -> Item:
    labels = ("positive", "negative")
    return Item(
        id=f"v{index:03d}", gold=labels[index % 2], answer=labels[(index + wrong) % 2], correct=0.0 if wrong else 1.0
    )


def prompt(index: int) -> str:
    texts = (
        "Review: a gorgeous, witty, seductive movie that never once asks for your patience\nSentiment:",
        "Review: it is as flat as an open can of pop left sitting in the sun, and as sweet\nSentiment:",
        "Review: 一部令人难忘的电影 that earns its tears, then spends them twice over in the last act\nSentiment:",
    )
    return texts[index % len(texts)]


def step_line(trial: str, step: int, steps: int) -> str:
    noise = random.Random(f"{trial}{step}").gauss(0, 0.02)
    row = Step(
        time=START + step,
        step=step,
        loss=round(0.25 + 0.6 * math.exp(-step / 18) + noise, 4),
        learning_rate=3e-4 * min(step / 6, (steps - step + 1) / (steps - 6)),
        grad_norm=round(abs(1.2 * math.exp(-step / 25) + 5 * noise), 4),
        tokens_per_second=352.0,
        memory=1_650_000_000,
    )
    return json.dumps(msgspec.to_builtins(row)) + "\n"


def broken() -> Script:
    """A search whose base model could be judged, and nothing else: every idea failed, then the machine did."""
    out = Script()
    out.say(created(), after=0)
    out.judge("n0t0", 0.560, 30)
    out.grow("n1", "n0", plan("baseline", "The task's baseline, as one would try it by hand.", source="baseline"))
    out.say(ev.Launched(trial="n1t0", node="n1"))
    cause = "out of memory with batch 1 and 512 tokens: the model needs 9.1 GB, the card has 7.8 GB free"
    out.say(ev.Failed(trial="n1t0", node="n1", kind="resource", cause=cause), after=12)
    out.say(ev.NodeAdded(node="n2", parent="n0", why=terms_of(out.tree)))
    out.say(ev.Failed(trial="", node="n2", kind="idea", cause="the recipe leaves no row: filter_length dropped 2,000"))
    out.say(ev.Noted(text="the driver does not answer (NVML 999)", node="n2", kind="machine"))
    out.say(ev.RunEnded(state="failed", reason="the device failed twice with one cause: the driver does not answer"))
    return out


WINDED = "一部令人难忘的电影，它赢得了观众的眼泪，然后在最后一幕中又花了两次。" * 3
UNBROKEN = "supercalifragilisticexpialidocious" * 6


def long_winded() -> Script:
    """Texts as long as models write them, in letters of two cells, without a space, and with things that look like
    markup or like commands to a terminal."""
    out = Script()
    names = {"task": "a_task_with_a_name_that_is_longer_than_any_screen_is_wide_" * 2, "researcher": UNBROKEN}
    out.say(msgspec.structs.replace(created(), **names), after=0)
    out.judge("n0t0", 0.560, 30)
    out.grow("n1", "n0", plan("synthesise_data", f"{WINDED} {UNBROKEN} [bold]not markup[/bold] \x1b[31mnot red"))
    out.judge("n1t0", 0.803)
    out.learn("n1", f"{UNBROKEN} {WINDED}", f"{WINDED} {UNBROKEN}")
    for number in range(2, 30):  # one chain, deeper than the screen is wide
        out.grow(f"n{number}", f"n{number - 1}", plan("refine_data", WINDED))
    return out
