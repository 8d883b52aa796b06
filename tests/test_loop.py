"""The loop on a real journal and real splits, with processes and a Researcher that are scripted.

What is fake here has conformance tests of its own; what is tested here is that nothing is done twice or lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import sqlite3
from pathlib import Path

import msgspec
import pytest

from engine import jobs, taskdata
from engine.aidp.job import DataJob, DataReport, Step
from engine.executor.job import Item, Result, TrialJob
from engine.files import fingerprint, read_jsonl, sha256_file, write_json, write_jsonl
from engine.journal import Journal
from engine.loop import search
from engine.plan import Plan, TrialConfig
from engine.search import events as ev
from engine.search.fold import apply, fold
from engine.search.tree import Tree
from engine.steps.context import Run
from engine.task import load_task
from engine.workspace import Workspace
from tests import story

TASK = """
name = "colours"
brief = "Say which colour the thing has."
[data]
file = "rows.csv"
[splits]
train = 30
validation = 50
confirm = 50
test = 50
[format]
prompt = "{thing}:"
answer = " {colour}"
[evaluation]
mode = "label_likelihood"
labels = ["red", "blue"]
[budget]
wall = "10m"
rounds = 3
trials_per_round = 2
confirm_candidates = 2
"""


class Killed(Exception):
    """The engine, ended at this point."""


class ScriptedProcesses:
    """Processes that end at once with what `scores` says of a learning rate; `fate` can kill or fail them."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.trained: list[str] = []  # those that found no result in their folder
        self.fate: dict[str, list[jobs.Exit | None]] = {}

    def start(self, module: str, directory: Path) -> None:
        (directory / jobs.EXIT).unlink(missing_ok=True)
        self.started.append(directory.name)
        (directory / jobs.LOCK).write_text("1\n")  # it began
        coming = self.fate.get(directory.name, [])
        if coming:
            end = coming.pop(0)
            if end is not None:
                jobs.finish(directory, end)
            return
        if module == "engine.aidp":
            self._prepare(directory)
        elif not (directory / "result.json").exists():  # as engine.executor does
            self.trained.append(directory.name)
            self._train(directory)
        jobs.finish(directory, jobs.Exit(state="done"))

    def warm(self) -> None: ...

    def _prepare(self, directory: Path) -> None:
        job = msgspec.json.decode((directory / "job.json").read_bytes(), type=DataJob)
        rows = read_jsonl(Path(job.train_rows))
        write_jsonl(directory / "data.jsonl", rows)
        steps = (Step(operator="shuffle", rows_in=len(rows), rows_out=len(rows)),)
        write_json(
            directory / "report.json",
            DataReport(rows=len(rows), sha256=sha256_file(directory / "data.jsonl"), steps=steps, seconds=0.1),
        )

    def _train(self, directory: Path) -> None:
        job = msgspec.json.decode((directory / "plan.json").read_bytes(), type=TrialJob)
        rows = read_jsonl(Path(job.evaluate_rows))
        origin = directory.parent / job.trial / "plan.json"
        config = msgspec.json.decode(origin.read_bytes(), type=TrialJob).config
        right = 0.5 if config is None else min(1.0, 0.6 + config.learning_rate * 400)
        count = round(right * len(rows))
        items = tuple(Item(id=r["id"], gold="x", answer="x", correct=float(i < count)) for i, r in enumerate(rows))
        manifest = taskdata.verify(
            Path(job.evaluate_rows).parent if job.split != "test" else Path(job.evaluate_rows).parents[1]
        )
        result = Result(
            trial=job.trial,
            split=job.split,
            metric="accuracy",
            score=count / len(rows),
            low=0.0,
            high=1.0,
            items=items,
            evaluate_seconds=0.1,
            model_sha256="weights",
            data_sha256=manifest.splits[job.split].sha256,
        )
        write_json(directory / "result.json", result)
        (directory / "adapter").mkdir(exist_ok=True)

    async def ended(self, directory: Path) -> jobs.Exit | None:
        await asyncio.sleep(0)
        return jobs.outcome(directory)

    def interrupt(self, directory: Path) -> None: ...

    def kill(self, directory: Path) -> None: ...


class ScriptedMind:
    """Plans with rising learning rates; the same plan for the same node."""

    async def plan(self, run: Run, node: str) -> Plan:
        number = int(node[1:])
        direction = run.tree.nodes[node].direction or "adjust_training"
        configs = [TrialConfig(learning_rate=1e-4 * (2 * number + i), rows=20) for i in range(2)]
        return story.plan(*configs, direction=direction, seed=number)

    async def diagnose(self, run: Run, node: str) -> tuple[ev.Diagnosed, ev.Learned | None]:
        learned = ev.Learned(
            insight=f"{run.name}:{node}", node=node, text="more is more", supports=(node,), task=run.task.name
        )
        return ev.Diagnosed(node=node, text="fine"), learned


