"""The form of a new search: the task's folder and the few settings one may want to change."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from engine.amounts import times
from engine.control.protocol import StartRun
from engine.errors import BadInput
from engine.search.events import RunCreated
from engine.search.policies import POLICIES
from engine.workspace import shipped
from trex_tui.actions import person
from trex_tui.forms.sheet import Row, Sheet, Values, whole

LABELS = {
    "task": "task folder",
    "policy": "policy",
    "researcher": "Researcher",
    "rounds": "rounds",
    "wall": "time",
    "seed": "seed",
}


class NewRunSheet(Sheet):
    """`like`: the run on show, whose settings stand in the form at first."""

    kind, verb = "new-run", "start"
    title = "a new search"
    lead = "Empty rounds or time: the task's own. Researcher: empty = the task's, none = sampled plans only."

    def __init__(self, like: RunCreated | None) -> None:
        values = defaults(like)
        self.rows = tuple(Row(name, label, values[name]) for name, label in LABELS.items())
        self.first = "task" if like is None else "rounds"

    def command(self, values: Values) -> StartRun:
        return message({name: text.strip() for name, text in values.items()})


def defaults(like: RunCreated | None) -> dict[str, str]:
    """What stands in the form at first: the settings of the run on show, with the next seed."""
    if like is None:
        quickstart = shipped("tasks") / "movie_sentiment"
        return {"task": str(quickstart), "policy": "uct", "researcher": "", "rounds": "", "wall": "", "seed": "0"}
    path = Path(like.task_path)
    return {
        "task": str(path.parent if path.suffix == ".toml" else path),
        "policy": like.policy,
        "researcher": like.researcher,
        "rounds": "",
        "wall": "",
        "seed": str(like.seed + 1),
    }


def message(values: Values) -> StartRun:
    """The form as a message. Raises BadInput, one sentence about the first thing that is wrong."""
    folder = Path(values["task"]).expanduser()
    if not values["task"] or not (folder.is_dir() or folder.is_file()):
        raise BadInput(
            "there is no such task folder",
            where=values["task"] or "task folder",
            hint="give the folder with its task.toml",
        )
    if values["policy"] not in POLICIES:
        raise BadInput(f"no policy `{values['policy']}`", hint=f"choose one of {', '.join(POLICIES)}")
    if values["wall"]:
        times(values["wall"], datetime.now())
    return StartRun(
        id=0,
        task=str(folder.resolve()),
        by=person(),
        policy=values["policy"],
        researcher=values["researcher"],
        rounds=whole(values["rounds"] or "0", "rounds", 100_000),
        wall=values["wall"],
        seed=whole(values["seed"] or "0", "seed", 2**31 - 1),
    )
