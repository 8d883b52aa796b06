"""The form of a new search: a known task or a folder, and the few settings one may want to change.

While somebody writes, the task's file is read in a thread, and what the search will take is said from earlier runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from engine import models
from engine.amounts import times
from engine.control.protocol import StartRun
from engine.errors import BadInput, TrexError
from engine.files import expanded, is_file
from engine.search.events import RunCreated
from engine.search.policies import POLICIES
from engine.search.tree import Tree
from engine.task import Task, load_task
from engine.workspace import Workspace, shipped
from trex_tui.actions import person
from trex_tui.forms.sheet import Remarks, Row, Sheet, Values, changed, whole
from trex_tui.model.outlook import outlook

LABELS = {
    "task": "task",
    "policy": "policy",
    "researcher": "Researcher",
    "rounds": "rounds",
    "wall": "time",
    "seed": "seed",
}
QUICKSTART = "movie_sentiment"


class NewRunSheet(Sheet):
    """`like`: the run on show, whose settings stand in the form at first; `runs`: those to estimate from; `task`: a
    task's folder that is meant in its place, "" = none."""

    kind, verb = "new-run", "start"
    title = "a new search"
    lead = "Empty rounds or time: the task's own. Researcher: empty = the task's, none = sampled plans only."

    def __init__(self, like: RunCreated | None, runs: Mapping[str, Tree], workspace: Workspace, task: str = "") -> None:
        self._runs, self._workspace = runs, workspace
        self._read: dict[str, Task | str] = {}  # by what stands in the line: the task, or what is wrong with it
        values = defaults(like) | ({"task": task} if task else {})
        thinkers = dict.fromkeys(("", "none", values["researcher"], *(tree.setup.researcher for tree in runs.values())))
        choices = {
            "task": known_tasks(runs, values["task"]),
            "policy": tuple(POLICIES),
            "researcher": tuple(thinkers),
        }
        self.rows = tuple(Row(name, label, values[name], choices.get(name, ())) for name, label in LABELS.items())
        self.first = "task" if like is None and not task else "rounds"

    def study(self, values: Values) -> None:
        given = values["task"].strip()
        if given not in self._read:
            self._read[given] = self._look(given)

    def remarks(self, values: Values) -> Remarks:
        edits = frozenset(changed(self.rows, values))
        read = self._read.get(values["task"].strip())
        if read is None:
            return Remarks({}, edits, "looking at the task")
        if isinstance(read, str):
            return Remarks({}, edits, f"! {read}")
        notes = {"rounds": f"{read.budget.rounds}, says the task", "wall": f"{read.budget.wall}, says the task"}
        notes = {name: note for name, note in notes.items() if not values[name].strip()}
        return Remarks(notes, edits, self._outlook(read, values))

    def command(self, values: Values) -> StartRun:
        return message({name: text.strip() for name, text in values.items()})

    def _outlook(self, task: Task, values: Values) -> str:
        rounds, wall = values["rounds"].strip(), values["wall"].strip() or task.budget.wall
        try:
            count = whole(rounds, "rounds", 100_000, 1) if rounds else task.budget.rounds
            seconds, until = times(wall, now := datetime.now())
        except BadInput as problem:
            return f"! {problem}"
        return outlook(task, self._runs, count, until - now.timestamp() if until else seconds)

    def _look(self, given: str) -> Task | str:
        """The task, where a search of it can start; else why not."""
        try:
            folder = task_folder(given)
            task = load_task(folder)
            models.find(task.model.base, self._workspace.models)
        except TrexError as problem:
            return str(problem)
        except OSError as problem:
            return f"{given}: {problem.strerror}"
        if task.data.source and not self._workspace.splits(task.name, task.fingerprint).exists():
            return f"the data of {task.name} is not here yet: `trex task fetch {given}` gets it"
        return task


def known_tasks(runs: Mapping[str, Tree], chosen: str) -> tuple[str, ...]:
    """What the arrows go through: the tasks of earlier runs, the newest first, then the shipped ones."""
    earlier = [short(tree.setup.task_path) for tree in reversed(list(runs.values()))]
    ours = sorted(path.parent.name for path in shipped("tasks").glob("*/task.toml"))
    return tuple(dict.fromkeys(name for name in (chosen, *earlier, *ours) if name))


def short(folder: str) -> str:
    """A shipped task's name, any other's folder."""
    path = Path(folder)
    path = path.parent if path.suffix == ".toml" else path
    return path.name if path.parent == shipped("tasks") else str(path)


def defaults(like: RunCreated | None) -> dict[str, str]:
    """What stands in the form at first: the settings of the run on show, with the next seed."""
    if like is None:
        return {"task": QUICKSTART, "policy": "uct", "researcher": "", "rounds": "", "wall": "", "seed": "0"}
    return {
        "task": short(like.task_path),
        "policy": like.policy,
        "researcher": like.researcher,
        "rounds": "",
        "wall": "",
        "seed": str(like.seed + 1),
    }


def task_folder(given: str) -> Path:
    """The folder of a shipped task by its name, or any task's by its path. Raises BadInput."""
    path = expanded(Path(given)) if given else Path()
    for folder in (shipped("tasks") / given, path):
        if given and is_file(folder / "task.toml"):
            return folder.resolve()
    if given and path.suffix == ".toml" and is_file(path):
        return path.parent.resolve()
    raise BadInput("there is no such task", where=given[:200] or "task", hint="give the folder with its task.toml")


def message(values: Values) -> StartRun:
    """The form as a message. Raises BadInput, one sentence about the first thing that is wrong."""
    folder = task_folder(values["task"])
    if values["policy"] not in POLICIES:
        raise BadInput(f"no policy `{values['policy']}`", hint=f"choose one of {', '.join(POLICIES)}")
    if values["wall"]:
        times(values["wall"], datetime.now())
    return StartRun(
        id=0,
        task=str(folder),
        by=person(),
        policy=values["policy"],
        researcher=values["researcher"],
        rounds=whole(values["rounds"] or "0", "rounds", 100_000),
        wall=values["wall"],
        seed=whole(values["seed"] or "0", "seed", 2**31 - 1),
    )