class Forgetful(ScriptedMind):
    """Plans otherwise than before: what it plans again is seen in the scores."""

    async def plan(self, run: Run, node: str) -> Plan:
        plan = await super().plan(run, node)
        trials = tuple(msgspec.structs.replace(c, learning_rate=c.learning_rate / 3) for c in plan.trials)
        return msgspec.structs.replace(plan, trials=trials)


class Bench:
    """A workspace with one run; `run()` opens it as a fresh engine would."""

    def __init__(self, folder: Path) -> None:
        rng = random.Random(0)
        self.folder = folder / "task"
        self.folder.mkdir()
        (self.folder / "task.toml").write_text(TASK)
        lines = [f"thing {i},{rng.choice(['red', 'blue'])}" for i in range(200)]
        (self.folder / "rows.csv").write_text("\n".join(["thing,colour", *lines]))
        self.workspace = Workspace(folder / "home").create()
        self.task = load_task(self.folder)
        self.splits = taskdata.materialise(self.task, self.folder, self.workspace, offline=True)
        self.processes = ScriptedProcesses()
        self.mind = ScriptedMind()
        manifest = fingerprint(taskdata.verify(self.splits))
        setup = story.created(
            rounds=3,
            wall_seconds=600.0,
            splits=str(self.splits),
            manifest=manifest,
            model_sha256="weights",
            task="colours",
        )
        journal = Journal.open(self.workspace.journal)
        journal.append("colours-1", setup)
        journal.close()

    def run(self, die_after: int | None = None) -> Tree:
        """Search to the end, or until `die_after` more events stand in the journal."""
        journal = Journal.open(self.workspace.journal)
        written = itertools.count(1)

        def write(name: str, event: ev.AnyEvent) -> ev.Record:
            record = journal.append(name, event)
            context.see(record)
            if next(written) == die_after:
                raise Killed
            return record

        context = Run(
            name="colours-1",
            workspace=self.workspace,
            task=self.task,
            task_folder=self.folder,
            splits=self.splits,
            model_dir=Path("/model"),
            tree=fold(journal.records()),
            processes=self.processes,
            mind=self.mind,
            write=write,
            doing=lambda what: None,
            clock=lambda: 0.0,
        )
        try:
            asyncio.run(search(context))
        finally:
            journal.close()
        return context.tree

    def events(self) -> list[ev.AnyEvent]:
        journal = Journal.open_read_only(self.workspace.journal)
        found = [record.event for record in journal.records()]
        journal.close()
        return found


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def outline(tree: Tree) -> list[object]:
    """What must be the same however often the engine died."""
    return [
        tree.champion,
        [(n.id, n.parent, n.plan.fingerprint if n.plan else "", n.state) for n in tree.nodes.values()],
        [(t.id, t.score, t.confirm, t.test) for n in tree.nodes.values() for t in n.trials.values()],
    ]


def test_a_search_runs_from_the_base_model_to_the_report(bench: Bench) -> None:
    tree = bench.run()
    assert tree.state == "done"
    assert tree.champion == "n3t1"
    assert [n.state for n in tree.nodes.values()] == ["done"] * 4
    assert tree.trial("n0t0").test and tree.trial("n1t1").test and tree.trial("n3t1").test
    assert tree.trial("n2t0").test is None
    assert (bench.workspace.report("colours-1") / "report.html").exists()


def test_the_test_split_is_opened_once_and_by_the_report_alone(bench: Bench) -> None:
    bench.run()
    openings = [e for e in bench.events() if isinstance(e, ev.TestOpened)]
    assert [(o.trials, o.by) for o in openings] == [(("n0t0", "n1t1", "n3t1"), "report")]


def test_an_engine_killed_after_any_event_finishes_the_same_search(tmp_path: Path) -> None:
    calm = fresh(tmp_path, "calm")
    undisturbed = calm.run()
    length = len(calm.events())
    for point in range(1, length - 1):
        bench = fresh(tmp_path, f"killed-{point}")
        with pytest.raises(Killed):
            bench.run(die_after=point)
        assert outline(bench.run()) == outline(undisturbed), f"killed after event {point} of {length}"
        results = [e.trial for e in bench.events() if isinstance(e, ev.Finished)]
        assert len(results) == len(set(results)) == 7


def fresh(folder: Path, name: str) -> Bench:
    (folder / name).mkdir()
    return Bench(folder / name)


def cut(bench: Bench, keep: int) -> None:
    """The journal as a backup of its first `keep` events would be."""
    db = sqlite3.connect(bench.workspace.journal)
    db.execute("DELETE FROM events WHERE seq > ?", (keep,))
    db.commit()
    db.close()


