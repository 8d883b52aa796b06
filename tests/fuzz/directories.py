"""Files of trial and node directories, read by everybody who reads them: engine, trial process, interface, report."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from engine import jobs, strict
from engine.aidp.job import DataReport
from engine.errors import TrexError
from engine.executor import checkpoints
from engine.executor.job import State as TrialState
from engine.executor.job import Step
from engine.executor.telemetry import Reporter
from engine.journal import Journal
from engine.report.gather import gather
from engine.search.fold import fold
from engine.steps import readback, restore, trials
from engine.steps.context import Run
from engine.task import load_task
from tests import story
from tests.fuzz import shapes
from tests.fuzz.harness import Input, State, check_sentence
from tests.fuzz.mutate import drawn
from tests.fuzz.places import OVER, Template, builtins_of, copy_of, listing
from tests.fuzz.write import to_json
from tests.test_loop import ScriptedMind, ScriptedProcesses
from trex_tui.model import telemetry

TRIAL, NODE = "n1t0", "n1"
DOCUMENTS: dict[str, type[msgspec.Struct]] = {
    "exit.json": jobs.Exit,
    "state.json": TrialState,
    "trained.json": checkpoints.Trained,
    "sealed.json": checkpoints.Seal,
    "report.json": DataReport,
}
LINES = ("metrics.jsonl", "log.txt")
WHOLE = ("result.json", "node.json")


class Directories:
    """A finished search; one file of it is another one each time."""

    name = "directories"

    def __init__(self, template: Template, folder: Path) -> None:
        self._workspace = copy_of(template, folder)
        self._run = _context(template, self._workspace)
        self._records = _records(self._workspace.journal)
        self._trial = trials.directory(self._run, TRIAL, "validation")
        self._node = self._workspace.node(OVER, NODE)
        result = self._trial / "result.json"
        self._good: dict[str, Any] = {
            "result.json": msgspec.json.decode(result.read_bytes()),
            "node.json": builtins_of(restore.Kept(parent="n0", plan=story.plan())),
        }
        self._paths = {name: self._trial / name for name in (*DOCUMENTS, *LINES, *WHOLE)}
        self._paths |= {name: self._node / name for name in ("node.json", "report.json")}
        self._paths["sealed.json"] = self._trial / "checkpoint-5" / "sealed.json"
        self._paths["sealed.json"].parent.mkdir()
        self._kept = {name: path.read_bytes() for name, path in self._paths.items() if path.exists()}

    def kinds(self) -> tuple[str, ...]:
        return tuple(self._paths)

    def make(self, kind: str, rng: Random) -> Input:
        data = self._valid(kind, rng)
        return drawn(kind, data, lambda value: self._written(value, kind), rng)

    def feed(self, given: Input) -> None:
        path = self._paths[given.kind]
        path.write_bytes(given.data)
        try:
            self._read(given.kind)
        finally:
            path.unlink()
            if given.kind in self._kept:
                path.write_bytes(self._kept[given.kind])

    def state(self) -> State:
        mine = {str(path) for path in self._paths.values()}
        return {path: what for path, what in listing(self._workspace.home).items() if path not in mine}

    def renew(self) -> None: ...

    def close(self) -> None: ...

    def _valid(self, kind: str, rng: Random) -> Any:
        if kind in self._good:
            return self._good[kind]
        if kind in LINES:
            return [shapes.valid(Step, rng, {}) for _ in range(3)]
        return shapes.valid(DOCUMENTS[kind], rng, {"state": ("done", "failed")})

    def _written(self, value: Any, kind: str) -> bytes:
        if kind in LINES:
            rows = value if isinstance(value, list) else [value]
            return b"".join(to_json(row) + b"\n" for row in rows)
        return to_json(value)

    def _read(self, kind: str) -> None:
        """Each reader has its own word for what cannot be read: None, a problem, or a TrexError, raised at the end."""
        refusals = []
        for reader in self._readers()[kind]:
            try:
                reader()
            except TrexError as refusal:
                refusals.append(refusal)
        if refusals:
            raise refusals[0]

    def _readers(self) -> Mapping[str, tuple[Callable[[], object], ...]]:
        run, folder = self._run, self._trial
        watched = (lambda: telemetry.TrialView().take(telemetry.read(folder, telemetry.Offsets())),)
        return {
            "exit.json": (lambda: jobs.outcome(folder),),
            "state.json": watched,
            "log.txt": watched,
            "trained.json": (lambda: checkpoints.trained(folder),),
            "sealed.json": (lambda: checkpoints.latest(folder),),
            "report.json": (self._data_report,),
            "node.json": (lambda: restore.plan(run, NODE),),
            "metrics.jsonl": (
                *watched,
                self._report,
                lambda: readback.curve(run, run.tree.trial(TRIAL)),
                lambda: Reporter(folder).steps(),
                lambda: Reporter(folder).resume_after(1),
            ),
            "result.json": (
                *watched,
                self._report,
                lambda: trials.read_result(run, folder, "validation"),
                lambda: readback.result_of(run, TRIAL),
                lambda: checkpoints.finished(folder),
            ),
        }

    def _report(self) -> None:
        for warning in gather(self._records, self._workspace.run(OVER)).warnings:
            check_sentence(warning)

    def _data_report(self) -> None:
        path = self._paths["report.json"]
        strict.from_json(path.read_bytes(), DataReport, source=str(path))


def _context(template: Template, workspace: Any) -> Run:
    """The run as the engine opens it."""
    records = _records(workspace.journal)
    bench = template.bench

    def refuse(_name: str, _event: Any) -> Any:
        raise AssertionError("reading records nothing")

    return Run(
        name=OVER,
        workspace=workspace,
        task=load_task(bench.folder),
        task_folder=bench.folder,
        splits=bench.splits,
        model_dir=Path("/model"),
        tree=fold(records),
        processes=ScriptedProcesses(),
        mind=ScriptedMind(),
        write=refuse,
        doing=lambda _: None,
        clock=lambda: 0.0,
        changed=asyncio.Event(),
    )


def _records(path: Path) -> list[Any]:
    journal = Journal.open_read_only(path)
    try:
        return [record for record in journal.records() if record.run == OVER]
    finally:
        journal.close()
