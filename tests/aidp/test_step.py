"""The engine's step around the data process: what it asks for, what it says meanwhile, what it does not do twice."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from engine import taskdata
from engine.aidp.job import PROGRESS, DataReport, Progress
from engine.aidp.recipe import AnyOperator, DedupExact, FilterLanguage, FilterLoss, Paraphrase, Recipe, Shuffle
from engine.errors import MachineFailure
from engine.executor.supervise import LocalProcesses
from engine.files import write_json
from engine.plan import Plan, TrialConfig
from engine.search import events as ev
from engine.search.fold import fold
from engine.service import Engine
from engine.steps import data
from engine.steps.context import Run
from engine.task import load_task
from engine.workspace import Workspace
from tests import story
from tests.place import TASK
from trex_tui.model import agenda

WORDS = ("the film was a very", "good and rather long", "story about people", "by the sea", "in a town", "near here")


def a_run(folder: Path, *recipes: tuple[AnyOperator, ...], **setup: object) -> tuple[Run, list[str]]:
    """A run whose nodes n1, n2, ... are planned with these recipes, and what it will say that it does."""
    rng = random.Random(0)
    (folder / "task").mkdir()
    (folder / "task" / "task.toml").write_text(TASK.replace("train = 60", "train = 1200"))
    lines = {" ".join(rng.choices(WORDS, k=6)) for _ in range(1_600)}
    rows = [f"{line},{'yes' if 'sea' in line else 'no'}" for line in sorted(lines)[:1_400]]
    (folder / "task" / "words.csv").write_text("\n".join(["word,answer", *rows]))
    workspace, said = Workspace(folder / "home").create(), list[str]()
    task = load_task(folder / "task")
    splits = taskdata.materialise(task, folder / "task", workspace, offline=True)
    events: list[ev.AnyEvent] = [story.created(splits=str(splits), model_sha256="weights", **setup), *story.base()]
    for number, operators in enumerate(recipes, 1):
        plan = Plan(
            direction="refine_data", hypothesis="h", recipe=Recipe(operators=operators), trials=(TrialConfig(rows=16),)
        )
        events += [ev.NodeAdded(node=f"n{number}", parent="n0"), ev.Planned(node=f"n{number}", plan=plan)]

    def write(name: str, event: ev.AnyEvent) -> ev.Record:
        record = ev.Record(seq=run.tree.last_seq + 1, time=0.0, run=name, event=event)
        run.see(record)
        return record

    run = Run(
        name=story.RUN,
        workspace=workspace,
        task=task,
        task_folder=folder / "task",
        splits=splits,
        model_dir=Path("/models/base"),
        tree=fold(story.records(*events)),
        processes=LocalProcesses(),
        mind=None,  # type: ignore[arg-type]
        write=write,
        doing=said.append,
        clock=lambda: 0.0,
        threads=3,
    )
    return run, said


def report(run: Run, node: str) -> DataReport:
    return msgspec.json.decode((run.workspace.node(run.name, node) / "report.json").read_bytes(), type=DataReport)


async def test_a_child_that_changes_the_last_operator_does_not_repeat_the_first(tmp_path: Path) -> None:
    costly = FilterLanguage(keep=("en",))
    run, said = a_run(tmp_path, (costly, DedupExact()), (costly, Shuffle()))
    for node in ("n1", "n2"):
        run.workspace.node(run.name, node).mkdir(parents=True)
        await data.prepare(run, node)
        assert run.tree.nodes[node].rows, run.tree.nodes[node].failure
    assert [step.cached for step in report(run, "n1").steps] == [False, False, False]
    first, second = report(run, "n1").steps[0], report(run, "n2").steps[0]
    assert second.cached and msgspec.structs.replace(second, cached=False) == first
    assert said[0] == "n1 prepares its data"
    assert (run.workspace.cache / data.CACHE).is_dir()


async def test_how_far_it_is_is_said_while_it_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "LOOK_SECONDS", 0.001)
    run, _ = a_run(tmp_path, (DedupExact(),))
    heard = asyncio.Queue[str]()
    run.doing = heard.put_nowait
    telling = asyncio.create_task(data._tell(run, "n1", tmp_path / PROGRESS))
    for done in (1, 5):
        write_json(tmp_path / PROGRESS, Progress(operator="dedup_exact", place=0, of=2, done=done, total=10))
        async with asyncio.timeout(60):
            while await heard.get() != f"n1 prepares its data: dedup_exact, {done}0%":
                pass
    (tmp_path / PROGRESS).write_text("{torn")
    await asyncio.sleep(0.01)
    assert not telling.done(), "a file that is being written ends nothing"
    telling.cancel()


def test_a_job_names_the_models_that_its_operators_need_and_no_others(tmp_path: Path) -> None:
    run, _ = a_run(tmp_path, researcher="gone")
    plain = data.job_for(run, Recipe(operators=(DedupExact(), Shuffle())))
    assert (plain.models.base_model, plain.models.language_model) == ("", "")
    assert plain.cache and plain.limits.processes >= 1
    asked = data.job_for(run, Recipe(operators=(FilterLoss(),))).models
    assert (asked.base_model, asked.base_sha256, asked.threads) == ("/models/base", "weights", 3)
    with pytest.raises(MachineFailure, match="gone is not installed"):
        data.job_for(run, Recipe(operators=(Paraphrase(),)))


def test_how_far_it_is_does_not_begin_anew() -> None:
    times = iter((5.0, 9.0))
    engine: Any = SimpleNamespace(activity="idle", since=1.0, now=lambda: next(times))
    for what in ("n3 prepares its data", "n3 prepares its data: dedup_exact, 40%", "n3 prepares its data: shuffle"):
        Engine.doing(engine, what)
        assert (engine.activity, engine.since) == (what, 5.0)
    Engine.doing(engine, "n3t0 trains (validation)")
    assert engine.since == 9.0


def test_the_interface_says_it_too() -> None:
    plan = Plan(direction="baseline", hypothesis="h", recipe=Recipe(), trials=(TrialConfig(rows=16),))
    added = ev.NodeAdded(node="n1", parent="n0", direction="baseline")
    view: Any = SimpleNamespace(tree=story.tree(story.base(), added, ev.Planned(node="n1", plan=plan)))
    for told, said in {
        "n1 prepares its data": "n1's recipe is run on the rows",
        "n1 prepares its data: shuffle, 40%": "n1's recipe is run on the rows: shuffle, 40%",
        "n7 prepares its data: shuffle": "n1's recipe is run on the rows",
    }.items():
        assert agenda.doing(view, 1100.0, None, told).what == said