def test_a_journal_that_lost_its_end_gets_every_plan_and_result_back_from_the_folders(tmp_path: Path) -> None:
    calm = fresh(tmp_path, "calm")
    undisturbed = calm.run()
    length = len(calm.events())
    for point in range(1, length, 3):
        bench = fresh(tmp_path, f"cut-{point}")
        bench.run()
        cut(bench, point)
        # Whoever asks or trains again would come to something else.
        bench.mind = Forgetful()
        trained = len(bench.processes.trained)
        assert outline(bench.run()) == outline(undisturbed), f"cut after event {point} of {length}"
        assert len(bench.processes.trained) == trained, f"trained again after a cut at {point}"


def test_a_fork_that_the_journal_lost_is_a_fork_again(bench: Bench) -> None:
    plan = story.plan(TrialConfig(learning_rate=9e-4, rows=20))
    with pytest.raises(Killed):
        bench.run(die_after=12)
    number = len(bench.events())
    journal = Journal.open(bench.workspace.journal)
    nodes = fold(journal.records()).nodes
    name = f"n{len(nodes)}"
    journal.append("colours-1", ev.Forked(node=name, source="n1", plan=plan, by="sam"))
    journal.close()
    before = outline(bench.run())
    cut(bench, number)
    bench.mind = Forgetful()
    tree = bench.run()
    assert (tree.nodes[name].forked_from, tree.nodes[name].by) == ("n1", "sam")
    assert outline(tree) == before


def test_results_of_another_plan_are_set_aside_not_taken(bench: Bench) -> None:
    bench.run()
    cut(bench, 12)
    for kept in (bench.workspace.run("colours-1") / "nodes").glob("n*/node.json"):
        kept.unlink()
    bench.mind = Forgetful()
    trained = len(bench.processes.trained)
    tree = bench.run()
    assert tree.state == "done"
    assert len(bench.processes.trained) > trained
    assert list((bench.workspace.run("colours-1") / "trials").glob("n2t0.other-*"))
    config = tree.trial("n2t0").config
    assert config is not None
    assert config.learning_rate == pytest.approx(4e-4 / 3)


def test_a_person_who_prunes_restores_and_pauses_between_any_two_kills_loses_nothing(tmp_path: Path) -> None:
    """A branch is paused, pruned, restored, resumed: one deed after each kill, and the engine dies at any event."""
    calm = fresh(tmp_path, "calm").run()
    for point in range(8, 24, 3):
        bench = fresh(tmp_path, f"deeds-{point}")
        with pytest.raises(Killed):
            bench.run(die_after=point)
        for flag, on in (("paused", True), ("pruned", True), ("pruned", False), ("paused", False)):
            journal = Journal.open(bench.workspace.journal)
            journal.append("colours-1", ev.FlagSet(node="n1", flag=flag, on=on, by="me"))  # type: ignore[arg-type]
            journal.close()
            with contextlib.suppress(Killed):
                bench.run(die_after=1)
        tree = bench.run()
        assert tree.state == "done"
        results = [e.trial for e in bench.events() if isinstance(e, ev.Finished)]
        assert len(results) == len(set(results)), "one result per trial"
        assert tree.trial("n1t0").score == calm.trial("n1t0").score
        assert tree.nodes["n1"].flags == frozenset()


def test_a_killed_trial_is_started_again(bench: Bench) -> None:
    bench.processes.fate["n1t0"] = [None, None]
    tree = bench.run()
    assert bench.processes.started.count("n1t0") == 3
    assert tree.nodes["n1"].trials["n1t0"].state == "done"
    assert sum(isinstance(e, ev.Interrupted) for e in bench.events()) == 2


def test_a_trial_that_always_dies_is_given_up(bench: Bench) -> None:
    bench.processes.fate["n1t0"] = [None] * 50
    tree = bench.run()
    assert tree.nodes["n1"].trials["n1t0"].state == "failed"
    assert "given up" in tree.nodes["n1"].trials["n1t0"].cause
    assert tree.nodes["n1"].state == "done"


def test_a_diverged_trial_fails_and_the_node_lives_on_the_other(bench: Bench) -> None:
    bench.processes.fate["n2t0"] = [jobs.Exit(state="failed", kind="idea", cause="diverged at step 3")]
    tree = bench.run()
    assert tree.nodes["n2"].trials["n2t0"].state == "failed"
    assert tree.nodes["n2"].state == "done"


def test_a_driver_that_is_gone_fails_no_node_and_pauses_the_run(bench: Bench) -> None:
    bench.processes.fate["n2t0"] = [jobs.Exit(state="failed", kind="machine", cause="no driver")] * 2
    tree = bench.run()
    assert (tree.state, tree.reason) == ("paused", "no driver")
    assert not [n for n in tree.nodes.values() if n.state == "failed"]
    journal = Journal.open(bench.workspace.journal)
    journal.append("colours-1", ev.RunResumed(by="me"))
    journal.close()
    assert bench.run().state == "done"


