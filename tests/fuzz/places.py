"""A workspace for the targets: a scripted search to its end, one in the middle, one that waits; an installed model.

Made once, copied as often as something in it was changed.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from engine.files import sha256_file, write_json
from engine.journal import Journal
from engine.models.store import Manifest, StoredFile
from engine.plan import TrialConfig
from engine.search import events as ev
from engine.task import load_task
from engine.workspace import Workspace
from tests import story
from tests.test_loop import TASK, Bench

OVER, LIVE, HELD = "colours-1", "live-1", "held-1"
RUNS = (OVER, LIVE, HELD)
BASE = "tiny"


class Template:
    """`folder/home` is the workspace, `folder/task` the task, `folder/models` the shared models."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder, self.models = folder, folder / "models"
        self.bench = Bench(folder)
        self.bench.run()
        self._install_model()
        self.task = folder / "task"
        (self.task / "task.toml").write_text(f'{TASK}\n[model]\nbase = "{BASE}"\nresearcher = "none"\n')
        self.home = folder / "home"
        self._more_runs()

    def _install_model(self) -> None:
        """As far as the engine looks: it never loads one."""
        folder = self.models / BASE
        folder.mkdir(parents=True)
        for name in ("config.json", "model.safetensors", "tokenizer.json"):
            (folder / name).write_bytes(b"{}")
        files = tuple(
            StoredFile(p.name, p.stat().st_size, p.stat().st_mtime_ns, sha256_file(p)) for p in folder.iterdir()
        )
        write_json(folder / "model.json", Manifest(name=BASE, kind="base", files=files))

    def _more_runs(self) -> None:
        workspace = Workspace(self.home)
        journal = Journal.open(workspace.journal)
        task = load_task(self.task)
        (created,) = [r.event for r in journal.records() if isinstance(r.event, ev.RunCreated)]
        failed = ev.Failed(node="n3", trial="n3t0", kind="idea", cause="diverged at step 3: the loss is nan")
        half: list[ev.AnyEvent] = [
            ev.NodeAdded(node="n3", parent="n1"),
            ev.Planned(node="n3", plan=story.plan(TrialConfig(lora_rank=8), TrialConfig(lora_rank=4), seed=3)),
            ev.DataReady(node="n3", rows=30),
            ev.Launched(trial="n3t0", node="n3"),
            failed,
            ev.Launched(trial="n3t1", node="n3"),
            ev.HintGiven(hint="h1", node="n0", text="try fewer rows", by="me"),
        ]
        begun = [created, *story.base(), *story.node("n1", "n0", 0.6, 0.7), *story.node("n2", "n0", 0.65)]
        for run, more in ((LIVE, half), (HELD, [ev.RunPaused(by="engine", reason="the driver is gone")])):
            learned = ev.Learned(insight=f"{run}:n1", node="n1", text="fewer rows helped", task=task.name)
            for event in [*begun, learned, *more]:
                journal.append(run, event)
            for trial in ("n1t0", "n1t1", "n2t0"):
                adapter = workspace.trial(run, trial) / "adapter"
                adapter.mkdir(parents=True)
                (adapter / "adapter_model.safetensors").write_bytes(b"x" * 100)
        journal.close()
        for run in RUNS:
            write_json(workspace.run(run) / "task.json", task)


def copy_of(template: Template, folder: Path) -> Workspace:
    """A workspace of its own to spoil."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template.home, folder)
    return Workspace(folder)


def listing(*folders: Path) -> dict[str, object]:
    """Every file below, with size and time of change. Locks and SQLite's index of its log are no state."""
    found: dict[str, object] = {}
    for folder in folders:
        for path, _, names in os.walk(folder):
            for name in names:
                if not name.endswith(("-shm", ".lock")):
                    info = os.lstat(f"{path}/{name}")
                    found[f"{path}/{name}"] = info.st_size, info.st_mtime_ns
    return found


@contextmanager
def surroundings(template: Template) -> Iterator[None]:
    """The environment in which the engine finds the models and makes its sockets, whose paths may not be long."""
    sockets = tempfile.TemporaryDirectory(prefix="trex")
    changed = {"TREX_MODELS": str(template.models), "XDG_RUNTIME_DIR": sockets.name}
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    try:
        yield
    finally:
        sockets.cleanup()
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def builtins_of(value: object) -> object:
    """A msgspec value as dicts and lists, ready to be spoilt."""
    return msgspec.json.decode(msgspec.json.encode(value))
