"""Which logs there are for what is selected: names and paths. Looks at the disk; opens nothing."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from engine.workspace import Workspace
from trex_tui.model.store import Store

EVENTS = "events"
JUDGED = ("confirm", "test")


class LogSource(NamedTuple):
    """One log. `path` None: the run's events. `about`: what writes it, in a few words."""

    name: str
    about: str
    path: Path | None = None


def sources(workspace: Workspace, store: Store, run: str, node: str) -> list[LogSource]:
    """The run's events, the logs of the node and of its trials, those of the engine and its helpers."""
    found = [LogSource(EVENTS, f"what happened in {run}")] if run else []
    view = store.runs.get(run)
    trials = list(view.tree.nodes[node].trials) if view and node in view.tree.nodes else []
    for trial in trials:
        found.append(LogSource(trial, f"{trial}: training and judging", workspace.trial(run, trial) / "log.txt"))
        judged = [(f"{trial}.{split}", workspace.trial(run, f"{trial}.{split}") / "log.txt") for split in JUDGED]
        found += [LogSource(name, f"{name}: judging", path) for name, path in judged if path.is_file()]
    data = workspace.node(run, node) / "log.txt"
    if run and node and (data.is_file() or not trials):
        found.append(LogSource(f"{node} data", f"the data process of {node}", data))
    found += [
        LogSource("Researcher", "the Researcher's process", workspace.home / "researcher.log"),
        LogSource("engine", "the engine", workspace.engine_log),
        LogSource("cli", "defects of the command line", workspace.home / "cli.log"),
    ]
    return found