def test_a_recipe_that_leaves_no_rows_is_an_idea_that_failed(bench: Bench) -> None:
    bench.processes.fate["n2"] = [jobs.Exit(state="failed", kind="idea", cause="filter_length left no rows")]
    tree = bench.run()
    assert tree.nodes["n2"].state == "failed"
    assert tree.state == "done"


def test_changed_splits_are_noticed_before_a_score_is_made(bench: Bench) -> None:
    (bench.splits / "validation.jsonl").chmod(0o600)
    (bench.splits / "validation.jsonl").write_text("{}\n")
    tree = bench.run()
    assert tree.state == "paused"
    assert "changed" in tree.reason
    assert not [e for e in bench.events() if isinstance(e, ev.Finished)]


def test_a_result_of_another_split_is_no_score(bench: Bench) -> None:
    original = ScriptedProcesses._train

    def swapped(self: ScriptedProcesses, directory: Path) -> None:
        original(self, directory)
        result = msgspec.json.decode((directory / "result.json").read_bytes(), type=Result)
        write_json(directory / "result.json", msgspec.structs.replace(result, split="confirm"))

    ScriptedProcesses._train = swapped  # type: ignore[method-assign]
    try:
        tree = bench.run()
    finally:
        ScriptedProcesses._train = original  # type: ignore[method-assign]
    assert tree.state == "paused"
    assert "split" in tree.reason


def test_the_base_models_score_is_reused_by_the_next_run(bench: Bench) -> None:
    bench.run()
    journal = Journal.open(bench.workspace.journal)
    first = next(r.event for r in journal.records() if isinstance(r.event, ev.RunCreated))
    record = journal.append("colours-2", first)
    tree = apply(Tree(), record)
    journal.close()
    assert tree.setup == first
    started = len(bench.processes.started)
    bench.run()
    assert bench.processes.started[started:] == []


def test_a_plan_that_a_person_forked_meanwhile_is_thought_of_again(bench: Bench) -> None:
    class Slow(ScriptedMind):
        """While it thinks of n2, a person forks exactly that."""

        asked = 0

        async def plan(self, run: Run, node: str) -> Plan:
            plan = await super().plan(run, node)
            if node != "n2":
                return plan
            Slow.asked += 1
            if Slow.asked == 1:
                run.record(ev.Forked(node="n3", source="n1", plan=plan, by="sam"))
                return plan
            return msgspec.structs.replace(
                plan, trials=tuple(msgspec.structs.replace(c, lora_rank=4) for c in plan.trials)
            )

    bench.mind = Slow()
    tree = bench.run()
    assert Slow.asked == 2
    plans = [n.plan.fingerprint for n in tree.nodes.values() if n.plan]
    assert len(plans) == len(set(plans)) and tree.state == "done"


def test_rows_that_are_lost_are_made_again(bench: Bench) -> None:
    with pytest.raises(Killed):
        bench.run(die_after=7)
    rows = bench.workspace.node("colours-1", "n1") / "data.jsonl"
    assert rows.exists() and not bench.workspace.trial("colours-1", "n1t1").exists()
    rows.unlink()
    assert bench.run().state == "done"
    assert bench.processes.started.count("n1") == 2
    assert any(isinstance(e, ev.Noted) and "makes them again" in e.text for e in bench.events())


@pytest.mark.parametrize("deed", ["paused", "pruned", "stopped"])
def test_a_person_need_not_wait_for_the_researcher_to_finish_its_thought(bench: Bench, deed: str) -> None:
    class Ponderous(ScriptedMind):
        """Thinks for ever about its second plan; a person has enough of it."""

        cancelled = False

        async def plan(self, run: Run, node: str) -> Plan:
            if node != "n2":
                return await super().plan(run, node)
            flag = ev.FlagSet(node="n2", flag=deed, on=True, by="me")  # type: ignore[arg-type]
            run.record(ev.StopAsked(by="me") if deed == "stopped" else flag)
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                Ponderous.cancelled = True
                raise
            raise AssertionError("it was to be cancelled")

    bench.mind = Ponderous()
    tree = bench.run()
    assert Ponderous.cancelled
    assert tree.nodes["n2"].plan is None and not tree.nodes["n2"].failed
    # Nobody ends a search over what a person means to resume.
    assert tree.state == {"stopped": "stopped", "pruned": "done", "paused": "running"}[deed]


def test_sampling_is_the_same_after_a_restart() -> None:
    from engine.space import grid_for, sample_plan

    draws = [
        sample_plan(
            "adjust_training",
            story.plan(),
            grid_for({}),
            examples=1000,
            trials=2,
            taken=frozenset(),
            rng=random.Random("0/n3"),
        ).fingerprint
        for _ in range(2)
    ]
    assert draws[0] == draws[1]
